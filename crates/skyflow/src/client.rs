use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use skyflow_auth::{AuthHeader, AuthLayer, Credentials, HostGuard, TokenProviders};
use skyflow_http::{BaseUri, Clock, DynLayer, HttpService, LogControl, Stack};
use skyflow_types::{LogLevel, VaultId};

use crate::call_settings::CallSettings;
use crate::registry::{Configured, Entries};
use crate::{ConnectionConfig, Detect, Error, SkyflowBuilder, Vault, VaultConfig};

/// A client of vaults and connections; cheap to clone, and safe to share between threads and tasks.
///
/// All of them share one pool of network connections; those with the same credentials share one token.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// use skyflow::{Credentials, InsertRequest, Skyflow, VaultConfig};
///
/// let client = Skyflow::builder()
///     .vault(VaultConfig::new("d408485953784308a000f8dcf81901ef", "ebfc9bee4242"))
///     .credentials(Credentials::from_path("credentials.json"))
///     .build()?;
/// let request = InsertRequest::new("table1").record(serde_json::json!({"cardholder_name": "John Doe"}));
/// let answer = client.default_vault()?.insert(request).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Skyflow(Arc<Inner>);

struct Inner {
    assembly: Assembly,
    registry: RwLock<Registry>,
}

/// What every vault of a client is built from.
pub(crate) struct Assembly {
    pub(crate) leaf: HttpService,
    pub(crate) stack: Stack,
    pub(crate) operation_layers: Vec<DynLayer>,
    pub(crate) finished: Option<HttpService>,
    pub(crate) providers: TokenProviders,
    pub(crate) log: LogControl,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Vaults and connections in the order they were added, and the credentials of those that have none of their own.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub(crate) credentials: Option<Credentials>,
    vaults: Entries<VaultConfig>,
    pub(crate) connections: Entries<ConnectionConfig>,
}

impl Skyflow {
    /// Starts to configure a client.
    pub fn builder() -> SkyflowBuilder {
        SkyflowBuilder::default()
    }

    pub(crate) fn assemble(
        assembly: Assembly,
        credentials: Option<Credentials>,
        vaults: Vec<VaultConfig>,
        connections: Vec<ConnectionConfig>,
    ) -> Result<Self, Error> {
        let mut registry = Registry { credentials, ..Registry::default() };
        let common = registry.credentials.as_ref();
        vaults.into_iter().try_for_each(|config| registry.vaults.add(&assembly, common, config))?;
        connections.into_iter().try_for_each(|config| registry.connections.add(&assembly, common, config))?;
        Ok(Self(Arc::new(Inner { assembly, registry: RwLock::new(registry) })))
    }

    /// Returns a handle on the vault with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such vault.
    pub fn vault(&self, id: impl AsRef<str>) -> Result<Vault, Error> {
        self.read().vaults.handle(id.as_ref())
    }

    /// Returns a handle on the default vault: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no vault, or every vault has been removed.
    pub fn default_vault(&self) -> Result<Vault, Error> {
        self.read().vaults.first()
    }

    /// Returns a handle on Detect in the vault with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such vault.
    pub fn detect(&self, vault_id: impl AsRef<str>) -> Result<Detect, Error> {
        self.vault(vault_id).map(|vault| vault.detect())
    }

    /// Returns a handle on Detect in the default vault: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no vault, or every vault has been removed.
    pub fn default_detect(&self) -> Result<Detect, Error> {
        self.default_vault().map(|vault| vault.detect())
    }

    /// Returns the configuration of the vault with this id; `None` when this client has no such vault.
    pub fn vault_config(&self, id: impl AsRef<str>) -> Option<VaultConfig> {
        self.read().vaults.config(id.as_ref())
    }

    /// Returns the ids of the vaults in the order they were added.
    pub fn vault_ids(&self) -> Vec<VaultId> {
        self.read().vaults.handles().map(|vault| vault.id().clone()).collect()
    }

    /// Adds a vault while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has a vault with this id, and as [`SkyflowBuilder::build`] does; the client stays as it is.
    pub fn add_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.change(|registry, assembly| registry.vaults.add(assembly, registry.credentials.as_ref(), config))
    }

    /// Replaces the configuration of a vault while the client is in use. Calls under way, and handles taken before,
    /// go on with the configuration they started with.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id, and as [`SkyflowBuilder::build`] does; the client stays as it
    /// is.
    pub fn update_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.change(|registry, assembly| {
            registry.vaults.update(assembly, registry.credentials.as_ref(), config)
        })
    }

    /// Removes a vault while the client is in use. Handles taken before still work.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id.
    pub fn remove_vault_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.change(|registry, _| registry.vaults.remove(id.as_ref()))
    }

    /// Replaces the credentials of the vaults and connections that have none of their own, while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be used; the client stays as it is.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.change(|registry, assembly| {
            registry.vaults.set_credentials(assembly, &credentials)?;
            registry.connections.set_credentials(assembly, &credentials)?;
            registry.credentials = Some(credentials);
            Ok(())
        })
    }

    /// Changes what this client says through `tracing`, for the calls that start from now on.
    pub fn set_log_level(&self, level: LogLevel) {
        self.0.assembly.log.set(level);
    }

    /// Returns what this client says through `tracing`.
    pub fn log_level(&self) -> LogLevel {
        self.0.assembly.log.level()
    }

    /// Works on a copy, so that a change that fails half way leaves nothing behind.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut Registry, &Assembly) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut current = self.write();
        let mut next = current.clone();
        change(&mut next, &self.0.assembly)?;
        *current = next;
        Ok(())
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Registry> {
        self.0.registry.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Registry> {
        self.0.registry.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl fmt::Debug for Skyflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Skyflow")
            .field("vaults", &self.vault_ids())
            .field("connections", &self.connection_ids())
            .finish_non_exhaustive()
    }
}

impl Configured for VaultConfig {
    type Handle = Vault;

    const ID: &'static str = "vault_id";
    const UNKNOWN: &'static str = "is not among the vaults of this client";

    fn id_text(&self) -> Result<String, Error> {
        self.id().map(|id| id.to_string())
    }

    fn own_credentials(&self) -> Option<&Credentials> {
        self.own_credentials()
    }

    fn handle(&self, assembly: &Assembly, common: Option<&Credentials>) -> Result<Vault, Error> {
        let (id, base) = (self.id()?, self.base()?);
        let credentials = self.own_credentials().or(common);
        let service =
            assembly.service(self.settings(), self.layers(), credentials, AuthHeader::bearer(), &base)?;
        Ok(Vault::new(id, base, service, Arc::clone(&assembly.clock)))
    }
}

impl Assembly {
    /// Builds the stack of one vault or connection: its own layers, its own retry budget, and the shared transport and
    /// tokens.
    pub(crate) fn service(
        &self,
        settings: &CallSettings,
        layers: &[DynLayer],
        credentials: Option<&Credentials>,
        header: AuthHeader,
        base: &BaseUri,
    ) -> Result<HttpService, Error> {
        if let Some(finished) = &self.finished {
            return Ok(finished.clone());
        }
        let layers = self.operation_layers.iter().chain(layers).cloned();
        let auth = self.auth(credentials, header, base)?;
        let stack = layers.fold(settings.apply(self.stack.clone().partition())?, Stack::operation_layer);
        Ok(stack.auth(DynLayer::new(auth)).build(self.leaf.clone()))
    }

    fn auth(
        &self,
        credentials: Option<&Credentials>,
        header: AuthHeader,
        base: &BaseUri,
    ) -> Result<AuthLayer, Error> {
        let credentials = match credentials {
            Some(credentials) => credentials.clone(),
            None => Credentials::from_env()?,
        };
        let tokens = self.providers.get(&credentials)?;
        Ok(AuthLayer::new(tokens, header, HostGuard::new(base.clone())))
    }
}
