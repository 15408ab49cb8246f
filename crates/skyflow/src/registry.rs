//! The vaults and connections of a client, in the order they were added, each with the handle made of it.

use std::sync::Arc;

use skyflow_auth::{AuthHeader, Credentials, connection_header};

use crate::client_state::ClientState;
use crate::{Connection, ConnectionConfig, Error, Vault, VaultConfig};

/// Vaults and connections, and the credentials of those that have none.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) vaults: Entries<VaultConfig>,
    pub(crate) connections: Entries<ConnectionConfig>,
}

/// A configuration that a client holds, and makes a handle of.
pub(crate) trait Configured: Clone {
    type Handle: Clone;

    /// The field that identifies the configuration.
    const ID: &'static str;

    /// The problem of an id that the client does not know.
    const UNKNOWN: &'static str;

    fn id_text(&self) -> Result<String, Error>;

    fn own_credentials(&self) -> Option<&Credentials>;

    /// Makes the handle; `common` are the credentials of configurations without any.
    fn handle(&self, state: &ClientState, common: Option<&Credentials>) -> Result<Self::Handle, Error>;
}

#[derive(Clone)]
pub(crate) struct Entries<C: Configured>(Vec<Entry<C>>);

#[derive(Clone)]
struct Entry<C: Configured> {
    id: String,
    config: C,
    handle: C::Handle,
}

impl<C: Configured> Default for Entries<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Configured> Entries<C> {
    pub(crate) fn handle(&self, id: &str) -> Result<C::Handle, Error> {
        self.find(id).map(|entry| entry.handle.clone()).ok_or_else(Self::unknown)
    }

    pub(crate) fn first(&self) -> Result<C::Handle, Error> {
        self.0.first().map(|entry| entry.handle.clone()).ok_or_else(Self::unknown)
    }

    pub(crate) fn config(&self, id: &str) -> Option<C> {
        self.find(id).map(|entry| entry.config.clone())
    }

    pub(crate) fn handles(&self) -> impl Iterator<Item = &C::Handle> {
        self.0.iter().map(|entry| &entry.handle)
    }

    pub(crate) fn add(
        &mut self,
        state: &ClientState,
        common: Option<&Credentials>,
        config: C,
    ) -> Result<(), Error> {
        let id = config.id_text()?;
        if self.find(&id).is_some() {
            return Err(Error::invalid(C::ID, "is a duplicate"));
        }
        let handle = config.handle(state, common)?;
        self.0.push(Entry { id, config, handle });
        Ok(())
    }

    pub(crate) fn update(
        &mut self,
        state: &ClientState,
        common: Option<&Credentials>,
        config: C,
    ) -> Result<(), Error> {
        let id = config.id_text()?;
        let entry = self.0.iter_mut().find(|entry| entry.id == id).ok_or_else(Self::unknown)?;
        let handle = config.handle(state, common)?;
        *entry = Entry { id, config, handle };
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Result<(), Error> {
        let at = self.0.iter().position(|entry| entry.id == id).ok_or_else(Self::unknown)?;
        self.0.remove(at);
        Ok(())
    }

    /// Rebuilds the handles of configurations without credentials with these.
    pub(crate) fn set_credentials(
        &mut self,
        state: &ClientState,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        for entry in self.0.iter_mut().filter(|entry| entry.config.own_credentials().is_none()) {
            entry.handle = entry.config.handle(state, Some(credentials))?;
        }
        Ok(())
    }

    fn find(&self, id: &str) -> Option<&Entry<C>> {
        self.0.iter().find(|entry| entry.id == id)
    }

    fn unknown() -> Error {
        Error::invalid(C::ID, C::UNKNOWN)
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

    fn handle(&self, state: &ClientState, common: Option<&Credentials>) -> Result<Vault, Error> {
        let (id, base) = (self.id()?, self.base()?);
        let credentials = self.own_credentials().or(common);
        let handle = state.handle(
            self.settings(),
            self.layers(),
            credentials,
            AuthHeader::bearer(),
            base,
            Some(id.as_str()),
        )?;
        Ok(Vault::new(id, handle, Arc::clone(&state.clock)))
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

    fn handle(&self, state: &ClientState, common: Option<&Credentials>) -> Result<Connection, Error> {
        let (id, (base, path)) = (self.id()?, self.address()?);
        let credentials = self.own_credentials().or(common);
        let handle =
            state.handle(self.settings(), self.layers(), credentials, connection_header(), base, None)?;
        Ok(Connection::new(id, path, handle))
    }
}
