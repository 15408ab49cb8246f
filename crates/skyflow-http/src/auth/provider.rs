use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{AccessToken, TokenError, TokenErrorKind};
use crate::{Clock, SystemClock};

/// Gets tokens: the seam between a client and any way to obtain one.
///
/// Static tokens, token exchanges and closures are providers, and [`Cached`](super::Cached) makes one token of any of
/// them serve many callers. The trait is dyn-compatible.
///
/// ```
/// use skyflow_http::auth::{AccessToken, TokenFuture, TokenProvider};
///
/// #[derive(Debug)]
/// struct FromMyVault;
///
/// impl TokenProvider for FromMyVault {
///     fn token(&self) -> TokenFuture<'_> {
///         TokenFuture::new(async { Ok(AccessToken::new("a-token")?) })
///     }
/// }
/// ```
pub trait TokenProvider: Send + Sync + fmt::Debug + 'static {
    /// Returns a token to attach to a request.
    ///
    /// # Errors
    ///
    /// The future fails when there is no token; the request is then not sent.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any point; the next call starts a new one.
    fn token(&self) -> TokenFuture<'_>;

    /// Notes that the server refused `rejected`, so that it is not handed out again.
    fn invalidate(&self, rejected: &AccessToken) {
        let _ = rejected;
    }

    /// Returns a valid token that is already at hand, without waiting; `None` by default.
    fn peek(&self) -> Option<AccessToken> {
        None
    }

    /// Tells whether another token can be had after one was refused; by default yes.
    fn can_renew(&self) -> bool {
        true
    }
}

impl<P: TokenProvider + ?Sized> TokenProvider for Arc<P> {
    fn token(&self) -> TokenFuture<'_> {
        (**self).token()
    }

    fn invalidate(&self, rejected: &AccessToken) {
        (**self).invalidate(rejected);
    }

    fn peek(&self) -> Option<AccessToken> {
        (**self).peek()
    }

    fn can_renew(&self) -> bool {
        (**self).can_renew()
    }
}

/// The future of [`TokenProvider::token`]: at once, without an allocation, when the token is at hand.
pub struct TokenFuture<'a>(Kind<'a>);

enum Kind<'a> {
    Ready(Option<Result<AccessToken, TokenError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<AccessToken, TokenError>> + Send + 'a>>),
}

impl<'a> TokenFuture<'a> {
    /// Wraps a future that gets a token.
    pub fn new(future: impl Future<Output = Result<AccessToken, TokenError>> + Send + 'a) -> Self {
        Self(Kind::Boxed(Box::pin(future)))
    }

    /// Wraps an outcome that is known already.
    pub fn ready(outcome: Result<AccessToken, TokenError>) -> Self {
        Self(Kind::Ready(Some(outcome)))
    }
}

impl Future for TokenFuture<'_> {
    type Output = Result<AccessToken, TokenError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // A future that is polled after its end may do anything but be unsound; staying pending is the mildest.
            Kind::Ready(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Kind::Boxed(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for TokenFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenFuture")
    }
}

/// Hands out one token that was obtained elsewhere; it is never refreshed.
#[derive(Debug, Clone)]
pub struct StaticToken {
    token: AccessToken,
    clock: Arc<dyn Clock>,
}

impl StaticToken {
    /// Hands out `token` until its lifetime ends.
    pub fn new(token: AccessToken) -> Self {
        Self::with_clock(token, SystemClock::shared())
    }

    /// Hands out `token`, whose lifetime is judged by `clock`.
    pub fn with_clock(token: AccessToken, clock: Arc<dyn Clock>) -> Self {
        Self { token, clock }
    }
}

impl TokenProvider for StaticToken {
    fn token(&self) -> TokenFuture<'_> {
        let expired = || TokenError::new(TokenErrorKind::Credentials, "the token has expired");
        TokenFuture::ready(self.peek().ok_or_else(expired))
    }

    fn peek(&self) -> Option<AccessToken> {
        Some(&self.token).filter(|token| !token.is_expired_at(self.clock.monotonic())).cloned()
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// Makes a provider of a closure; wrap it in [`Cached`](super::Cached) when a call costs anything.
///
/// ```
/// use skyflow_http::auth::{AccessToken, Cached, provider_fn};
///
/// let tokens = Cached::new(provider_fn(|| async { Ok(AccessToken::new("from-elsewhere")?) }));
/// # let _ = tokens;
/// ```
pub fn provider_fn<F, Fut>(get: F) -> FnProvider<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, TokenError>> + Send + 'static,
{
    FnProvider(get)
}

/// The provider of [`provider_fn`].
#[derive(Clone)]
pub struct FnProvider<F>(F);

impl<F, Fut> TokenProvider for FnProvider<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, TokenError>> + Send + 'static,
{
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new((self.0)())
    }
}

impl<F> fmt::Debug for FnProvider<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnProvider")
    }
}
