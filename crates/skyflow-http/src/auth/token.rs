//! Tokens, and the seam between requests and the ways to get one.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use super::layer::Kind;
use super::{Scheme, TokenError, TokenErrorKind};
use crate::{Clock, SystemClock};

const BEARER: &str = "Bearer ";

/// Reports a token that cannot be sent; its text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// The token is empty.
    #[error("token is empty")]
    Empty,
    /// The token holds white space or another character that a header cannot carry.
    #[error("token must be visible ASCII without white space")]
    Malformed,
}

impl From<InvalidToken> for TokenError {
    fn from(error: InvalidToken) -> Self {
        Self::credentials(error)
    }
}

/// Holds a bearer token or an API key, ready to be attached to requests.
///
/// Clones share it. Its header values are made once and marked sensitive, and its memory is wiped when the last clone
/// and the last request that carries it are gone. `Debug` shows its lifetime and nothing else.
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    bearer: HeaderValue,
    raw: HeaderValue,
    life: Option<Life>,
    token_type: Cow<'static, str>,
}

#[derive(Debug, Clone, Copy)]
struct Life {
    length: Duration,
    end: Instant,
}

impl AccessToken {
    /// Wraps a token that is not known to expire.
    ///
    /// # Errors
    ///
    /// Fails when it is empty, or holds white space or anything else that a header cannot carry.
    pub fn new(token: impl Into<Secret>) -> Result<Self, InvalidToken> {
        let token: Secret = token.into();
        let text = token.expose();
        if text.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken::Malformed);
        }
        let line = wiped(BEARER, text);
        let bearer = sensitive(line.clone())?;
        let raw = sensitive(line.slice(BEARER.len()..))?;
        Ok(Self(Arc::new(Inner { bearer, raw, life: None, token_type: Cow::Borrowed("Bearer") })))
    }

    /// Sets how long it lives from `received`, a point on the monotonic clock.
    ///
    /// The wall clock is not used: it may jump.
    pub fn with_lifetime(self, received: Instant, lifetime: Duration) -> Self {
        let inner = &self.0;
        // An end beyond the range of the clock means no end.
        let life = received.checked_add(lifetime).map(|end| Life { length: lifetime, end });
        Self(Arc::new(Inner {
            bearer: inner.bearer.clone(),
            raw: inner.raw.clone(),
            life,
            token_type: inner.token_type.clone(),
        }))
    }

    /// Sets the type that the issuer named.
    pub fn with_token_type(self, token_type: impl Into<String>) -> Self {
        let inner = &self.0;
        Self(Arc::new(Inner {
            bearer: inner.bearer.clone(),
            raw: inner.raw.clone(),
            life: inner.life,
            token_type: Cow::Owned(token_type.into()),
        }))
    }

    /// Returns the type that the issuer named, such as `Bearer`, which is also the default.
    pub fn token_type(&self) -> &str {
        &self.0.token_type
    }

    /// Returns the token itself; keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        // It was text when it came in.
        std::str::from_utf8(self.0.raw.as_bytes()).unwrap_or_default()
    }

    /// Returns when it expires; `None` when that is not known.
    pub fn expires_at(&self) -> Option<Instant> {
        self.0.life.map(|life| life.end)
    }

    /// Returns how long it lives from the moment it was received; `None` when that is not known.
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.life.map(|life| life.length)
    }

    /// Tells whether it has expired at `now`.
    pub fn is_expired_at(&self, now: Instant) -> bool {
        self.expires_at().is_some_and(|end| now >= end)
    }

    /// Returns `Bearer <token>`, marked sensitive. Cloning it copies no text.
    pub fn bearer_header(&self) -> &HeaderValue {
        &self.0.bearer
    }

    /// Returns the token alone as a header value, marked sensitive. Cloning it copies no text.
    pub fn raw_header(&self) -> &HeaderValue {
        &self.0.raw
    }

    /// Returns the token behind a scheme; `Bearer` and no scheme copy no text.
    pub(super) fn header(&self, scheme: Scheme) -> HeaderValue {
        match scheme.0 {
            Kind::Bearer => self.0.bearer.clone(),
            Kind::None => self.0.raw.clone(),
            // The scheme was checked, and so was the token.
            Kind::Named(name) => {
                sensitive(wiped(&format!("{name} "), self.expose())).unwrap_or_else(|_| self.0.raw.clone())
            }
        }
    }

    /// Tells whether both are the same token.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.raw == other.0.raw
    }
}

/// Joins two strings in memory that is wiped with the last header value that points into it.
fn wiped(scheme: &str, token: &str) -> Bytes {
    let mut line = Zeroizing::new(Vec::with_capacity(scheme.len() + token.len()));
    line.extend_from_slice(scheme.as_bytes());
    line.extend_from_slice(token.as_bytes());
    Bytes::from_owner(line)
}

fn sensitive(line: Bytes) -> Result<HeaderValue, InvalidToken> {
    let mut value = HeaderValue::from_maybe_shared(line).map_err(|_| InvalidToken::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("lifetime", &self.lifetime()).finish_non_exhaustive()
    }
}

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

    /// Records that the server rejected `rejected`, so that it is not returned again.
    fn invalidate(&self, rejected: &AccessToken) {
        let _ = rejected;
    }

    /// Returns a valid token that is already at hand, without waiting; `None` by default.
    fn peek(&self) -> Option<AccessToken> {
        None
    }

    /// Tells whether another token can be obtained after one was rejected; true by default.
    fn can_refresh(&self) -> bool {
        true
    }

    /// Checks whether the credentials have changed since the last token, such as a key file that was replaced; `None`
    /// by default: they do not change.
    ///
    /// [`Cached`](super::Cached) refreshes its token when the future returns true.
    fn changed(&self) -> Option<ChangeFuture<'_>> {
        None
    }
}

/// The future of [`TokenProvider::changed`].
pub type ChangeFuture<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

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

    fn can_refresh(&self) -> bool {
        (**self).can_refresh()
    }

    fn changed(&self) -> Option<ChangeFuture<'_>> {
        (**self).changed()
    }
}

/// The future of [`TokenProvider::token`]: at once, without an allocation, when the token is at hand.
pub struct TokenFuture<'a>(Outcome<'a>);

enum Outcome<'a> {
    Ready(Option<Result<AccessToken, TokenError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<AccessToken, TokenError>> + Send + 'a>>),
}

impl<'a> TokenFuture<'a> {
    /// Wraps a future that gets a token.
    pub fn new(future: impl Future<Output = Result<AccessToken, TokenError>> + Send + 'a) -> Self {
        Self(Outcome::Boxed(Box::pin(future)))
    }

    /// Wraps an outcome that is known already.
    pub fn ready(outcome: Result<AccessToken, TokenError>) -> Self {
        Self(Outcome::Ready(Some(outcome)))
    }
}

impl Future for TokenFuture<'_> {
    type Output = Result<AccessToken, TokenError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // A future that is polled after its end may do anything but be unsound; staying pending is the mildest.
            Outcome::Ready(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Outcome::Boxed(future) => future.as_mut().poll(cx),
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

    fn can_refresh(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_ready_sensitive_and_shared() {
        let token = AccessToken::new("abc.def").unwrap();
        assert_eq!(token.expose(), "abc.def");
        assert_eq!(token.bearer_header(), "Bearer abc.def");
        assert_eq!(token.raw_header(), "abc.def");
        assert!(token.bearer_header().is_sensitive() && token.raw_header().is_sensitive());
        assert_eq!(
            token.bearer_header().clone().as_bytes().as_ptr(),
            token.bearer_header().as_bytes().as_ptr()
        );
    }

    #[test]
    fn named_scheme_precedes_the_token() {
        let value = AccessToken::new("abc").unwrap().header(Scheme::named("Acme").unwrap());
        assert_eq!(value, "Acme abc");
        assert!(value.is_sensitive());
    }

    #[test]
    fn token_cannot_split_the_header() {
        for text in ["", "a b", "a\r\nx-evil: 1", "a\n", "\u{fc}", "a\u{0}"] {
            assert!(AccessToken::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lifetime_counts_from_the_moment_of_receipt() {
        let now = crate::Clock::monotonic(&crate::SystemClock);
        let token = AccessToken::new("t").unwrap().with_lifetime(now, Duration::from_secs(10));
        assert!(!token.is_expired_at(now + Duration::from_secs(9)));
        assert!(token.is_expired_at(now + Duration::from_secs(10)));
        let endless = AccessToken::new("t").unwrap().with_lifetime(now, Duration::MAX);
        assert_eq!(endless.expires_at(), None);
    }

    #[test]
    fn debug_shows_no_token() {
        let token = AccessToken::new("canary").unwrap();
        assert!(
            !format!("{token:?} {:?} {:?}", token.bearer_header(), token.raw_header()).contains("canary")
        );
    }
}
