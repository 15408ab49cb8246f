//! Connections: routes on which the vault replaces tokens with values, or values with tokens.

mod rules;
mod spec;

#[cfg(feature = "server")]
use std::sync::{Arc, OnceLock};
#[cfg(feature = "server")]
use std::time::Duration;

#[cfg(feature = "server")]
use skyflow_http::layers::{AttemptTimeoutLayer, ResponseMetaLayer};
#[cfg(feature = "server")]
use skyflow_http::{Clock, DynLayer, HttpService, Transport};

pub(crate) use rules::{Action, Rule};
pub use spec::{ConnectionSpec, ConnectionSpecError};
pub(crate) use spec::{Content, Route, Target};

/// The time limit for a target.
#[cfg(feature = "server")]
const TARGET_LIMIT: Duration = Duration::from_secs(30);

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

    pub(crate) fn find(&self, id: &str, is_outbound: bool) -> Option<&ConnectionSpec> {
        self.specs.iter().find(|spec| spec.id() == id && spec.is_outbound() == is_outbound)
    }

    /// Returns the client for targets. It follows no redirect.
    #[cfg(feature = "server")]
    pub(crate) fn client(&self, clock: &Arc<dyn Clock>, body_limit: usize) -> &HttpService {
        self.client.get_or_init(|| {
            let layers = [
                DynLayer::new(AttemptTimeoutLayer::new(TARGET_LIMIT, Arc::clone(clock))),
                DynLayer::new(ResponseMetaLayer::new(body_limit)),
            ];
            DynLayer::stack(&layers, Transport::new().into_service())
        })
    }
}
