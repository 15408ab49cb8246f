use std::fmt;

use http::uri::PathAndQuery;
use skyflow_auth::{Credentials, CredentialsKind};
use skyflow_http::{BaseUri, DynLayer, HttpLayer, PathTemplate};
use skyflow_types::ConnectionId;

use crate::Error;
use crate::call_settings::{CallSettings, call_settings_getters, call_settings_setters};
use crate::config::shown_url;

/// Describes one connection: where it is and who calls.
///
/// The URL is the one that Skyflow shows for the connection, with the path of a route; `{name}` in the path is a
/// parameter, which each request gives a value. Nothing is checked before
/// [`SkyflowBuilder::build`](crate::SkyflowBuilder::build).
///
/// ```
/// use skyflow::{ConnectionConfig, Credentials};
///
/// let config = ConnectionConfig::new(
///     "payments",
///     "https://ebfc9bee4242.gateway.skyflowapis.com/v1/gateway/outboundRoutes/o3f9c7a2/cards/{card_id}/charge",
/// )
/// .credentials(Credentials::api_key("sky-ab123-0123456789abcdef0123456789abcdef")?);
/// # Ok::<(), skyflow::http::BoxError>(())
/// ```
///
/// It is read from JSON, TOML or any other format of serde as well, with the fields `connection_id`, `connection_url`,
/// `credentials`, `deadline`, `attempt_timeout`, `max_attempts`, `body_time`, `gzip` and `headers`; see
/// [`VaultConfig`](crate::VaultConfig).
#[derive(Clone)]
pub struct ConnectionConfig {
    connection_id: String,
    url: String,
    credentials: Option<Credentials>,
    settings: CallSettings,
    layers: Vec<DynLayer>,
}

impl fmt::Debug for ConnectionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionConfig")
            .field("connection_id", &self.connection_id)
            .field("url", &shown_url(&self.url))
            .field("credentials", &self.credentials)
            .field("settings", &self.settings)
            .field("layers", &self.layers)
            .finish()
    }
}

impl ConnectionConfig {
    /// Describes the connection at `url`: `https://…`, or `http://` to loopback. The client knows it as
    /// `connection_id`, which may be any name and is not sent.
    pub fn new(connection_id: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            connection_id: connection_id.into(),
            url: url.into(),
            credentials: None,
            settings: CallSettings::default(),
            layers: Vec::new(),
        }
    }

    pub(crate) fn with_settings(mut self, settings: CallSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets who calls this connection; when unset, the client's credentials and then those of the environment are used
    /// ([`Credentials::from_env`]).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds a tower layer that sees each call of this connection once, inside the client's operation layers.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.layers.push(layer.into_dyn());
        self
    }

    call_settings_setters!();

    call_settings_getters!();

    /// Returns the connection id, as given.
    pub fn get_connection_id(&self) -> &str {
        &self.connection_id
    }

    /// Returns the URL, as given.
    pub fn get_connection_url(&self) -> &str {
        &self.url
    }

    /// Returns the kind of this connection's own credentials; `None` when it has none.
    pub fn get_credentials_kind(&self) -> Option<CredentialsKind> {
        self.credentials.as_ref().map(Credentials::kind)
    }

    pub(crate) fn settings(&self) -> &CallSettings {
        &self.settings
    }

    pub(crate) fn id(&self) -> Result<ConnectionId, Error> {
        ConnectionId::new(&self.connection_id)
            .map_err(|source| Error::invalid(source.field(), "is not valid").with_source(source))
    }

    /// Splits the URL into the server and the path on it.
    pub(crate) fn address(&self) -> Result<(BaseUri, PathTemplate), Error> {
        let wrong = || Error::invalid("connection_url", "is not valid");
        let after_scheme = self.url.find("://").map_or(0, |at| at + 3);
        let is_end = |c: char| matches!(c, '/' | '?' | '#' | '\\');
        let path_at = self
            .url
            .get(after_scheme..)
            .and_then(|rest| rest.find(is_end))
            .map_or(self.url.len(), |at| after_scheme + at);
        let (origin, path) = self.url.split_at_checked(path_at).ok_or_else(wrong)?;
        let base = BaseUri::parse(origin).map_err(|source| wrong().with_source(source))?;
        let template = PathTemplate::parse(path).map_err(|source| wrong().with_source(source))?;
        // The longest path is known only with its values; one that is too long without them never fits.
        PathAndQuery::try_from(path.replace(['{', '}'], ""))
            .map_err(|source| wrong().with_source(source))
            .or_else(|error| if path.is_empty() { Ok(PathAndQuery::from_static("/")) } else { Err(error) })?;
        Ok((base, template))
    }

    pub(crate) fn own_credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn layers(&self) -> &[DynLayer] {
        &self.layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Option<String> {
        let (base, template) = ConnectionConfig::new("c", url).address().ok()?;
        let target = template.fill(|_| Some("7")).ok()?.finish().ok()?;
        Some(base.join(&target).ok()?.to_string())
    }

    #[test]
    fn a_url_is_split_at_the_end_of_its_authority() {
        for (url, expected) in [
            ("https://h.example/a/{b}/c/", "https://h.example/a/7/c/"),
            ("https://h.example/a/{b}/c", "https://h.example/a/7/c"),
            ("https://h.example/a/{b}/", "https://h.example/a/7/"),
            ("https://h.example", "https://h.example/"),
            ("https://h.example:8443/", "https://h.example:8443/"),
            ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
            ("http://[::1]:1/x", "http://[::1]:1/x"),
        ] {
            assert_eq!(shown(url).as_deref(), Some(expected));
        }
    }

    #[test]
    fn urls_that_could_lead_elsewhere_are_refused() {
        for url in [
            "",
            "h.example/a",
            "http://h.example/a",
            "http://127.0.0.1.evil.example/a",
            "https://user:pass@h.example/a",
            "https://{host}/a",
            "https://h.example{x}/a",
            "https://h.example\\@evil.example/a",
            "https://h.example/a?b=1",
            "https://h.example?b=1",
            "https://h.example/a#b",
            "https://h.example/a/../b",
            "https://h.example/{}",
            "https://h.example/{a",
            "https://h.example/a b",
            "https:///a",
            "ftp://h.example/a",
        ] {
            assert_eq!(shown(url), None, "{url}");
        }
    }
}
