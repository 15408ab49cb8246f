use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use skyflow_types::Secret;

use crate::{Credentials, CredentialsError, CredentialsErrorKind};

/// Credentials as a configuration file spells them, with the keys of the official SDKs.
///
/// Exactly one of `path`, `credentials_string`, `token` and `api_key` has to be there; several are an error and not a
/// matter of order. camelCase keys are read too, other keys are refused. `Credentials` itself reads this form.
///
/// ```
/// use skyflow_auth::Credentials;
///
/// let one = r#"{"apiKey": "sky-abcde-0123456789abcdef0123456789abcdef"}"#;
/// assert!(serde_json::from_str::<Credentials>(one).is_ok());
/// let two = r#"{"path": "credentials.json", "token": "opaque"}"#;
/// assert!(serde_json::from_str::<Credentials>(two).is_err());
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CredentialsConfig {
    /// The path of a `credentials.json`.
    pub path: Option<String>,
    /// The text of a `credentials.json`.
    #[serde(alias = "credentialsString")]
    pub credentials_string: Option<Secret>,
    /// A bearer token.
    pub token: Option<Secret>,
    /// An API key.
    #[serde(alias = "apiKey")]
    pub api_key: Option<Secret>,
    /// Role ids, for a service account.
    pub roles: Option<Vec<String>>,
    /// An end user's context, for a service account.
    pub context: Option<Value>,
    /// Another token URI, for a service account.
    #[serde(alias = "tokenUri", alias = "tokenURI")]
    pub token_uri: Option<String>,
}

impl CredentialsConfig {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl TryFrom<CredentialsConfig> for Credentials {
    type Error = CredentialsError;

    fn try_from(config: CredentialsConfig) -> Result<Self, CredentialsError> {
        let given = [
            config.path.is_some(),
            config.credentials_string.is_some(),
            config.token.is_some(),
            config.api_key.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(CredentialsError::new("credentials", CredentialsErrorKind::Several));
        }
        let mut credentials = if let Some(path) = config.path {
            if path.trim().is_empty() {
                return Err(CredentialsError::new("path", CredentialsErrorKind::Empty));
            }
            Self::from_path(path)
        } else if let Some(text) = config.credentials_string {
            if text.expose().trim().is_empty() {
                return Err(CredentialsError::new("credentials_string", CredentialsErrorKind::Empty));
            }
            Self::from_json(text.expose())?
        } else if let Some(token) = config.token {
            Self::bearer_token(token)?
        } else if let Some(key) = config.api_key {
            Self::api_key(key)?
        } else {
            return Err(CredentialsError::missing("credentials"));
        };
        if let Some(roles) = config.roles {
            credentials = credentials.roles(roles)?;
        }
        if let Some(context) = config.context {
            credentials = credentials.context(context)?;
        }
        if let Some(uri) = config.token_uri {
            credentials = credentials.token_uri(&uri)?;
        }
        Ok(credentials)
    }
}

impl fmt::Debug for CredentialsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsConfig")
            .field("path", &self.path.is_some())
            .field("credentials_string", &self.credentials_string.is_some())
            .field("token", &self.token.is_some())
            .field("api_key", &self.api_key.is_some())
            .finish_non_exhaustive()
    }
}
