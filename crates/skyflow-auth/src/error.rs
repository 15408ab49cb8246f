use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::StatusCode;
use skyflow_http::BoxError;
use skyflow_types::RequestId;

/// Says what is wrong with credentials.
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
    /// The text is not a JSON object.
    NotJson,
    /// The token URI is not `https://` (`http://` is accepted to loopback only), or is no URL.
    TokenUri,
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
}

/// Reports credentials that cannot be used; found before anything is sent.
///
/// It names the field and never repeats its value.
#[derive(Debug, Clone)]
pub struct CredentialsError {
    field: &'static str,
    kind: CredentialsErrorKind,
    detail: Option<Box<str>>,
    source: Option<Arc<io::Error>>,
}

impl CredentialsError {
    pub(crate) const fn new(field: &'static str, kind: CredentialsErrorKind) -> Self {
        Self { field, kind, detail: None, source: None }
    }

    pub(crate) const fn missing(field: &'static str) -> Self {
        Self::new(field, CredentialsErrorKind::Missing)
    }

    pub(crate) fn not_json(field: &'static str, error: &serde_json::Error) -> Self {
        // serde_json's own text quotes the document; the position does not.
        let detail = format!("line {} column {}", error.line(), error.column());
        Self { detail: Some(detail.into()), ..Self::new(field, CredentialsErrorKind::NotJson) }
    }

    pub(crate) fn file(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => CredentialsErrorKind::FileNotFound,
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

    /// Returns what is wrong with it.
    pub fn kind(&self) -> CredentialsErrorKind {
        self.kind
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CredentialsErrorKind as Kind;
        f.write_str(self.field)?;
        f.write_str(match self.kind {
            Kind::Missing => " is missing",
            Kind::Empty => " is empty",
            Kind::NotText => " is not text",
            Kind::Several => " is given more than once, give one",
            Kind::NotApplicable => " does not apply to this kind of credentials",
            Kind::FileNotFound => " does not exist",
            Kind::FileUnreadable => " cannot be read",
            Kind::NotJson => " is not a JSON object",
            Kind::TokenUri => " is not an https:// URL (http:// is accepted to loopback only)",
            Kind::PrivateKey(KeyProblem::NotPem) => " is not in PEM form",
            Kind::PrivateKey(KeyProblem::Public) => " is a public key, the private key is needed",
            Kind::PrivateKey(KeyProblem::NotRsa) => " is not an RSA key",
            Kind::PrivateKey(KeyProblem::Encrypted) => " is encrypted, a key without passphrase is needed",
            Kind::PrivateKey(KeyProblem::TooShort) => " is shorter than 2048 bits",
            Kind::PrivateKey(KeyProblem::Malformed) => " is damaged",
            Kind::ApiKeyFormat => " is not of the form sky-<5 letters or digits>-<32 hexadecimal digits>",
            Kind::TokenMalformed => " cannot be decoded",
            Kind::TokenExpired => " has expired",
            Kind::Role => " holds a role id with white space or a blank one",
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

/// Says why there is no token for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The credentials cannot be used; nothing was sent. The source is a [`CredentialsError`].
    Credentials,
    /// The token endpoint refused them (`invalid_grant`, 400, 401, 403 …): the same call will be refused again.
    Rejected,
    /// The token endpoint could not be reached or failed (5xx, 429, IO), after the retries.
    Unavailable,
    /// The token endpoint answered something that is no token.
    Decode,
    /// A provider of the caller's own failed.
    Provider,
    /// The request goes to a host the token is not meant for; it was not sent.
    ForeignHost,
}

/// Reports that no token could be had, so the request was not sent.
///
/// Cloning shares it: callers that waited for one exchange get the same error. It holds no key, token, assertion,
/// URL or body; what the server said is cleaned of control characters and of anything that looks like a token.
#[derive(Clone)]
pub struct AuthError(Arc<Inner>);

struct Inner {
    kind: AuthErrorKind,
    text: &'static str,
    status: Option<StatusCode>,
    request_id: Option<RequestId>,
    server: Option<ServerError>,
    source: Option<BoxError>,
}

/// What the token endpoint said about its refusal.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    pub(crate) message: Box<str>,
    pub(crate) grpc_code: Option<i64>,
}

impl AuthError {
    fn with(kind: AuthErrorKind, text: &'static str, source: Option<BoxError>) -> Self {
        Self(Arc::new(Inner { kind, text, status: None, request_id: None, server: None, source }))
    }

    /// Reports the failure of a provider of your own.
    pub fn provider(source: impl Into<BoxError>) -> Self {
        Self::with(AuthErrorKind::Provider, "the token provider failed", Some(source.into()))
    }

    pub(crate) fn unavailable(source: BoxError) -> Self {
        let text = "the token endpoint could not be reached";
        Self::with(AuthErrorKind::Unavailable, text, Some(Box::new(Transport(source))))
    }

    pub(crate) fn early_refresh_too_slow() -> Self {
        let text = "the token endpoint did not answer an early refresh in time";
        Self::with(AuthErrorKind::Unavailable, text, None)
    }

    pub(crate) fn foreign_host() -> Self {
        let text = "the request goes to a host that the token is not meant for";
        Self::with(AuthErrorKind::ForeignHost, text, None)
    }

    pub(crate) fn signing() -> Self {
        Self::with(AuthErrorKind::Credentials, "the private key could not sign", None)
    }

    pub(crate) fn answer(
        kind: AuthErrorKind,
        text: &'static str,
        status: StatusCode,
        request_id: Option<RequestId>,
        server: Option<ServerError>,
    ) -> Self {
        Self(Arc::new(Inner { kind, text, status: Some(status), request_id, server, source: None }))
    }

    /// Returns the reason.
    pub fn kind(&self) -> AuthErrorKind {
        self.0.kind
    }

    /// Tells whether the same call can succeed later without a change of credentials or configuration.
    pub fn is_retryable(&self) -> bool {
        self.0.kind == AuthErrorKind::Unavailable
    }

    /// Returns the status of the token endpoint's answer, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the request id of the token endpoint's answer.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns what the token endpoint said, cleaned and at most 512 characters long.
    pub fn server_message(&self) -> Option<&str> {
        self.0.server.as_ref().map(|server| &*server.message)
    }

    /// Returns the gRPC code in the token endpoint's answer.
    pub fn grpc_code(&self) -> Option<i64> {
        self.0.server.as_ref().and_then(|server| server.grpc_code)
    }

    /// Tells whether both are one failure, met by several callers.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Finds the first error of this type in a chain of sources.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&e| e.source()).find_map(|e| e.downcast_ref())
    }
}

impl From<CredentialsError> for AuthError {
    fn from(error: CredentialsError) -> Self {
        Self::with(AuthErrorKind::Credentials, "the credentials cannot be used", Some(Box::new(error)))
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.0.kind)
            .field("status", &self.0.status)
            .field("request_id", &self.0.request_id)
            .field("server", &self.0.server)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text)?;
        if let Some(status) = self.0.status {
            write!(f, ", status {}", status.as_u16())?;
        }
        match self.server_message() {
            Some(message) if !message.is_empty() => write!(f, ": {message}"),
            _ => Ok(()),
        }
    }
}

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|error| error as _)
    }
}

/// Hides the type of the exchange's transport error from whoever walks the chain.
///
/// An outer layer that looks for a `skyflow_http::Error` decides with it whether the *call* may be sent again and
/// whether it may have been applied; the fate of the exchange says nothing about either.
struct Transport(BoxError);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Transport {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let below = self.0.source()?;
        skyflow_http::Error::find(below).is_none().then_some(below)
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::ErrorKind;

    use super::*;

    #[test]
    fn the_transport_error_of_an_exchange_is_not_taken_for_one_of_the_call() {
        let io = skyflow_http::Error::new(ErrorKind::Io, Some("reset by peer".into()));
        let error = AuthError::unavailable(io.into());
        assert!(skyflow_http::Error::find(&error).is_none());
        let chain: Vec<String> = std::iter::successors(Some(&error as &dyn StdError), |&e| e.source())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            chain,
            [
                "the token endpoint could not be reached",
                "the connection failed while the request was in flight",
                "reset by peer"
            ]
        );
    }

    #[test]
    fn a_context_key_cannot_inject_a_log_line() {
        let error = CredentialsError::context_key(&format!("a\r\nb{}", "x".repeat(500)));
        let shown = error.to_string();
        assert!(!shown.contains('\n') && shown.len() < 200, "{shown}");
    }

    #[test]
    fn errors_can_change_threads() {
        fn check<T: StdError + Send + Sync + Clone + 'static>() {}
        check::<AuthError>();
        check::<CredentialsError>();
    }
}
