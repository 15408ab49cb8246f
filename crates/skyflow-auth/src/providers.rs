use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Credentials, CredentialsError, ScopedTokens, TokenExchange, TokenOptions, TokenProvider};

/// Makes providers of credentials; equal credentials share one provider, and so one token.
///
/// Credentials are equal when key, roles, context, token URI and lifetime are. Clones share their providers.
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
    made: Arc<Mutex<Made>>,
    scoped_capacity: NonZeroUsize,
}

/// A client has few credentials, so lists are searched.
#[derive(Default)]
struct Made {
    providers: Vec<(Credentials, Arc<dyn TokenProvider>)>,
    scoped: Vec<(Credentials, ScopedTokens)>,
}

impl TokenProviders {
    /// Starts without providers.
    pub fn new(exchange: TokenExchange) -> Self {
        Self { exchange, made: Arc::default(), scoped_capacity: ScopedTokens::DEFAULT_CAPACITY }
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

    /// Returns the provider of `credentials`, made now or before.
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::to_provider`] does.
    pub fn get(&self, credentials: &Credentials) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, provider)) = made.providers.iter().find(|(known, _)| known == credentials) {
            return Ok(Arc::clone(provider));
        }
        let provider = credentials.to_provider(&self.exchange)?;
        made.providers.push((credentials.clone(), Arc::clone(&provider)));
        Ok(provider)
    }

    /// Returns the tokens of an end user: those of `credentials` with `options` on top.
    ///
    /// Put it in [`CallTokens`](crate::CallTokens) to make one call speak for that user. The combinations used last
    /// keep their tokens; see [`TokenProviders::scoped_capacity`].
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::scoped`] does.
    pub fn get_scoped(
        &self,
        credentials: &Credentials,
        options: &TokenOptions,
    ) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, scoped)) = made.scoped.iter().find(|(known, _)| known == credentials) {
            return Ok(scoped.get(options));
        }
        let scoped = credentials.scoped_with_capacity(&self.exchange, self.scoped_capacity)?;
        made.scoped.push((credentials.clone(), scoped.clone()));
        Ok(scoped.get(options))
    }
}

impl fmt::Debug for TokenProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).providers.len();
        f.debug_struct("TokenProviders").field("made", &made).finish_non_exhaustive()
    }
}
