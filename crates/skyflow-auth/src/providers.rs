use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Credentials, CredentialsError, TokenExchange, TokenProvider};

/// Makes providers of credentials; equal credentials share one provider, and so one token.
///
/// Credentials are equal when key, roles, context, token URI and lifetime are. Clones share their providers.
#[derive(Clone)]
pub struct TokenProviders {
    exchange: TokenExchange,
    made: Arc<Mutex<Vec<Made>>>,
}

/// A client has few credentials, so a list is searched.
type Made = (Credentials, Arc<dyn TokenProvider>);

impl TokenProviders {
    /// Starts without providers.
    pub fn new(exchange: TokenExchange) -> Self {
        Self { exchange, made: Arc::default() }
    }

    /// Returns the way to the token endpoint.
    pub fn exchange(&self) -> &TokenExchange {
        &self.exchange
    }

    /// Returns the provider of `credentials`, made now or before.
    ///
    /// # Errors
    ///
    /// Fails as [`Credentials::provider`] does.
    pub fn get(&self, credentials: &Credentials) -> Result<Arc<dyn TokenProvider>, CredentialsError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, provider)) = made.iter().find(|(known, _)| known == credentials) {
            return Ok(Arc::clone(provider));
        }
        let provider = credentials.provider(&self.exchange)?;
        made.push((credentials.clone(), Arc::clone(&provider)));
        Ok(provider)
    }
}

impl fmt::Debug for TokenProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("TokenProviders").field("made", &made).finish_non_exhaustive()
    }
}
