use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_util::future::{try_join, try_join_all};
use skyflow_auth::Credentials;
use skyflow_types::{ConnectionId, LogLevel, VaultId};

use crate::client_state::ClientState;
use crate::handle::Handle;
use crate::registry::Registry;
use crate::{Connection, ConnectionConfig, Detect, Error, SkyflowBuilder, Vault, VaultConfig};

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
/// let response = client.default_vault()?.insert(request).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Skyflow(Arc<Inner>);

struct Inner {
    state: ClientState,
    registry: RwLock<Registry>,
}

impl Skyflow {
    /// Starts to configure a client.
    pub fn builder() -> SkyflowBuilder {
        SkyflowBuilder::default()
    }

    pub(crate) fn from_state(
        state: ClientState,
        credentials: Option<Credentials>,
        vaults: Vec<VaultConfig>,
        connections: Vec<ConnectionConfig>,
    ) -> Result<Self, Error> {
        let mut registry = Registry { credentials, ..Registry::default() };
        let common = registry.credentials.as_ref();
        vaults.into_iter().try_for_each(|config| registry.vaults.add(&state, common, config))?;
        connections.into_iter().try_for_each(|config| registry.connections.add(&state, common, config))?;
        Ok(Self(Arc::new(Inner { state, registry: RwLock::new(registry) })))
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
    /// Fails when the client has a vault with this id, and as [`SkyflowBuilder::build`] does; the client stays as it
    /// is.
    pub fn add_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.change(|registry, state| registry.vaults.add(state, registry.credentials.as_ref(), config))
    }

    /// Replaces the configuration of a vault while the client is in use. Calls under way, and handles taken before,
    /// continue with the configuration they started with.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id, and as [`SkyflowBuilder::build`] does; the client stays as it
    /// is.
    pub fn update_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.change(|registry, state| registry.vaults.update(state, registry.credentials.as_ref(), config))
    }

    /// Removes a vault while the client is in use. Handles taken before still work.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id.
    pub fn remove_vault_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.change(|registry, _| registry.vaults.remove(id.as_ref()))
    }

    /// Returns a handle on the connection with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such connection.
    pub fn connection(&self, id: impl AsRef<str>) -> Result<Connection, Error> {
        self.read().connections.handle(id.as_ref())
    }

    /// Returns a handle on the default connection: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no connection.
    pub fn default_connection(&self) -> Result<Connection, Error> {
        self.read().connections.first()
    }

    /// Returns the configuration of the connection with this id; `None` when this client has no such connection.
    pub fn connection_config(&self, id: impl AsRef<str>) -> Option<ConnectionConfig> {
        self.read().connections.config(id.as_ref())
    }

    /// Returns the ids of the connections in the order they were added.
    pub fn connection_ids(&self) -> Vec<ConnectionId> {
        self.read().connections.handles().map(|connection| connection.id().clone()).collect()
    }

    /// Adds a connection while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has a connection with this id, and as
    /// [`SkyflowBuilder::build`] does; the client stays as it is.
    pub fn add_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.change(|registry, state| registry.connections.add(state, registry.credentials.as_ref(), config))
    }

    /// Replaces the configuration of a connection while the client is in use. Calls under way, and handles taken
    /// before, continue with the configuration they started with.
    ///
    /// # Errors
    ///
    /// Fails when the client has no connection with this id, and as
    /// [`SkyflowBuilder::build`] does; the client stays as it is.
    pub fn update_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.change(|registry, state| {
            registry.connections.update(state, registry.credentials.as_ref(), config)
        })
    }

    /// Removes a connection while the client is in use. Handles taken before still work.
    ///
    /// # Errors
    ///
    /// Fails when the client has no connection with this id.
    pub fn remove_connection_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.change(|registry, _| registry.connections.remove(id.as_ref()))
    }

    /// Replaces the credentials of the vaults and connections without credentials, while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be used; the client stays as it is.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.change(|registry, state| {
            registry.vaults.set_credentials(state, &credentials)?;
            registry.connections.set_credentials(state, &credentials)?;
            registry.credentials = Some(credentials);
            Ok(())
        })
    }

    /// Does now what the first calls would wait for: opens a connection to the server of each vault and connection, and
    /// obtains the token of each of their credentials. No operation is sent.
    ///
    /// It is worth its time where a process starts before its first caller comes, and where a cold first call matters:
    /// loading the crypto library and the certificates of the operating system takes up to 25 ms, a TLS handshake one or
    /// two round trips, a token another connection and a request. A client over a service of another kind than
    /// [`Transport`](crate::http::Transport) opens no connection here.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), skyflow::Error> {
    /// let client = skyflow::Skyflow::from_env()?;
    /// client.warm_up().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as the first call would, when a server cannot be reached or a token cannot be obtained. The client can be used
    /// nevertheless.
    ///
    /// # Cancel safety
    ///
    /// What has been opened and obtained is kept.
    pub async fn warm_up(&self) -> Result<(), Error> {
        let handles: Vec<_> = {
            let registry = self.read();
            let vaults = registry.vaults.handles().map(|vault| vault.handle.clone());
            vaults.chain(registry.connections.handles().map(|connection| connection.handle.clone())).collect()
        };
        let origins: BTreeSet<_> = handles.iter().map(Handle::origin).collect();
        let connections = origins.iter().map(|origin| self.0.state.open_connection(origin));
        let tokens = handles.iter().map(Handle::fetch_token);
        try_join(try_join_all(connections), try_join_all(tokens)).await?;
        Ok(())
    }

    /// Changes the log level of this client, for the calls that start from now on.
    pub fn set_log_level(&self, level: LogLevel) {
        self.0.state.log.set(level);
    }

    /// Returns the log level of this client.
    pub fn log_level(&self) -> LogLevel {
        self.0.state.log.level()
    }

    /// Works on a copy, so that a change that fails half way changes nothing.
    fn change(
        &self,
        change: impl FnOnce(&mut Registry, &ClientState) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut current = self.write();
        let mut next = current.clone();
        change(&mut next, &self.0.state)?;
        *current = next;
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Registry> {
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
