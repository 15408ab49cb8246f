//! The vaults, or the connections, of a client: in the order they were added, each with the handle made of it.

use skyflow_auth::Credentials;

use crate::Error;
use crate::client::Assembly;

/// A configuration that a client holds, and makes a handle of.
pub(crate) trait Configured: Clone {
    type Handle: Clone;

    /// The field that tells one from the others.
    const ID: &'static str;

    /// What is wrong with an id that the client does not know.
    const UNKNOWN: &'static str;

    fn id_text(&self) -> Result<String, Error>;

    fn own_credentials(&self) -> Option<&Credentials>;

    /// Makes the handle; `common` are the credentials of those that have none of their own.
    fn handle(&self, assembly: &Assembly, common: Option<&Credentials>) -> Result<Self::Handle, Error>;
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
        assembly: &Assembly,
        common: Option<&Credentials>,
        config: C,
    ) -> Result<(), Error> {
        let id = config.id_text()?;
        if self.find(&id).is_some() {
            return Err(Error::invalid(C::ID, "is given twice"));
        }
        let handle = config.handle(assembly, common)?;
        self.0.push(Entry { id, config, handle });
        Ok(())
    }

    pub(crate) fn update(
        &mut self,
        assembly: &Assembly,
        common: Option<&Credentials>,
        config: C,
    ) -> Result<(), Error> {
        let id = config.id_text()?;
        let entry = self.0.iter_mut().find(|entry| entry.id == id).ok_or_else(Self::unknown)?;
        let handle = config.handle(assembly, common)?;
        *entry = Entry { id, config, handle };
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Result<(), Error> {
        let at = self.0.iter().position(|entry| entry.id == id).ok_or_else(Self::unknown)?;
        self.0.remove(at);
        Ok(())
    }

    /// Gives those without credentials of their own these ones.
    pub(crate) fn set_credentials(
        &mut self,
        assembly: &Assembly,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        for entry in self.0.iter_mut().filter(|entry| entry.config.own_credentials().is_none()) {
            entry.handle = entry.config.handle(assembly, Some(credentials))?;
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
