use skyflow_auth::{Credentials, connection_header};
use skyflow_types::ConnectionId;

use super::{Connection, ConnectionConfig};
use crate::client::Assembly;
use crate::registry::Configured;
use crate::{Error, Skyflow};

impl Skyflow {
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
    /// [`SkyflowBuilder::build`](crate::SkyflowBuilder::build) does; the client stays as it is.
    pub fn add_connection_config(&self, config: ConnectionConfig) -> Result<(), Error> {
        self.change(|registry, assembly| {
            registry.connections.add(assembly, registry.credentials.as_ref(), config)
        })
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
            registry.connections.update(assembly, registry.credentials.as_ref(), config)
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
}

impl Configured for ConnectionConfig {
    type Handle = Connection;

    const ID: &'static str = "connection_id";
    const UNKNOWN: &'static str = "is not among the connections of this client";

    fn id_text(&self) -> Result<String, Error> {
        self.id().map(|id| id.to_string())
    }

    fn own_credentials(&self) -> Option<&Credentials> {
        self.own_credentials()
    }

    fn handle(&self, assembly: &Assembly, common: Option<&Credentials>) -> Result<Connection, Error> {
        let (id, (base, path)) = (self.id()?, self.address()?);
        let credentials = self.own_credentials().or(common);
        let service =
            assembly.service(self.settings(), self.layers(), credentials, connection_header(), &base)?;
        Ok(Connection::new(id, base, path, service))
    }
}
