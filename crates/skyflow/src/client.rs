use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use skyflow_auth::{AuthHeader, AuthLayer, Credentials, HostGuard, TokenProviders};
use skyflow_http::{BaseUri, DynLayer, HttpService, LogControl, Stack};
use skyflow_types::{LogLevel, VaultId};

use crate::connection::{ConnectionConfig, Entry as ConnectionEntry};
use crate::{Error, SkyflowBuilder, Vault, VaultConfig};

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
}

/// Vaults and connections in the order they were added, and the credentials of those that have none of their own.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub(crate) credentials: Option<Credentials>,
    vaults: Vec<Entry>,
    pub(crate) connections: Vec<ConnectionEntry>,
}

#[derive(Clone)]
struct Entry {
    config: VaultConfig,
    vault: Vault,
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
        vaults.into_iter().try_for_each(|config| registry.add(&assembly, config))?;
        connections.into_iter().try_for_each(|config| registry.add_connection(&assembly, config))?;
        Ok(Self(Arc::new(Inner { assembly, registry: RwLock::new(registry) })))
    }

    /// Returns a handle on the vault with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such vault.
    pub fn vault(&self, id: impl AsRef<str>) -> Result<Vault, Error> {
        let registry = self.read();
        let entry = registry.position(id.as_ref()).and_then(|at| registry.vaults.get(at));
        entry.map(|entry| entry.vault.clone()).ok_or_else(unknown_vault)
    }

    /// Returns a handle on the default vault: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no vault, or every vault has been removed.
    pub fn default_vault(&self) -> Result<Vault, Error> {
        self.read().vaults.first().map(|entry| entry.vault.clone()).ok_or_else(unknown_vault)
    }

    /// Returns the configuration of the vault with this id; `None` when this client has no such vault.
    pub fn vault_config(&self, id: impl AsRef<str>) -> Option<VaultConfig> {
        let registry = self.read();
        let entry = registry.position(id.as_ref()).and_then(|at| registry.vaults.get(at));
        entry.map(|entry| entry.config.clone())
    }

    /// Returns the ids of the vaults in the order they were added.
    pub fn vault_ids(&self) -> Vec<VaultId> {
        self.read().vaults.iter().map(|entry| entry.vault.id().clone()).collect()
    }

    /// Adds a vault while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has a vault with this id, and as [`SkyflowBuilder::build`] does; the client stays as it is.
    pub fn add_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.change(|registry, assembly| registry.add(assembly, config))
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
            let id = config.id()?;
            let at = registry.position(id.as_str()).ok_or_else(unknown_vault)?;
            let vault = assembly.vault(&config, registry.credentials.as_ref())?;
            registry.vaults.splice(at..=at, [Entry { config, vault }]);
            Ok(())
        })
    }

    /// Removes a vault while the client is in use. Handles taken before still work.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id.
    pub fn remove_vault_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.change(|registry, _| {
            let at = registry.position(id.as_ref()).ok_or_else(unknown_vault)?;
            registry.vaults.remove(at);
            Ok(())
        })
    }

    /// Replaces the credentials of the vaults and connections that have none of their own, while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be used; the client stays as it is.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.change(|registry, assembly| {
            for entry in registry.vaults.iter_mut().filter(|entry| entry.config.own_credentials().is_none()) {
                entry.vault = assembly.vault(&entry.config, Some(&credentials))?;
            }
            registry.set_connection_credentials(assembly, &credentials)?;
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

impl Registry {
    fn position(&self, id: &str) -> Option<usize> {
        self.vaults.iter().position(|entry| entry.vault.id().as_str() == id)
    }

    fn add(&mut self, assembly: &Assembly, config: VaultConfig) -> Result<(), Error> {
        let id = config.id()?;
        if self.position(id.as_str()).is_some() {
            return Err(Error::invalid("vault_id", "is given twice"));
        }
        let vault = assembly.vault(&config, self.credentials.as_ref())?;
        self.vaults.push(Entry { config, vault });
        Ok(())
    }
}

impl Assembly {
    /// Builds the stack of one vault: its own layers, its own retry budget, and the shared transport and tokens.
    fn vault(&self, config: &VaultConfig, common: Option<&Credentials>) -> Result<Vault, Error> {
        let (id, base) = (config.id()?, config.base()?);
        let credentials = config.own_credentials().or(common);
        let service = self.service(config.layers(), credentials, AuthHeader::Bearer, &base)?;
        Ok(Vault::new(id, base, service))
    }

    pub(crate) fn service(
        &self,
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
        let stack = layers.fold(self.stack.clone().partition(), Stack::operation_layer);
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
            None => Credentials::from_env().map_err(Error::credentials)?,
        };
        let tokens = self.providers.get(&credentials).map_err(Error::credentials)?;
        Ok(AuthLayer::new(tokens, header, HostGuard::new(base.clone())))
    }
}

fn unknown_vault() -> Error {
    Error::invalid("vault_id", "is not among the vaults of this client")
}
