//! Tokens for programs without a runtime.

use std::fmt;
use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{AccessToken, AuthError, TokenProvider};

/// Gets tokens on a small runtime that it owns, for programs that are not async.
///
/// ```no_run
/// # #[cfg(feature = "transport")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use skyflow_auth::{Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange, blocking::BlockingTokens};
///
/// let key = ServiceAccountKey::from_path("credentials.json")?;
/// let tokens = Cached::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper()));
/// let tokens = BlockingTokens::new(tokens)?;
/// println!("{:?}", tokens.token()?);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "transport"))]
/// # fn main() {}
/// ```
pub struct BlockingTokens<P> {
    provider: P,
    /// Always there until it is dropped.
    runtime: Option<Runtime>,
}

impl<P: TokenProvider> BlockingTokens<P> {
    /// Makes the runtime: no thread, only timers and sockets.
    ///
    /// # Errors
    ///
    /// Fails when the operating system gives none.
    pub fn new(provider: P) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { provider, runtime: Some(runtime) })
    }

    /// Returns a token; other threads may call it at the same time.
    ///
    /// Inside an async task it blocks the thread of the task: await the provider there instead.
    ///
    /// # Errors
    ///
    /// Fails as the provider does.
    pub fn token(&self) -> Result<AccessToken, AuthError> {
        let Some(runtime) = &self.runtime else { return Err(AuthError::provider("the runtime is gone")) };
        let get = || runtime.block_on(self.provider.token());
        if Handle::try_current().is_err() {
            return get();
        }
        // A runtime's thread must not drive another runtime; a new thread may.
        std::thread::scope(|scope| match scope.spawn(get).join() {
            Ok(outcome) => outcome,
            Err(_) => Err(AuthError::provider("the token provider panicked")),
        })
    }

    /// Notes that the server refused `rejected`.
    pub fn invalidate(&self, rejected: &AccessToken) {
        self.provider.invalidate(rejected);
    }

    /// Returns the provider.
    pub fn get_ref(&self) -> &P {
        &self.provider
    }
}

impl<P> Drop for BlockingTokens<P> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for the runtime's end, as a plain drop does, is forbidden inside another one.
            runtime.shutdown_background();
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for BlockingTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingTokens").field(&self.provider).finish()
    }
}
