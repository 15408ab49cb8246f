use std::ffi::OsString;
use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::config::{KINDS, mistaken_for};
use crate::document::{self, Document};
use crate::{Credentials, CredentialsConfig, CredentialsError, CredentialsErrorKind};

/// The environment variable that holds an API key.
pub const API_KEY_ENV: &str = "SKYFLOW_API_KEY";

/// The environment variable that holds the text of a `credentials.json`, or a [`CredentialsConfig`] as JSON.
///
/// [`CredentialsConfig`]: crate::CredentialsConfig
pub const CREDENTIALS_ENV: &str = "SKYFLOW_CREDENTIALS";

/// The environment variable that holds the path of a `credentials.json`.
pub const CREDENTIALS_PATH_ENV: &str = "SKYFLOW_CREDENTIALS_PATH";

/// Reports an environment variable that does not hold text; its content is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidVariable {
    name: &'static str,
}

impl InvalidVariable {
    /// Returns the name of the variable.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the violated rule, without the name.
    pub fn problem(&self) -> &'static str {
        "is not UTF-8"
    }
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.problem())
    }
}

impl std::error::Error for InvalidVariable {}

/// Reads a variable of an environment that is looked up with `lookup`; a blank one counts as unset.
///
/// It is for settings: [`Credentials::from_env_with`] reads the variables that hold secrets.
///
/// ```
/// let lookup = |name: &str| (name == "SKYFLOW_ENV").then_some("SANDBOX");
/// assert_eq!(skyflow_auth::variable(lookup, "SKYFLOW_ENV")?.as_deref(), Some("SANDBOX"));
/// assert_eq!(skyflow_auth::variable(lookup, "SKYFLOW_VAULT_ID")?, None);
/// # Ok::<(), skyflow_auth::InvalidVariable>(())
/// ```
///
/// # Errors
///
/// Fails when the variable is not UTF-8.
pub fn variable<S: Into<OsString>>(
    lookup: impl Fn(&str) -> Option<S>,
    name: &'static str,
) -> Result<Option<String>, InvalidVariable> {
    let Some(value) = lookup(name) else { return Ok(None) };
    let value = value.into().into_string().map_err(|_| InvalidVariable { name })?;
    Ok(Some(value).filter(|value| !value.trim().is_empty()))
}

impl Credentials {
    /// Takes the credentials of the environment: exactly one of `SKYFLOW_API_KEY`, `SKYFLOW_CREDENTIALS` and
    /// `SKYFLOW_CREDENTIALS_PATH`.
    ///
    /// `SKYFLOW_CREDENTIALS` is the text of a `credentials.json`, or an object with one of `api_key`, `token`, `path` and
    /// `credentials_string`; both may hold `roles` and `context` too. A blank variable counts as unset when another one
    /// is set.
    ///
    /// # Errors
    ///
    /// Fails with [`CredentialsErrorKind::Missing`] when none is set, with [`CredentialsErrorKind::Several`] when more
    /// than one is, and when the credentials cannot be used; [`CredentialsError::variable`] names the variable.
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from_env_with(|name| std::env::var_os(name))
    }

    /// Takes the credentials of an environment that is looked up with `lookup`, as [`Credentials::from_env`] does.
    ///
    /// ```
    /// use skyflow_auth::Credentials;
    ///
    /// let lookup = |name: &str| {
    ///     (name == "SKYFLOW_API_KEY").then_some("sky-abcde-0123456789abcdef0123456789abcdef")
    /// };
    /// assert!(Credentials::from_env_with(lookup).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::from_env`] does.
    pub fn from_env_with<S: Into<OsString>>(
        lookup: impl Fn(&str) -> Option<S>,
    ) -> Result<Self, CredentialsError> {
        let mut given = Vec::new();
        let mut blank = None;
        for name in [API_KEY_ENV, CREDENTIALS_ENV, CREDENTIALS_PATH_ENV] {
            let Some(value) = lookup(name) else { continue };
            let value = value.into().into_string().map(Zeroizing::new);
            let value = value.map_err(|_| CredentialsError::new(name, CredentialsErrorKind::NotText));
            let value = value.map_err(|error| error.in_variable(name))?;
            if value.trim().is_empty() {
                blank = blank.or(Some(name));
            } else {
                given.push((name, value));
            }
        }
        let (name, value) = match (given.as_slice(), blank) {
            ([one], _) => one,
            ([], Some(name)) => {
                return Err(CredentialsError::new(name, CredentialsErrorKind::Empty).in_variable(name));
            }
            ([], None) => return Err(CredentialsError::missing(CREDENTIALS_ENV)),
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
                return Err(CredentialsError::several(&names));
            }
        };
        let expected = match *name {
            API_KEY_ENV => CredentialsErrorKind::LooksLikeApiKey,
            CREDENTIALS_ENV => CredentialsErrorKind::LooksLikeJson,
            _ => CredentialsErrorKind::LooksLikePath,
        };
        if let Some(kind) = mistaken_for(value.trim()).filter(|kind| *kind != expected) {
            return Err(CredentialsError::new(name, kind).in_variable(name));
        }
        let credentials = match *name {
            API_KEY_ENV => Self::api_key(value.trim()),
            CREDENTIALS_ENV => read_text(value),
            _ => Ok(Self::from_path(value.as_str())),
        };
        credentials.map_err(|error| error.in_variable(name))
    }
}

/// Reads what `SKYFLOW_CREDENTIALS` may hold: the text of a `credentials.json`, or a configuration as JSON. Roles and
/// context may be part of both.
fn read_text(text: &str) -> Result<Credentials, CredentialsError> {
    let json = document::tidy(text);
    let document = Document::parse(CREDENTIALS_ENV, &json)?;
    if KINDS.iter().any(|kind| document.json(kind).is_some()) {
        let config = serde_json::from_str::<CredentialsConfig>(&json)
            .map_err(|error| CredentialsError::field_type(CREDENTIALS_ENV, &error))?;
        return config.try_into();
    }
    let mut credentials = Credentials::from_json(&json)?;
    if let Some(roles) = document.json("roles") {
        let roles: Vec<String> =
            serde_json::from_str(roles).map_err(|error| CredentialsError::field_type("roles", &error))?;
        credentials = credentials.roles(roles)?;
    }
    if let Some(context) = document.json("context") {
        let context: Value =
            serde_json::from_str(context).map_err(|error| CredentialsError::field_type("context", &error))?;
        credentials = credentials.context(context)?;
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_variables_count_as_unset() {
        for (value, read) in
            [(Some(" a "), Some(" a ".to_owned())), (Some(" \t"), None), (Some(""), None), (None, None)]
        {
            assert_eq!(variable(|_| value, "X"), Ok(read), "{value:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn variable_of_other_bytes_is_named_without_them() {
        use std::os::unix::ffi::OsStringExt;

        let error =
            variable(|_| Some(OsString::from_vec(b"se\xffcret".to_vec())), "SKYFLOW_ENV").unwrap_err();
        assert_eq!((error.name(), error.to_string().as_str()), ("SKYFLOW_ENV", "SKYFLOW_ENV is not UTF-8"));
    }
}
