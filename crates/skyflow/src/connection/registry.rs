use skyflow_auth::{AuthHeader, Credentials};
use skyflow_types::ConnectionId;

use super::{Connection, ConnectionConfig};
use crate::client::{Assembly, Registry};
use crate::{Error, Skyflow};

/// One connection of a client, and what it was made from.
#[derive(Clone)]
pub(crate) struct Entry {
    config: ConnectionConfig,
    connection: Connection,
}

impl Skyflow {
    /// Returns a handle on the connection with this id.
    ///
    /// # Errors
    ///
    /// Fails when this client has no such connection.
    pub fn connection(&self, id: impl AsRef<str>) -> Result<Connection, Error> {
        let registry = self.read();
        let entry = registry.connection_at(id.as_ref()).and_then(|at| registry.connections.get(at));
        entry.map(|entry| entry.connection.clone()).ok_or_else(unknown_connection)
    }

    /// Returns a handle on the default connection: the one that was added first.
    ///
    /// # Errors
    ///
    /// Fails when this client has no connection.
    pub fn default_connection(&self) -> Result<Connection, Error> {
        self.read().connections.first().map(|entry| entry.connection.clone()).ok_or_else(unknown_connection)
    }

    /// Returns the configuration of the connection with this id; `None` when this client has no such connection.
    pub fn connection_config(&self, id: impl AsRef<str>) -> Option<ConnectionConfig> {
        let registry = self.read();
        let entry = registry.connection_at(id.as_ref()).and_then(|at| registry.connections.get(at));
        entry.map(|entry| entry.config.clone())
    }

    /// Returns the ids of the connections in the order they were added.
    pub fn connection_ids(&self) -> Vec<ConnectionId> {
        self.read().connections.iter().map(|entry| entry.connection.id().clone()).collect()
    }

    /// Adds a connection while the client is in use.
    ///
    /// # Errors
    ///
    /// Fails when the client has a connection with this id, and as
    /// [`SkyflowBuilder::build`](crate::SkyflowBuilder::build) does; the client stays as it is.
    pub fn add_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.change(|registry, assembly| registry.add_connection(assembly, config))
    }

    /// Replaces the configuration of a connection while the client is in use. Calls under way, and handles taken
    /// before, go on with the configuration they started with.
    ///
    /// # Errors
    ///
    /// Fails when the client has no connection with this id, and as
    /// [`SkyflowBuilder::build`](crate::SkyflowBuilder::build) does; the client stays as it is.
    pub fn update_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.change(|registry, assembly| {
            let id = config.id()?;
            let at = registry.connection_at(id.as_str()).ok_or_else(unknown_connection)?;
            let connection = assembly.connection(&config, registry.credentials.as_ref())?;
            registry.connections.splice(at..=at, [Entry { config, connection }]);
            Ok(())
        })
    }

    /// Removes a connection while the client is in use. Handles taken before still work.
    ///
    /// # Errors
    ///
    /// Fails when the client has no connection with this id.
    pub fn remove_connection_config(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.change(|registry, _| {
            let at = registry.connection_at(id.as_ref()).ok_or_else(unknown_connection)?;
            registry.connections.remove(at);
            Ok(())
        })
    }
}

impl Registry {
    fn connection_at(&self, id: &str) -> Option<usize> {
        self.connections.iter().position(|entry| entry.connection.id().as_str() == id)
    }

    pub(crate) fn add_connection(
        &mut self,
        assembly: &Assembly,
        config: ConnectionConfig,
    ) -> Result<(), Error> {
        let id = config.id()?;
        if self.connection_at(id.as_str()).is_some() {
            return Err(Error::invalid("connection_id", "is given twice"));
        }
        let connection = assembly.connection(&config, self.credentials.as_ref())?;
        self.connections.push(Entry { config, connection });
        Ok(())
    }

    /// Gives the connections without credentials of their own these ones.
    pub(crate) fn set_connection_credentials(
        &mut self,
        assembly: &Assembly,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        for entry in self.connections.iter_mut().filter(|entry| entry.config.own_credentials().is_none()) {
            entry.connection = assembly.connection(&entry.config, Some(credentials))?;
        }
        Ok(())
    }
}

impl Assembly {
    /// Builds the stack of one connection, as that of a vault.
    fn connection(
        &self,
        config: &ConnectionConfig,
        common: Option<&Credentials>,
    ) -> Result<Connection, Error> {
        let (id, (base, path)) = (config.id()?, config.address()?);
        let credentials = config.own_credentials().or(common);
        let service = self.service(config.layers(), credentials, AuthHeader::Connection, &base)?;
        Ok(Connection::new(id, base, path, service))
    }
}

fn unknown_connection() -> Error {
    Error::invalid("connection_id", "is not among the connections of this client")
}
