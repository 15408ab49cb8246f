use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use super::header::Kind;
use super::{Scheme, TokenError};

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
    /// A wall clock has no say in this: it may jump.
    pub fn with_lifetime(self, received: Instant, lifetime: Duration) -> Self {
        let inner = &self.0;
        // An end beyond what the clock can hold is no end.
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
    fn named_schemes_stand_before_the_token() {
        let value = AccessToken::new("abc").unwrap().header(Scheme::named("Acme").unwrap());
        assert_eq!(value, "Acme abc");
        assert!(value.is_sensitive());
    }

    #[test]
    fn a_token_that_would_split_the_header_is_refused() {
        for text in ["", "a b", "a\r\nx-evil: 1", "a\n", "\u{fc}", "a\u{0}"] {
            assert!(AccessToken::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_lifetime_counts_from_the_moment_of_receipt() {
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
