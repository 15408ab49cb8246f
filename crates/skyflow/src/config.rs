use skyflow_auth::Credentials;
use skyflow_http::{BaseUri, DynLayer, HttpLayer};
use skyflow_types::{ClusterId, Env, VaultId};

use crate::Error;

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
#[derive(Debug, Clone)]
pub struct VaultConfig {
    vault_id: String,
    address: Address,
    env: Env,
    credentials: Option<Credentials>,
    layers: Vec<DynLayer>,
}

#[derive(Debug, Clone)]
enum Address {
    Cluster(String),
    Url(String),
}

impl VaultConfig {
    /// Describes the vault `vault_id` in the cluster `cluster_id`, the first label of the vault's URL.
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
            layers: Vec::new(),
        }
    }

    /// Sets the environment; [`Env::Prod`] when not set. It has no meaning beside a base URL.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Sets who calls this vault; the client's credentials, and then `SKYFLOW_CREDENTIALS`, when not set.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds a tower layer that sees each operation of this vault once, inside the client's operation layers.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.layers.push(layer.into_dyn());
        self
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
