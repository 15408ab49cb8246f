use std::fmt;

use skyflow_auth::Credentials;
use skyflow_http::Endpoint;
use skyflow_http::blocking::BlockingRuntime;
use skyflow_types::{ConnectionId, LogLevel, VaultId};

use super::{Connection, Detect, Vault, wait};
use crate::{ConnectionConfig, Error, SkyflowBuilder, VaultConfig};

/// A synchronous client of vaults and connections; cheap to clone, and safe to share between threads.
///
/// See the [module](crate::blocking) for where it may be used.
#[derive(Clone)]
pub struct Skyflow {
    client: crate::Skyflow,
    runtime: BlockingRuntime,
}

impl SkyflowBuilder {
    /// Checks everything, and makes a synchronous client with its background thread.
    ///
    /// # Errors
    ///
    /// Fails as [`SkyflowBuilder::build`] does, and when the operating system refuses the thread.
    pub fn build_blocking(self) -> Result<Skyflow, Error> {
        Skyflow::new(self.build()?)
    }
}

impl Skyflow {
    /// Starts to configure a client, which [`SkyflowBuilder::build_blocking`] makes.
    pub fn builder() -> SkyflowBuilder {
        SkyflowBuilder::default()
    }

    /// Makes the synchronous side of a client; both share connections, tokens and configuration.
    ///
    /// # Errors
    ///
    /// Fails when the operating system refuses the background thread.
    pub fn new(client: crate::Skyflow) -> Result<Self, Error> {
        let runtime = BlockingRuntime::new("skyflow-client").map_err(Error::no_background_thread)?;
        Ok(Self { client, runtime })
    }

    /// Makes a client from the environment; see [`crate::Skyflow::from_env`].
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::from_env`] does, and as [`Skyflow::new`] does.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(crate::Skyflow::from_env()?)
    }

    /// Makes a client from variables that `lookup` returns; see [`crate::Skyflow::from_env_with`].
    ///
    /// # Errors
    ///
    /// Fails as [`Skyflow::from_env`] does.
    pub fn from_env_with<S: Into<std::ffi::OsString>>(
        lookup: impl Fn(&str) -> Option<S>,
    ) -> Result<Self, Error> {
        Self::new(crate::Skyflow::from_env_with(lookup)?)
    }

    /// Connects to an embedded vault, for tests; see [`crate::Skyflow::connect`].
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::connect`] does, and as [`Skyflow::new`] does.
    pub fn connect(endpoint: Endpoint) -> Result<Self, Error> {
        Self::new(crate::Skyflow::connect(endpoint)?)
    }

    /// Returns the client for async code.
    pub fn as_async(&self) -> &crate::Skyflow {
        &self.client
    }

    /// Returns a handle on the vault with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such vault.
    pub fn vault(&self, id: impl AsRef<str>) -> Result<Vault, Error> {
        self.client.vault(id).map(|vault| Vault::new(vault, self.runtime.clone()))
    }

    /// Returns a handle on the default vault: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no vault, or every vault has been removed.
    pub fn default_vault(&self) -> Result<Vault, Error> {
        self.client.default_vault().map(|vault| Vault::new(vault, self.runtime.clone()))
    }

    /// Returns a handle on Detect in the vault with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such vault.
    pub fn detect(&self, vault_id: impl AsRef<str>) -> Result<Detect, Error> {
        self.client.detect(vault_id).map(|detect| Detect::new(detect, self.runtime.clone()))
    }

    /// Returns a handle on Detect in the default vault: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no vault, or every vault has been removed.
    pub fn default_detect(&self) -> Result<Detect, Error> {
        self.client.default_detect().map(|detect| Detect::new(detect, self.runtime.clone()))
    }

    /// Returns a handle on the connection with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such connection.
    pub fn connection(&self, id: impl AsRef<str>) -> Result<Connection, Error> {
        self.client.connection(id).map(|connection| Connection::new(connection, self.runtime.clone()))
    }

    /// Returns a handle on the default connection: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no connection.
    pub fn default_connection(&self) -> Result<Connection, Error> {
        self.client.default_connection().map(|connection| Connection::new(connection, self.runtime.clone()))
    }

    /// Returns the configuration of the vault with this id; `None` when this client has no such vault.
    pub fn vault_config(&self, id: impl AsRef<str>) -> Option<VaultConfig> {
        self.client.vault_config(id)
    }

    /// Returns the ids of the vaults in the order they were added.
    pub fn vault_ids(&self) -> Vec<VaultId> {
        self.client.vault_ids()
    }

    /// Adds a vault while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::add_vault_config`] does.
    pub fn add_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.client.add_vault_config(config)
    }

    /// Replaces the configuration of a vault while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::update_vault_config`] does.
    pub fn update_vault_config(&self, config: VaultConfig) -> Result<(), Error> {
        self.client.update_vault_config(config)
    }

    /// Removes a vault while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has no vault with this id.
    pub fn remove_vault_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.client.remove_vault_config(id)
    }

    /// Returns the configuration of the connection with this id; `None` when this client has no such connection.
    pub fn connection_config(&self, id: impl AsRef<str>) -> Option<ConnectionConfig> {
        self.client.connection_config(id)
    }

    /// Returns the ids of the connections in the order they were added.
    pub fn connection_ids(&self) -> Vec<ConnectionId> {
        self.client.connection_ids()
    }

    /// Adds a connection while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::add_connection_config`] does.
    pub fn add_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.client.add_connection_config(config)
    }

    /// Replaces the configuration of a connection while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::update_connection_config`] does.
    pub fn update_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.client.update_connection_config(config)
    }

    /// Removes a connection while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has no connection with this id.
    pub fn remove_connection_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.client.remove_connection_config(id)
    }

    /// Replaces the credentials of the vaults and connections without credentials, while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when they cannot be used; the client stays as it is.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.client.set_credentials(credentials)
    }

    /// Opens connections and obtains tokens before the first call; see [`crate::Skyflow::warm_up`].
    ///
    /// # Errors
    ///
    /// Fails as [`crate::Skyflow::warm_up`] does.
    pub fn warm_up(&self) -> Result<(), Error> {
        wait(&self.runtime, self.client.warm_up())
    }

    /// Changes the log level of this client, for the calls that start from now on.
    pub fn set_log_level(&self, level: LogLevel) {
        self.client.set_log_level(level);
    }

    /// Returns the log level of this client.
    pub fn log_level(&self) -> LogLevel {
        self.client.log_level()
    }
}

impl fmt::Debug for Skyflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}
