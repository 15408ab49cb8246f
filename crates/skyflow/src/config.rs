use std::fmt;

use skyflow_auth::{Credentials, CredentialsKind};
use skyflow_http::{BaseUri, DynLayer, HttpLayer};
use skyflow_types::{ClusterId, Env, VaultId};

use crate::Error;
use crate::call_settings::{CallSettings, call_settings_getters, call_settings_setters};

/// Describes one vault: where it is and who calls.
///
/// Nothing is checked before [`SkyflowBuilder::build`](crate::SkyflowBuilder::build).
///
/// ```
/// use skyflow::{Credentials, Env, VaultConfig};
///
/// let config = VaultConfig::new("d408485953784308a000f8dcf81901ef", "ebfc9bee4242")
///     .env(Env::Sandbox)
///     .credentials(Credentials::api_key("sky-ab123-0123456789abcdef0123456789abcdef")?);
/// # Ok::<(), skyflow::http::BoxError>(())
/// ```
///
/// It is read from the environment with [`VaultConfig::from_env`], and from JSON, TOML or any other format of serde.
/// Unknown fields are refused; time limits are seconds, or strings such as `500ms`, `30s`, `2m` and `off`:
///
/// ```
/// let config: skyflow::VaultConfig = serde_json::from_str(
///     r#"{
///         "vault_id": "d408485953784308a000f8dcf81901ef",
///         "cluster_id": "ebfc9bee4242",
///         "env": "SANDBOX",
///         "credentials": {"path": "credentials.json", "roles": ["b6d1b4f0"]},
///         "deadline": "20s",
///         "max_attempts": 2,
///         "headers": {"x-team": "payments"}
///     }"#,
/// )?;
/// assert_eq!(config.get_vault_url()?, "https://ebfc9bee4242.vault.skyflowapis-preview.com");
/// # Ok::<(), skyflow::http::BoxError>(())
/// ```
#[derive(Debug, Clone)]
pub struct VaultConfig {
    vault_id: String,
    address: Address,
    env: Env,
    credentials: Option<Credentials>,
    settings: CallSettings,
    layers: Vec<DynLayer>,
}

#[derive(Clone)]
enum Address {
    Cluster(String),
    Url(String),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A URL may have been given in place of an id.
            Self::Cluster(id) => f.debug_tuple("Cluster").field(&shown_url(id)).finish(),
            Self::Url(url) => f.debug_tuple("Url").field(&shown_url(url)).finish(),
        }
    }
}

/// Returns a URL without user information, query and fragment, each of which may be a secret. A URL whose server is not
/// plainly `host` or `host:port` is not shown at all.
///
/// It works on URLs that are not valid too: they are printed before they are checked.
pub(crate) fn shown_url(url: &str) -> String {
    const HIDDEN: &str = "[REDACTED]";
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url.get(..end).and_then(|url| url.split_once("://")).unwrap_or(("", url));
    let rest = rest.get(..rest.find(['?', '#']).unwrap_or(rest.len())).unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host_on)| host_on);
    let (server, path) = rest.split_at(rest.find(['/', '\\', ';']).unwrap_or(rest.len()));
    // What follows a semicolon in a path is a parameter.
    let path = path.split(';').next().unwrap_or_default();
    let is_scheme = matches!(scheme.to_ascii_lowercase().as_str(), "" | "http" | "https");
    let after_host =
        if server.starts_with('[') { server.split_once(']').map(|(_, rest)| rest) } else { Some(server) };
    let port = after_host.and_then(|rest| rest.split_once(':')).map_or("", |(_, port)| port);
    let is_server = port.bytes().all(|byte| byte.is_ascii_digit())
        && server.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]{}".contains(&byte));
    match (is_scheme && is_server, scheme) {
        (false, _) => HIDDEN.to_owned(),
        (true, "") => format!("{server}{path}"),
        (true, scheme) => format!("{scheme}://{server}{path}"),
    }
}

impl VaultConfig {
    /// Describes the vault `vault_id` in the cluster `cluster_id`, the first label of the vault's URL.
    ///
    /// Both are on the vault's details page in Skyflow Studio.
    pub fn new(vault_id: impl Into<String>, cluster_id: impl Into<String>) -> Self {
        Self::at(vault_id, Address::Cluster(cluster_id.into()))
    }

    /// Describes a vault by its URL instead of a cluster: `https://…`, or `http://` to loopback.
    pub fn with_base_url(vault_id: impl Into<String>, base_url: impl Into<String>) -> Self {
        Self::at(vault_id, Address::Url(base_url.into()))
    }

    fn at(vault_id: impl Into<String>, address: Address) -> Self {
        Self {
            vault_id: vault_id.into(),
            address,
            env: Env::default(),
            credentials: None,
            settings: CallSettings::default(),
            layers: Vec::new(),
        }
    }

    /// A vault as files and environments describe it; `None` without an address. The URL wins over the cluster.
    pub(crate) fn of_parts(
        vault_id: String,
        cluster_id: Option<String>,
        url: Option<String>,
        env: Option<Env>,
    ) -> Option<Self> {
        let address = url.map(Address::Url).or(cluster_id.map(Address::Cluster))?;
        Some(Self::at(vault_id, address).env(env.unwrap_or_default()))
    }

    pub(crate) fn with_settings(mut self, settings: CallSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the environment; [`Env::Prod`] when not set. It has no meaning beside a base URL.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Sets who calls this vault; when unset, the client's credentials and then those of the environment are used
    /// ([`Credentials::from_env`]).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds a tower layer that sees each operation of this vault once, inside the client's operation layers.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.layers.push(layer.into_dyn());
        self
    }

    call_settings_setters!();

    call_settings_getters!();

    /// Returns the vault id, as given.
    pub fn get_vault_id(&self) -> &str {
        &self.vault_id
    }

    /// Returns the cluster id, as given; `None` when the vault is described by its URL.
    pub fn get_cluster_id(&self) -> Option<&str> {
        match &self.address {
            Address::Cluster(id) => Some(id),
            Address::Url(_) => None,
        }
    }

    /// Returns the environment; it has no meaning beside a base URL.
    pub fn get_env(&self) -> Env {
        self.env
    }

    /// Returns the URL that requests go to, without a trailing slash.
    ///
    /// # Errors
    ///
    /// Fails when the cluster id or the URL cannot be used, as [`SkyflowBuilder::build`](crate::SkyflowBuilder::build)
    /// does.
    pub fn get_vault_url(&self) -> Result<String, Error> {
        self.base().map(|base| base.to_string())
    }

    /// Returns the kind of this vault's own credentials; `None` when it has none.
    pub fn get_credentials_kind(&self) -> Option<CredentialsKind> {
        self.credentials.as_ref().map(Credentials::kind)
    }

    pub(crate) fn settings(&self) -> &CallSettings {
        &self.settings
    }

    pub(crate) fn id(&self) -> Result<VaultId, Error> {
        VaultId::new(&self.vault_id).map_err(|source| Error::invalid(source.field(), source.problem()))
    }

    pub(crate) fn base(&self) -> Result<BaseUri, Error> {
        let (field, url) = match &self.address {
            Address::Url(url) => ("base_url", url.clone()),
            Address::Cluster(cluster) => {
                let cluster = ClusterId::new(cluster)
                    .map_err(|source| Error::invalid(source.field(), source.problem()))?;
                ("cluster_id", self.env.vault_url(&cluster))
            }
        };
        BaseUri::parse(&url).map_err(|source| Error::invalid(field, source.problem()))
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

    #[test]
    fn debug_hides_user_info_and_query_of_urls() {
        for (url, shown) in [
            ("https://h.example/p", "https://h.example/p"),
            ("https://u:canary@h.example/p", "https://h.example/p"),
            ("https://h.example/p?key=canary#canary", "https://h.example/p"),
            ("https://h.example?a=://canary", "https://h.example"),
            ("https://u:can/ary@h.example", "https://h.example"),
            ("u:canary@h.example/p?canary", "h.example/p"),
            ("h?x=canary://y", "h"),
            ("", ""),
            ("https://u:canary%40h.example/p", "[REDACTED]"),
            ("https://u:canary", "[REDACTED]"),
            ("https:u:canary@h.example/p", "h.example/p"),
            ("//u:canary@h.example/p", "h.example/p"),
            ("https://u:canary\\@h.example", "https://h.example"),
            ("canary://x://u@h", "[REDACTED]"),
            ("can,ary://h.example", "[REDACTED]"),
            ("https://h.example/p;key=canary", "https://h.example/p"),
            ("https://h.example:8443/p/{id}", "https://h.example:8443/p/{id}"),
            ("http://[::1]:1/p", "http://[::1]:1/p"),
            ("http://[::1]:canary/p", "[REDACTED]"),
            ("https://h.example canary/p", "[REDACTED]"),
        ] {
            assert_eq!(shown_url(url), shown, "{url}");
            let config = VaultConfig::with_base_url("v", url).header("x-key", "canary");
            let as_cluster = VaultConfig::new("v", url);
            let builder = crate::Skyflow::builder().vault(config.clone());
            let connection = crate::ConnectionConfig::new("c", url);
            let shown = format!("{config:?} {config:#?} {as_cluster:?} {builder:?} {connection:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
