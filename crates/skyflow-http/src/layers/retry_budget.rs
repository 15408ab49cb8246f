use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sync::AtomicU32;

/// Limits retries to a small share of the calls, so that a failing server does not get a multiple of its load.
///
/// A bucket of 500 tokens: a retry takes what its [`RetryCost`] says, and a first attempt with a response gives 1 back.
/// In a lasting outage the bucket runs dry after some 35 retries and calls fail after one attempt; at any rate of
/// failures retries stay below 8 % of the calls. Only requests that the server refuses unprocessed may be repeated more
/// often. The numbers are those of the AWS SDKs, but for these. Clones share the bucket.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    tokens: Arc<AtomicU32>,
    capacity: u32,
}

/// What a retry takes from a [`RetryBudget`], by the failure that it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryCost {
    /// The server was reached and has not looked at the request, as when it reloads: such a request costs it nothing,
    /// and a reload refuses all requests of a connection at once.
    Refused = 1,
    /// The server responded with a 429.
    Throttled = 5,
    /// Anything else: no connection, no response, or a 5xx.
    Failed = 14,
}

impl RetryBudget {
    /// Makes a full bucket of 500 tokens.
    pub fn new() -> Self {
        Self::with_capacity(500)
    }

    /// Makes a full bucket of `capacity` tokens; 0 allows no retry.
    pub fn with_capacity(capacity: u32) -> Self {
        Self { tokens: Arc::new(AtomicU32::new(capacity)), capacity }
    }

    /// Makes a full bucket of the same size.
    pub fn partition(&self) -> Self {
        Self::with_capacity(self.capacity)
    }

    /// Takes what a retry costs; false when the bucket does not hold it.
    pub fn withdraw(&self, cost: RetryCost) -> bool {
        let cost = cost as u32;
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(cost))
            .is_ok()
    }

    /// Gives a token back for a call that went well.
    pub fn deposit(&self) {
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
            (tokens < self.capacity).then(|| tokens + 1)
        });
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}
