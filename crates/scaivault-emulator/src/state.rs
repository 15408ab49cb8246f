//! Everything that the clones of a server share.

use std::collections::HashMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_http::Clock;
use skyflow_testkit::{Faults, Journal, Random};
use tokio::sync::Notify;

use crate::failure::{Failure, Outcome};
use crate::order_fault::OrderFault;
use crate::outbox::Outgoing;
use crate::rates::Rates;
use crate::store::Store;

pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal<Option<String>>,
    pub(crate) rates: Rates,
    pub(crate) tenant: String,
    pub(crate) token_lifetime: Duration,
    pub(crate) retention: Duration,
    /// Names this run in cursors, which do not survive it.
    pub(crate) epoch: String,
    /// One request works at a time; its writes are one transaction.
    pub(crate) work: Mutex<()>,
    /// Wakes polls for events.
    pub(crate) news: Notify,
    /// The second in which the schedule was last worked off.
    pub(crate) last_schedule: AtomicI64,
    pub(crate) outbox: Mutex<Vec<Outgoing>>,
    /// What ACME orders of these domains do instead of becoming valid.
    pub(crate) order_faults: Mutex<HashMap<String, OrderFault>>,
}

impl State {
    /// Returns the time in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let elapsed = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, ()> {
        // A panic rolls nothing back, but the next transaction starts from what was committed.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an id with a prefix, such as `pol_…`.
    pub(crate) fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.random.hex(20))
    }

    /// Returns a document, or the failure of a code that ends in `_not_found`.
    pub(crate) fn find<T: DeserializeOwned>(
        &self,
        kind: &str,
        tenant: &str,
        id: &str,
        code: &'static str,
    ) -> Outcome<T> {
        let found = self.store.get(kind, tenant, id)?;
        found.ok_or_else(|| Failure::new(code, format!("there is no such {}", kind.replace('_', " "))))
    }

    pub(crate) fn put<T: Serialize>(&self, kind: &str, tenant: &str, id: &str, document: &T) -> Outcome<()> {
        Ok(self.store.put(kind, tenant, id, document)?)
    }
}
