use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Cached, CallTokens, ServiceAccountTokens, TokenOptions};

/// Tokens of one service account for many end users: one cache per combination of roles, context and lifetime.
///
/// The caches of the 64 combinations used last are kept. Two combinations never share a token; what is not set for a
/// call comes from the account, so a call without roles does not get more than the account was narrowed to. All of
/// them share one parsed key.
#[derive(Clone)]
pub struct ScopedTokens(Arc<Inner>);

struct Inner {
    account: ServiceAccountTokens,
    capacity: NonZeroUsize,
    /// The one used last is at the end. 64 comparisons cost less than hashing a context.
    caches: Mutex<Vec<Entry>>,
}

type Entry = (TokenOptions, Arc<Cached<ServiceAccountTokens>>);

impl ScopedTokens {
    /// The number of combinations that are kept unless another one is set.
    pub const DEFAULT_CAPACITY: usize = 64;

    pub(crate) const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(Self::DEFAULT_CAPACITY - 1);

    /// Keeps the tokens of `account` apart for up to 64 combinations.
    pub fn new(account: ServiceAccountTokens) -> Self {
        Self::with_capacity(account, Self::CAPACITY)
    }

    /// The same, for another number of combinations.
    pub fn with_capacity(account: ServiceAccountTokens, capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Inner { account, capacity, caches: Mutex::default() }))
    }

    /// Returns the cache of a combination, made now or before.
    pub fn get(&self, options: &TokenOptions) -> Arc<Cached<ServiceAccountTokens>> {
        let options = options.clone().or(self.0.account.options());
        let mut caches = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match caches.iter().position(|(known, _)| *known == options) {
            Some(index) => caches.remove(index),
            None => {
                if caches.len() >= self.0.capacity.get() {
                    caches.remove(0);
                }
                let account = self.0.account.clone().with_options(options.clone());
                let clock = Arc::clone(account.clock());
                let log = account.log().clone();
                (options, Arc::new(Cached::with_clock(account, clock).log_control(log)))
            }
        };
        let tokens = Arc::clone(&entry.1);
        caches.push(entry);
        tokens
    }

    /// Returns the request extension that makes one call use the tokens of a combination.
    pub fn for_call(&self, options: &TokenOptions) -> CallTokens {
        CallTokens(self.get(options))
    }
}

impl fmt::Debug for ScopedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("ScopedTokens").field("kept", &kept).finish_non_exhaustive()
    }
}
