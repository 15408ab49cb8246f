//! Connections: routes on which the vault replaces tokens with values, or values with tokens.

mod call;
mod document;
mod fields;
mod forward;
mod rules;
#[cfg(feature = "server")]
mod send;
mod spec;

#[cfg(feature = "server")]
use std::sync::OnceLock;

pub(crate) use call::invoke;
pub use spec::{ConnectionSpec, ConnectionSpecError};

#[cfg(feature = "server")]
use skyflow_http::HttpService;

/// The connections of a vault.
#[derive(Default)]
pub(crate) struct Connections {
    specs: Vec<ConnectionSpec>,
    /// Built when the first request is forwarded: most vaults have no connections.
    #[cfg(feature = "server")]
    client: OnceLock<HttpService>,
}

impl Connections {
    pub(crate) fn new(specs: Vec<ConnectionSpec>) -> Result<Self, ConnectionSpecError> {
        for (position, spec) in specs.iter().enumerate() {
            spec.check()?;
            if specs.iter().take(position).any(|earlier| earlier.id() == spec.id()) {
                return Err(spec.refused("is given twice"));
            }
        }
        Ok(Self {
            specs,
            #[cfg(feature = "server")]
            client: OnceLock::new(),
        })
    }

    pub(crate) fn has(&self, id: &str, is_outbound: bool) -> bool {
        self.find(id, is_outbound).is_some()
    }

    fn find(&self, id: &str, is_outbound: bool) -> Option<&ConnectionSpec> {
        self.specs.iter().find(|spec| spec.id() == id && spec.is_outbound() == is_outbound)
    }
}
