//! The journal of calls, without any value.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{Method, StatusCode};

/// One request as a journal keeps it: no path parameter, no header that could hold a secret, no body.
///
/// `C` is what the server knows about the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalEntry<C> {
    /// The number of the request, counted from 1.
    pub sequence: u64,
    /// When the request arrived.
    pub at: SystemTime,
    /// The HTTP method.
    pub method: Method,
    /// The name of the operation; `None` when the path is unknown.
    pub operation: Option<&'static str>,
    /// The path with parameter names instead of values; empty when the path is unknown.
    pub path_template: &'static str,
    /// The status of the response; `None` when the connection was closed without one.
    pub status: Option<StatusCode>,
    /// The `x-request-id` of the response.
    pub request_id: String,
    /// The caller, as the server knows it.
    pub caller: C,
    /// How many records were processed successfully.
    pub records: usize,
    /// How many records failed.
    pub failed: usize,
    /// The name of the fault that was injected.
    pub fault: Option<&'static str>,
}

impl<C: Default> JournalEntry<C> {
    /// Starts the entry of a request that has just arrived.
    pub fn new(at: SystemTime, method: Method, request_id: impl Into<String>) -> Self {
        Self {
            sequence: 0,
            at,
            method,
            operation: None,
            path_template: "",
            status: None,
            request_id: request_id.into(),
            caller: C::default(),
            records: 0,
            failed: 0,
            fault: None,
        }
    }
}

/// The last requests of a server, up to a limit.
///
/// ```
/// use std::time::SystemTime;
/// use skyflow_testkit::{Journal, JournalEntry};
///
/// let journal = Journal::new(100);
/// let mut entry = JournalEntry::<Option<String>>::new(SystemTime::UNIX_EPOCH, http::Method::GET, "req-1");
/// entry.operation = Some("things.list");
/// entry.caller = Some("service account 7".to_owned());
/// journal.add(entry);
/// assert_eq!(journal.entries()[0].sequence, 1);
/// ```
pub struct Journal<C> {
    limit: usize,
    kept: Mutex<Kept<C>>,
}

struct Kept<C> {
    seen: u64,
    entries: VecDeque<JournalEntry<C>>,
}

impl<C: Clone> Journal<C> {
    /// Keeps up to `limit` requests.
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: Mutex::new(Kept { seen: 0, entries: VecDeque::new() }) }
    }

    /// Adds an entry and numbers it.
    pub fn add(&self, mut entry: JournalEntry<C>) {
        let mut kept = self.lock();
        kept.seen += 1;
        entry.sequence = kept.seen;
        kept.entries.push_back(entry);
        while kept.entries.len() > self.limit {
            kept.entries.pop_front();
        }
    }

    /// Returns what was called, oldest first.
    pub fn entries(&self) -> Vec<JournalEntry<C>> {
        self.lock().entries.iter().cloned().collect()
    }

    /// Forgets what was called. Later entries are numbered on.
    pub fn clear(&self) {
        self.lock().entries.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept<C>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Clone> fmt::Debug for Journal<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("entries", &self.lock().entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_keeps_the_last_entries_numbered() {
        let journal = Journal::<()>::new(2);
        for id in ["a", "b", "c"] {
            journal.add(JournalEntry::new(SystemTime::UNIX_EPOCH, Method::GET, id));
        }
        let kept: Vec<_> = journal.entries().into_iter().map(|e| (e.sequence, e.request_id)).collect();
        assert_eq!(kept, [(2, "b".to_owned()), (3, "c".to_owned())]);
        journal.clear();
        assert!(journal.entries().is_empty());
        journal.add(JournalEntry::new(SystemTime::UNIX_EPOCH, Method::GET, "d"));
        assert_eq!(journal.entries()[0].sequence, 4);
    }
}
