use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use skyflow_types::{Secret, UnknownFields};

use crate::{ApiKey, Credentials, CredentialsError, CredentialsErrorKind};

/// The fields of a configuration, under the names that errors say.
const FIELDS: &[&str] = &["path", "credentials_string", "token", "api_key", "roles", "context", "token_uri"];

/// The fields that tell a configuration from the text of a `credentials.json`.
pub(crate) const KINDS: [&str; 6] =
    ["path", "credentials_string", "credentialsString", "token", "api_key", "apiKey"];

/// Credentials as a configuration file spells them, with the keys of the official SDKs.
///
/// Exactly one of `path`, `credentials_string`, `token` and `api_key` has to be there; several are an error and not a
/// matter of order. camelCase keys are read too, other keys are refused when it becomes [`Credentials`], which read this form
/// themselves.
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
#[serde(default)]
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
    #[serde(flatten)]
    unknown: UnknownFields,
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
        config.unknown.deny(FIELDS).map_err(|error| CredentialsError::unknown_field(&error))?;
        let given = [
            ("path", config.path.is_some()),
            ("credentials_string", config.credentials_string.is_some()),
            ("token", config.token.is_some()),
            ("api_key", config.api_key.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect();
        if given.len() > 1 {
            return Err(CredentialsError::several(&given));
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

/// Names the kind of a value that is plainly meant for another variable.
pub(crate) fn mistaken_for(text: &str) -> Option<CredentialsErrorKind> {
    if ApiKey::new(text).is_ok() {
        return Some(CredentialsErrorKind::LooksLikeApiKey);
    }
    if text.starts_with(['{', '\u{feff}']) {
        return Some(CredentialsErrorKind::LooksLikeJson);
    }
    let one_line = !text.contains(['\n', '"']);
    let path = text.contains(['/', '\\', '~']) || text.to_ascii_lowercase().ends_with(".json");
    (one_line && path).then_some(CredentialsErrorKind::LooksLikePath)
}

/// Written by hand, because serde's own error for a plain string repeats it, and that string may be a key.
impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConfigVisitor)
    }
}

struct ConfigVisitor;

impl<'de> Visitor<'de> for ConfigVisitor {
    type Value = Credentials;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one of path, credentials_string, token, api_key")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Credentials, A::Error> {
        let config = CredentialsConfig::deserialize(MapAccessDeserializer::new(map))?;
        config.try_into().map_err(serde::de::Error::custom)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Credentials, E> {
        Err(E::custom("credentials must be an object with one of path, credentials_string, token, api_key"))
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
