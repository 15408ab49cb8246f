use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use skyflow_http::Clock;
use skyflow_testkit::{Faults, Journal};
use skyflow_types::Secret;

use crate::audit::AuditLog;
use crate::auth::{BearerTokens, KeySet};
use crate::clock::Now;
use crate::connections::Connections;
use crate::cors::Origins;
#[cfg(feature = "detect")]
use crate::detect;
use crate::downloads::Downloads;
use crate::journal::JournalCaller;
use crate::schema::Schema;
use crate::store::accounts::{AccountRow, KeyRow};
use crate::store::{Store, settings};
use crate::tokens::TokenKey;

/// Everything that the clones of a vault share.
pub(crate) struct State {
    pub(crate) vault_id: String,
    pub(crate) cluster_id: String,
    pub(crate) account_id: String,
    pub(crate) schema: Schema,
    pub(crate) store: Store,
    pub(crate) token_key: TokenKey,
    pub(crate) bearer_tokens: BearerTokens,
    pub(crate) body_limit: usize,
    pub(crate) origins: Origins,
    pub(crate) row_limit: usize,
    pub(crate) query_time_limit: Duration,
    pub(crate) file_scan_time: Duration,
    pub(crate) downloads: Downloads,
    pub(crate) audit: AuditLog,
    pub(crate) partial_detokenize_status: http::StatusCode,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: Connections,
    #[cfg(feature = "detect")]
    pub(crate) detect: detect::Settings,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal<JournalCaller>,
    pub(crate) audiences: Mutex<BTreeSet<String>>,
    pub(crate) owner: AccountRow,
    pub(crate) owner_key: KeyRow,
    pub(crate) api_key: Secret,
    /// The keys of other issuers, by the address of their set.
    pub(crate) key_sets: HashMap<String, KeySet>,
}

impl State {
    pub(crate) fn now(&self) -> Now {
        Now(self.clock.now())
    }

    /// Tells whether assertions may name this token URI.
    pub(crate) fn accepts_audience(&self, uri: &str) -> bool {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner).contains(uri)
    }

    /// Lets assertions name this token URI for as long as this vault is open.
    pub(crate) fn accept_audience(&self, uri: &str) -> bool {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner).insert(uri.to_owned())
    }

    /// Lets assertions name this token URI, also after the data file is opened again.
    pub(crate) fn remember_audience(&self, uri: &str) {
        if self.accept_audience(uri)
            && let Err(error) = self.store.write(|transaction| settings::add_audience(transaction, uri))
        {
            tracing::error!(code = ?error.sqlite_error_code(), "the token URI could not be stored");
        }
    }
}
