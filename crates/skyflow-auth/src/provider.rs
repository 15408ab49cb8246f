use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use skyflow_http::{Clock, SystemClock};
use skyflow_types::Secret;

use crate::claims::{Unverified, unix_seconds};
use crate::{AccessToken, AuthError, CredentialsError, CredentialsErrorKind};

/// Where tokens come from: the seam between this crate and any way to get one.
///
/// Static tokens, API keys, service accounts and closures are providers, and [`Cached`](crate::Cached) makes one
/// token of any of them serve many callers. The trait is dyn-compatible.
///
/// ```
/// use skyflow_auth::{AccessToken, TokenFuture, TokenProvider};
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
    /// The future may be dropped at any point; the next call starts anew.
    fn token(&self) -> TokenFuture<'_>;

    /// Notes that the server refused `rejected`, so that it is not handed out again.
    fn invalidate(&self, rejected: &AccessToken) {
        let _ = rejected;
    }

    /// Returns a token that is good and at hand, so that nobody has to wait; by default there is none.
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
    Ready(Option<Result<AccessToken, AuthError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<AccessToken, AuthError>> + Send + 'a>>),
}

impl<'a> TokenFuture<'a> {
    /// Wraps a future that gets a token.
    pub fn new(future: impl Future<Output = Result<AccessToken, AuthError>> + Send + 'a) -> Self {
        Self(Kind::Boxed(Box::pin(future)))
    }

    /// Wraps an outcome that is known already.
    pub fn ready(outcome: Result<AccessToken, AuthError>) -> Self {
        Self(Kind::Ready(Some(outcome)))
    }
}

impl Future for TokenFuture<'_> {
    type Output = Result<AccessToken, AuthError>;

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

/// Hands out one bearer token that the caller got elsewhere; it is never refreshed.
#[derive(Debug, Clone)]
pub struct StaticToken {
    token: AccessToken,
    clock: Arc<dyn Clock>,
}

impl StaticToken {
    /// Checks a bearer token.
    ///
    /// A JWT has to be readable and has to carry an `exp` claim that is not over. A text without dots is taken for an
    /// opaque token whose end is not known.
    ///
    /// # Errors
    ///
    /// Fails when it is empty, malformed or expired.
    pub fn new(token: impl Into<Secret>) -> Result<Self, CredentialsError> {
        Self::with_clock(token, SystemClock::shared())
    }

    /// The same, with a clock.
    ///
    /// # Errors
    ///
    /// Fails as [`StaticToken::new`] does.
    pub fn with_clock(token: impl Into<Secret>, clock: Arc<dyn Clock>) -> Result<Self, CredentialsError> {
        let token: Secret = token.into();
        let wrong = |kind| CredentialsError::new("token", kind);
        let text = token.expose().trim();
        if text.is_empty() {
            return Err(wrong(CredentialsErrorKind::Empty));
        }
        let access = AccessToken::new(text)?;
        // "eyJ" is how the header of any JWT begins: a damaged one must not pass for an opaque token.
        let token = if text.contains('.') || text.starts_with("eyJ") {
            let claims = Unverified::read(text).ok_or_else(|| wrong(CredentialsErrorKind::TokenMalformed))?;
            let now = unix_seconds(clock.now());
            let exp = claims
                .exp
                .filter(|exp| *exp > now)
                .ok_or_else(|| wrong(CredentialsErrorKind::TokenExpired))?;
            access.with_lifetime(clock.monotonic(), std::time::Duration::from_secs(exp - now))
        } else {
            access
        };
        Ok(Self { token, clock })
    }
}

impl TokenProvider for StaticToken {
    fn token(&self) -> TokenFuture<'_> {
        let expired = || CredentialsError::new("token", CredentialsErrorKind::TokenExpired);
        TokenFuture::ready(match self.token.is_expired_at(self.clock.monotonic()) {
            true => Err(expired().into()),
            false => Ok(self.token.clone()),
        })
    }

    fn peek(&self) -> Option<AccessToken> {
        Some(&self.token).filter(|token| !token.is_expired_at(self.clock.monotonic())).cloned()
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// Hands out an API key; it does not expire.
#[derive(Debug, Clone)]
pub struct ApiKey(AccessToken);

impl ApiKey {
    /// Checks an API key: `sky-`, five letters or digits, `-`, 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Fails when it is empty or of another form.
    pub fn new(key: impl Into<Secret>) -> Result<Self, CredentialsError> {
        let key: Secret = key.into();
        let text = key.expose().trim();
        if text.is_empty() {
            return Err(CredentialsError::new("apiKey", CredentialsErrorKind::Empty));
        }
        let well_formed = text.strip_prefix("sky-").and_then(|rest| rest.split_once('-')).is_some_and(
            |(account, secret)| {
                account.len() == 5
                    && account.bytes().all(|b| b.is_ascii_alphanumeric())
                    && secret.len() == 32
                    && secret.bytes().all(|b| b.is_ascii_hexdigit())
            },
        );
        if !well_formed {
            return Err(CredentialsError::new("apiKey", CredentialsErrorKind::ApiKeyFormat));
        }
        AccessToken::new(text).map(Self)
    }
}

impl TokenProvider for ApiKey {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::ready(Ok(self.0.clone()))
    }

    fn peek(&self) -> Option<AccessToken> {
        Some(self.0.clone())
    }

    fn can_renew(&self) -> bool {
        false
    }
}

/// Makes a provider of a closure; wrap it in [`Cached`](crate::Cached) when a call costs anything.
///
/// ```
/// use skyflow_auth::{AccessToken, Cached, provider_fn};
///
/// let tokens = Cached::new(provider_fn(|| async { Ok(AccessToken::new("from-elsewhere")?) }));
/// # let _ = tokens;
/// ```
pub fn provider_fn<F, Fut>(get: F) -> FnProvider<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, AuthError>> + Send + 'static,
{
    FnProvider(get)
}

/// The provider of [`provider_fn`].
#[derive(Clone)]
pub struct FnProvider<F>(F);

impl<F, Fut> TokenProvider for FnProvider<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, AuthError>> + Send + 'static,
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
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use skyflow_http::ManualClock;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[tokio::test]
    async fn a_static_token_ends_with_its_exp_and_is_not_sent_after() {
        let clock = ManualClock::new();
        let exp = unix_seconds(clock.now()) + 100;
        let token =
            StaticToken::with_clock(jwt(&format!("{{\"exp\":{exp}}}")), Arc::new(clock.clone())).unwrap();
        token.token().await.unwrap();
        clock.advance(Duration::from_secs(101));
        let error = token.token().await.unwrap_err();
        assert_eq!(error.kind(), crate::AuthErrorKind::Credentials);
    }

    #[test]
    fn a_static_token_is_checked_before_anything_is_sent() {
        for (text, kind) in [
            ("", CredentialsErrorKind::Empty),
            (" \n", CredentialsErrorKind::Empty),
            ("a b", CredentialsErrorKind::TokenMalformed),
            ("a.b", CredentialsErrorKind::TokenMalformed),
            ("a.b.c.d", CredentialsErrorKind::TokenMalformed),
            ("eyJhbGciOiJSUzI1NiJ9", CredentialsErrorKind::TokenMalformed),
            (&jwt("not json"), CredentialsErrorKind::TokenMalformed),
            (&jwt(r#"{"exp":1}"#), CredentialsErrorKind::TokenExpired),
            (&jwt("{}"), CredentialsErrorKind::TokenExpired),
        ] {
            assert_eq!(StaticToken::new(text).unwrap_err().kind(), kind, "{text:?}");
        }
        assert!(StaticToken::new("opaque-token").is_ok());
    }

    #[test]
    fn an_api_key_has_one_form() {
        assert!(ApiKey::new("sky-aB3d5-0123456789abcdefABCDEF0123456789").is_ok());
        for text in [
            "sky-aB3d5-0123456789abcdef0123456789abcde",
            "sky-aB3d5-0123456789abcdef0123456789abcdef0",
            "sky-aB3d-0123456789abcdef0123456789abcdef0",
            "sky-aB3d!-0123456789abcdef0123456789abcdef",
            "sky-aB3d5-0123456789abcdef0123456789abcdeg",
            "SKY-aB3d5-0123456789abcdef0123456789abcdef",
            "xsky-aB3d5-0123456789abcdef0123456789abcdef",
            "sky-aB3d50123456789abcdef0123456789abcdef00",
        ] {
            assert_eq!(ApiKey::new(text).unwrap_err().kind(), CredentialsErrorKind::ApiKeyFormat, "{text}");
        }
        assert_eq!(ApiKey::new(" ").unwrap_err().kind(), CredentialsErrorKind::Empty);
    }
}
