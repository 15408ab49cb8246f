use std::ffi::OsString;

use zeroize::Zeroizing;

use crate::config::{mistaken_for, read_text};
use crate::{Credentials, CredentialsError, CredentialsErrorKind};

/// The environment variable that holds an API key.
pub const API_KEY_ENV: &str = "SKYFLOW_API_KEY";

/// The environment variable that holds the text of a `credentials.json`, or a [`CredentialsConfig`] as JSON.
///
/// [`CredentialsConfig`]: crate::CredentialsConfig
pub const CREDENTIALS_ENV: &str = "SKYFLOW_CREDENTIALS";

/// The environment variable that holds the path of a `credentials.json`.
pub const CREDENTIALS_PATH_ENV: &str = "SKYFLOW_CREDENTIALS_PATH";

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
