use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use skyflow_http::auth::ChangeFuture;

use crate::{
    AccessToken, Credentials, CredentialsError, ScopedTokens, TokenExchange, TokenFuture, TokenOptions,
    TokenProvider,
};

/// Makes providers of credentials; equal credentials share one provider, and so one token.
///
/// Credentials are equal when key, roles, context, token URI and lifetime are. Clones share their providers.
///
/// A provider, its tokens and its copy of the credentials are kept for as long as one of its users keeps the provider, and
/// no longer.
///
/// ```
/// use std::sync::Arc;
///
/// use skyflow_auth::{Credentials, TokenExchange, TokenProviders};
/// # use skyflow_http::{Body, BoxError, HttpService, Request, Response};
/// # let service = HttpService::new(tower::service_fn(|_: Request| async {
/// #     Ok::<_, BoxError>(Response::new(Body::empty()))
/// # }));
///
/// let providers = TokenProviders::new(TokenExchange::new(service));
/// let key = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef")?;
/// let (first, second) = (providers.get(&key)?, providers.get(&key.clone())?);
/// assert!(Arc::ptr_eq(&first, &second));
/// # Ok::<(), skyflow_auth::CredentialsError>(())
/// ```
#[derive(Clone)]
pub struct TokenProviders {
    exchange: TokenExchange,
    providers: Arc<List<InUse<Listed>>>,
    accounts: Arc<List<Account>>,
    scoped_capacity: NonZeroUsize,
}

impl TokenProviders {
    /// Starts without providers.
    pub fn new(exchange: TokenExchange) -> Self {
        let scoped_capacity = ScopedTokens::DEFAULT_CAPACITY;
        Self { exchange, providers: Arc::default(), accounts: Arc::default(), scoped_capacity }
    }

    /// Sets how many combinations of [`TokenProviders::get_scoped`] keep their tokens, for each service account; 64 by
    /// default. It holds for accounts that are used from now on.
    pub fn scoped_capacity(mut self, combinations: NonZeroUsize) -> Self {
        self.scoped_capacity = combinations;
        self
    }

    /// Returns the way to the token endpoint.
    pub fn exchange(&self) -> &TokenExchange {
        &self.exchange
    }

    /// Returns the provider of `credentials`: a new one, unless one is in use.
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::to_provider`] does.
    pub fn get(&self, credentials: &Credentials) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        let make = |listed| Ok(InUse { tokens: credentials.to_provider(&self.exchange)?, _keeps: listed });
        let provider = self.providers.get_or_make(credentials, make)?;
        Ok(provider)
    }

    /// Returns the tokens of an account's end users, which keep them for as long as the result lives.
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::scoped`] does.
    pub fn end_users(&self, credentials: &Credentials) -> Result<EndUserTokens, CredentialsError> {
        let make = |listed| {
            let scoped = credentials.scoped_with_capacity(&self.exchange, self.scoped_capacity)?;
            Ok(Account { scoped, _listed: listed })
        };
        self.accounts.get_or_make(credentials, make).map(EndUserTokens)
    }

    /// Returns the tokens of an end user: those of `credentials` with `options` on top.
    ///
    /// Put it in [`CallTokens`](crate::CallTokens) to make one call speak for that user. While one of an account's users is
    /// kept, the combinations used last keep their tokens; see [`TokenProviders::scoped_capacity`].
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::scoped`] does.
    pub fn get_scoped(
        &self,
        credentials: &Credentials,
        options: &TokenOptions,
    ) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        Ok(self.end_users(credentials)?.get(options))
    }
}

/// The tokens of a service account's end users; see [`TokenProviders::end_users`].
#[derive(Clone)]
pub struct EndUserTokens(Arc<Account>);

impl EndUserTokens {
    /// Returns the tokens of the end user that `options` describe.
    pub fn get(&self, options: &TokenOptions) -> Arc<dyn TokenProvider> {
        Arc::new(InUse { tokens: self.0.scoped.get(options), _keeps: self.clone() })
    }
}

impl fmt::Debug for EndUserTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.scoped.fmt(f)
    }
}

struct Account {
    scoped: ScopedTokens,
    _listed: Listed,
}

/// A provider that keeps something else in use.
struct InUse<K> {
    tokens: Arc<dyn TokenProvider>,
    _keeps: K,
}

impl<K: Send + Sync + 'static> TokenProvider for InUse<K> {
    fn token(&self) -> TokenFuture<'_> {
        self.tokens.token()
    }

    fn invalidate(&self, rejected: &AccessToken) {
        self.tokens.invalidate(rejected);
    }

    fn peek(&self) -> Option<AccessToken> {
        self.tokens.peek()
    }

    fn can_refresh(&self) -> bool {
        self.tokens.can_refresh()
    }

    fn changed(&self) -> Option<ChangeFuture<'_>> {
        self.tokens.changed()
    }
}

impl<K> fmt::Debug for InUse<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.fmt(f)
    }
}

/// The providers in use. A client has few credentials, so it is searched.
struct List<T>(Mutex<Vec<Entry<T>>>);

type Entry<T> = (Credentials, Weak<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Send + Sync + 'static> List<T> {
    fn get_or_make(
        self: &Arc<Self>,
        credentials: &Credentials,
        make: impl FnOnce(Listed) -> Result<T, CredentialsError>,
    ) -> Result<Arc<T>, CredentialsError> {
        if let Some(in_use) = self.find(&self.lock(), credentials) {
            return Ok(in_use);
        }
        // Without the lock: it may read a file, and takes the lock when it fails.
        let listed = Listed(Arc::downgrade(self) as Weak<dyn Prune>);
        let made = Arc::new(make(listed)?);
        let mut entries = self.lock();
        if let Some(in_use) = self.find(&entries, credentials) {
            // Another thread was faster. Dropping what was made here takes the lock.
            drop(entries);
            return Ok(in_use);
        }
        entries.push((credentials.clone(), Arc::downgrade(&made)));
        Ok(made)
    }

    fn find(&self, entries: &[Entry<T>], credentials: &Credentials) -> Option<Arc<T>> {
        entries.iter().filter(|(known, _)| known == credentials).find_map(|(_, entry)| entry.upgrade())
    }
}

impl<T> List<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list that can drop what is no longer in use.
trait Prune: Send + Sync {
    fn prune(&self);
}

impl<T: Send + Sync> Prune for List<T> {
    fn prune(&self) {
        let mut entries = self.lock();
        let unused: Vec<_> = entries.extract_if(.., |(_, entry)| entry.strong_count() == 0).collect();
        // A provider of the caller's own may do anything when it is dropped, so not under the lock.
        drop(entries);
        drop(unused);
    }
}

/// Removes from a list what this is part of, when it is dropped.
struct Listed(Weak<dyn Prune>);

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(list) = self.0.upgrade() {
            list.prune();
        }
    }
}

impl fmt::Debug for TokenProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (providers, accounts) = (self.providers.lock().len(), self.accounts.lock().len());
        f.debug_struct("TokenProviders")
            .field("providers", &providers)
            .field("accounts", &accounts)
            .finish_non_exhaustive()
    }
}
