//! What was called, without any value.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::{Method, StatusCode};

use crate::auth::AuthKind;
use crate::routes::Operation;

/// One request as the journal keeps it: no path parameter, no header that could hold a secret, no body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// Counts the requests of the vault, from 1.
    pub sequence: u64,
    /// When the request arrived.
    pub at: SystemTime,
    /// The HTTP method.
    pub method: Method,
    /// The operation; `None` when the path is not one of the vault's.
    pub operation: Option<Operation>,
    /// The path with parameter names instead of values; empty when the path is not one of the vault's.
    pub path_template: &'static str,
    /// The status of the answer; `None` when the connection was closed without one.
    pub status: Option<StatusCode>,
    /// The `x-request-id` of the answer.
    pub request_id: String,
    /// How the caller proved who it is.
    pub auth: AuthKind,
    /// The service account of the caller.
    pub client_id: Option<String>,
    /// How many records or tokens were worked on with success.
    pub records: usize,
    /// How many records or tokens failed.
    pub failed: usize,
    /// The name of the fault that was injected.
    pub fault: Option<&'static str>,
    /// The `user-agent` of the caller.
    pub user_agent: Option<String>,
    /// The `sky-metadata` of the caller.
    pub metadata: Option<String>,
}

/// The last requests, up to a limit.
pub(crate) struct Journal {
    limit: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    seen: u64,
    kept: VecDeque<JournalEntry>,
}

impl Journal {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, entries: Mutex::default() }
    }

    /// Adds an entry and numbers it.
    pub(crate) fn add(&self, mut entry: JournalEntry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.seen += 1;
        entry.sequence = entries.seen;
        entries.kept.push_back(entry);
        while entries.kept.len() > self.limit {
            entries.kept.pop_front();
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<JournalEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).kept.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).kept.clear();
    }
}
