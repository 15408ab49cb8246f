use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use super::{CallTokens, TokenProvider};

/// Gets tokens that can be narrowed to one end user: by roles, by a context, by whatever its scope holds.
pub trait ScopedProvider: Send + Sync + 'static {
    /// Describes what a token is narrowed to.
    type Scope: Clone + PartialEq + Send + Sync;

    /// The provider of one scope's tokens, such as a [`Cached`](super::Cached).
    type Tokens: TokenProvider;

    /// Takes the unset parts of `scope` from the provider's own, so that scopes that mean the same are equal.
    fn complete(&self, scope: &Self::Scope) -> Self::Scope;

    /// Makes the provider of a scope that is complete.
    fn narrowed(&self, scope: &Self::Scope) -> Self::Tokens;
}

/// Keeps the tokens of many end users apart: one provider per scope.
///
/// The providers of the 64 scopes used last are kept. Two scopes never share a token; unset parts of a scope come
/// from the provider, so a call without roles does not get more than the provider was narrowed to.
pub struct ScopedTokens<P: ScopedProvider>(Arc<Inner<P>>);

/// The scopes in use and their providers. The one used last is at the end.
type Narrowed<S, T> = Vec<(S, Arc<T>)>;

struct Inner<P: ScopedProvider> {
    provider: P,
    capacity: NonZeroUsize,
    /// 64 comparisons cost less than hashing a context.
    narrowed: Mutex<Narrowed<P::Scope, P::Tokens>>,
}

impl<P: ScopedProvider> ScopedTokens<P> {
    /// The number of scopes that are kept unless another one is set.
    pub const DEFAULT_CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

    /// Keeps the tokens of `provider` apart for up to 64 scopes.
    pub fn new(provider: P) -> Self {
        Self::with_capacity(provider, Self::DEFAULT_CAPACITY)
    }

    /// Keeps the tokens of `provider` apart for up to `capacity` scopes.
    pub fn with_capacity(provider: P, capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Inner { provider, capacity, narrowed: Mutex::default() }))
    }

    /// Returns the tokens of a scope.
    pub fn get(&self, scope: &P::Scope) -> Arc<P::Tokens> {
        let scope = self.0.provider.complete(scope);
        let mut narrowed = self.0.narrowed.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match narrowed.iter().position(|(known, _)| *known == scope) {
            Some(index) => narrowed.remove(index),
            None => {
                if narrowed.len() >= self.0.capacity.get() {
                    narrowed.remove(0);
                }
                let tokens = Arc::new(self.0.provider.narrowed(&scope));
                (scope, tokens)
            }
        };
        let tokens = Arc::clone(&entry.1);
        narrowed.push(entry);
        tokens
    }

    /// Returns the request extension that makes one call use the tokens of a scope.
    pub fn for_call(&self, scope: &P::Scope) -> CallTokens {
        CallTokens(self.get(scope))
    }
}

impl<P: ScopedProvider> Clone for ScopedTokens<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: ScopedProvider> fmt::Debug for ScopedTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.narrowed.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("ScopedTokens").field("kept", &kept).finish_non_exhaustive()
    }
}
