use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use skyflow_http::auth::{InvalidToken, TokenError};
use skyflow_types::UnknownField;

/// Reports credentials that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialsErrorKind {
    /// The field, or every kind of credentials, is absent.
    Missing,
    /// The field is there and holds nothing, or only white space.
    Empty,
    /// The field holds another type than text.
    NotText,
    /// More than one kind of credentials is given, or one field twice with different values.
    Several,
    /// The option means nothing for this kind of credentials.
    NotApplicable,
    /// The file does not exist.
    FileNotFound,
    /// The file exists and cannot be read, or is no UTF-8 text.
    FileUnreadable,
    /// The file is larger than 64 KiB.
    FileTooLarge,
    /// The file is a pipe, and nothing was written into it within 3 seconds.
    FileTimedOut,
    /// The path is a link to a file of another owner, or strict permissions are required and other users can read the
    /// file.
    FilePermissions,
    /// The text is not a JSON object.
    NotJson,
    /// The text of `SKYFLOW_CREDENTIALS` looks like the path of a file.
    LooksLikePath,
    /// The text of `SKYFLOW_CREDENTIALS` or `SKYFLOW_CREDENTIALS_PATH` looks like an API key.
    LooksLikeApiKey,
    /// The text of `SKYFLOW_API_KEY` or `SKYFLOW_CREDENTIALS_PATH` looks like the text of a `credentials.json`.
    LooksLikeJson,
    /// A configuration has a field that is not known.
    UnknownField,
    /// A field of a configuration has the wrong type, or is there twice.
    FieldType,
    /// The token URI is not `https://` (`http://` is accepted to loopback only), is no URL, or has more than 2048
    /// characters.
    TokenUri,
    /// The token URI names a host that is not Skyflow's and that is not allowed; see
    /// [`TokenExchange::allow_host`](crate::TokenExchange::allow_host).
    TokenHost,
    /// The name of an allowed host is no host, with or without a port, or is a link-local address.
    TokenHostName,
    /// The id has control characters or more than 256 characters.
    Identifier,
    /// The private key cannot be used.
    PrivateKey(KeyProblem),
    /// The API key is not of the form `sky-` + 5 letters or digits + `-` + 32 hexadecimal digits.
    ApiKeyFormat,
    /// The bearer token cannot be read or sent.
    TokenMalformed,
    /// The bearer token has expired.
    TokenExpired,
    /// A role id holds white space or is blank.
    Role,
    /// The context is neither text, object, number nor bool, or an empty one of those.
    Context,
    /// A key of the context object is not made of `A-Z a-z 0-9 _`.
    ContextKey,
    /// The lifetime is zero or longer than the server allows.
    Lifetime,
}

/// Says why a private key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyProblem {
    /// There is no PEM block.
    NotPem,
    /// It is a public key or a certificate.
    Public,
    /// It is a key of another algorithm, such as an EC key.
    NotRsa,
    /// It is encrypted with a passphrase.
    Encrypted,
    /// It is shorter than 2048 bits.
    TooShort,
    /// The content of the PEM block is not a key.
    Malformed,
    /// The program was built without a cryptography library: neither the feature `aws-lc-rs` nor `ring` is enabled.
    NoLibrary,
}

/// Reports credentials that cannot be used; found before anything is sent.
///
/// It names the field and never repeats its value.
#[derive(Debug, Clone)]
pub struct CredentialsError {
    field: &'static str,
    kind: CredentialsErrorKind,
    detail: Option<Box<str>>,
    variable: Option<&'static str>,
    source: Option<Arc<io::Error>>,
}

impl CredentialsError {
    pub(crate) const fn new(field: &'static str, kind: CredentialsErrorKind) -> Self {
        Self { field, kind, detail: None, variable: None, source: None }
    }

    pub(crate) const fn missing(field: &'static str) -> Self {
        Self::new(field, CredentialsErrorKind::Missing)
    }

    pub(crate) fn not_json(field: &'static str, error: &serde_json::Error) -> Self {
        Self::at(CredentialsErrorKind::NotJson, field, error)
    }

    pub(crate) fn field_type(field: &'static str, error: &serde_json::Error) -> Self {
        Self::at(CredentialsErrorKind::FieldType, field, error)
    }

    fn at(kind: CredentialsErrorKind, field: &'static str, error: &serde_json::Error) -> Self {
        // serde_json's own text quotes the document; the position does not.
        let detail = format!("line {} column {}", error.line(), error.column());
        Self { detail: Some(detail.into()), ..Self::new(field, kind) }
    }

    /// Several kinds of credentials at once, by the names that the caller gave them under.
    pub(crate) fn several(names: &[&str]) -> Self {
        let detail = format!("specify only one of {}", names.join(", "));
        Self { detail: Some(detail.into()), ..Self::new("credentials", CredentialsErrorKind::Several) }
    }

    pub(crate) fn unknown_field(error: &UnknownField) -> Self {
        Self {
            detail: Some(error.to_string().into()),
            ..Self::new("credentials", CredentialsErrorKind::UnknownField)
        }
    }

    /// Names the environment variable that the credentials were read from.
    pub(crate) fn in_variable(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    pub(crate) fn file(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => CredentialsErrorKind::FileNotFound,
            io::ErrorKind::FileTooLarge => CredentialsErrorKind::FileTooLarge,
            io::ErrorKind::TimedOut => CredentialsErrorKind::FileTimedOut,
            // One of the operating system has a code.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
                CredentialsErrorKind::FilePermissions
            }
            _ => CredentialsErrorKind::FileUnreadable,
        };
        Self { source: Some(Arc::new(error)), ..Self::new("credentials file", kind) }
    }

    pub(crate) fn context_key(key: &str) -> Self {
        let shown: String = key.chars().take(64).flat_map(char::escape_default).collect();
        Self { detail: Some(shown.into()), ..Self::new("context", CredentialsErrorKind::ContextKey) }
    }

    /// Returns the name of the field, as in a `credentials.json` (`privateKey`) or an option (`roles`).
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the name of the environment variable that the credentials were read from, such as `SKYFLOW_CREDENTIALS`.
    pub fn variable(&self) -> Option<&'static str> {
        self.variable
    }

    /// Returns the setting that cannot be used and what is wrong with it, as the error of a client names them: the
    /// environment variable, or `credentials.privateKey` and `cannot be used: privateKey is empty`.
    ///
    /// For [`CredentialsErrorKind::Missing`] without a variable there is no one setting: the client says where it takes
    /// credentials from.
    pub fn setting(&self) -> (String, String) {
        let message = self.to_string();
        match (self.variable, self.field) {
            (Some(variable), field) if variable == field => {
                let problem = message.strip_prefix(field).unwrap_or(&message);
                (variable.to_owned(), problem.trim_start().to_owned())
            }
            (Some(variable), _) => {
                let rest = message.strip_prefix(variable).unwrap_or(&message);
                (variable.to_owned(), format!("cannot be used: {}", rest.trim_start_matches(": ")))
            }
            (None, "credentials") => ("credentials".to_owned(), format!("cannot be used: {message}")),
            (None, "credentials file") => {
                ("credentials.path".to_owned(), format!("cannot be used: {message}"))
            }
            (None, field) => (format!("credentials.{field}"), format!("cannot be used: {message}")),
        }
    }

    /// Returns the error of the operating system behind it, for a file; the error no longer has it then.
    pub fn take_cause(&mut self) -> Option<Arc<io::Error>> {
        self.source.take()
    }

    /// Returns the violated rule.
    pub fn kind(&self) -> CredentialsErrorKind {
        self.kind
    }
}

impl From<InvalidToken> for CredentialsError {
    fn from(error: InvalidToken) -> Self {
        let kind = match error {
            InvalidToken::Empty => CredentialsErrorKind::Empty,
            _ => CredentialsErrorKind::TokenMalformed,
        };
        Self::new("token", kind)
    }
}

impl From<CredentialsError> for TokenError {
    fn from(error: CredentialsError) -> Self {
        Self::credentials(error)
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CredentialsErrorKind as Kind;
        if let Some(variable) = self.variable.filter(|variable| *variable != self.field) {
            write!(f, "{variable}: ")?;
        }
        f.write_str(self.field)?;
        f.write_str(match self.kind {
            Kind::Missing => " is missing",
            Kind::Empty => " is empty",
            Kind::NotText => " is not a string",
            Kind::Several => " is specified more than once",
            Kind::NotApplicable => " does not apply to this kind of credentials",
            Kind::FileNotFound => " does not exist",
            Kind::FileUnreadable => " cannot be read",
            Kind::FileTooLarge => " is larger than 64 KiB",
            Kind::FileTimedOut => " is a pipe without content, its writer must write within 3 seconds",
            Kind::FilePermissions => " must belong to and be readable by one user only, links included",
            Kind::NotJson => " is not a JSON object",
            Kind::LooksLikePath => " looks like a path: set SKYFLOW_CREDENTIALS_PATH to it instead",
            Kind::LooksLikeApiKey => " looks like an API key: set SKYFLOW_API_KEY to it instead",
            Kind::LooksLikeJson => " looks like a credentials.json: set SKYFLOW_CREDENTIALS to it instead",
            Kind::UnknownField => " cannot be read",
            Kind::FieldType => " has a field of the wrong type, or the same field twice",
            Kind::TokenUri => " is not an https:// URL (http:// is accepted to loopback only)",
            Kind::TokenHost => {
                " names a host that is not Skyflow's: allow it with SKYFLOW_TOKEN_HOSTS or TokenExchange::allow_host"
            }
            Kind::TokenHostName => " must be the name of a host, with or without a port, and not link-local",
            Kind::Identifier => " must have at most 256 characters and no control characters",
            Kind::PrivateKey(KeyProblem::NotPem) => " is not in PEM form",
            Kind::PrivateKey(KeyProblem::Public) => " is a public key, the private key is needed",
            Kind::PrivateKey(KeyProblem::NotRsa) => " is not an RSA key",
            Kind::PrivateKey(KeyProblem::Encrypted) => " is encrypted, a key without passphrase is needed",
            Kind::PrivateKey(KeyProblem::TooShort) => " is shorter than 2048 bits",
            Kind::PrivateKey(KeyProblem::Malformed) => " is damaged",
            Kind::PrivateKey(KeyProblem::NoLibrary) => {
                " needs a cryptography library: enable the feature aws-lc-rs or ring"
            }
            Kind::ApiKeyFormat => " is not of the form sky-<5 letters or digits>-<32 hexadecimal digits>",
            Kind::TokenMalformed => " cannot be decoded",
            Kind::TokenExpired => " has expired",
            Kind::Role => " holds a role id that is blank, has white space or more than 256 characters",
            Kind::Context => " must be a non-empty text or object, a number or a bool",
            Kind::ContextKey => " has a key that is not made of letters, digits and underscores",
            Kind::Lifetime => " must be between one second and 60 minutes",
        })?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for CredentialsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_is_the_variable_or_a_part_of_it() {
        let empty = |field| CredentialsError::new(field, CredentialsErrorKind::Empty);
        let of_key = empty("privateKey").in_variable("SKYFLOW_CREDENTIALS");
        for (error, setting, problem) in [
            (empty("SKYFLOW_API_KEY").in_variable("SKYFLOW_API_KEY"), "SKYFLOW_API_KEY", "is empty"),
            (of_key, "SKYFLOW_CREDENTIALS", "cannot be used: privateKey is empty"),
            (empty("credentials"), "credentials", "cannot be used: credentials is empty"),
            (empty("credentials file"), "credentials.path", "cannot be used: credentials file is empty"),
            (empty("roles"), "credentials.roles", "cannot be used: roles is empty"),
        ] {
            assert_eq!(error.setting(), (setting.to_owned(), problem.to_owned()));
        }
    }

    #[test]
    fn a_context_key_cannot_inject_a_log_line() {
        let error = CredentialsError::context_key(&format!("a\r\nb{}", "x".repeat(500)));
        let shown = error.to_string();
        assert!(!shown.contains('\n') && shown.len() < 200, "{shown}");
    }
}
