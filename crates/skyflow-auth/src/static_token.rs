use std::sync::Arc;

use skyflow_http::auth::StaticToken as Held;
use skyflow_http::{Clock, SystemClock};
use skyflow_types::Secret;

use crate::claims::{Unverified, unix_seconds};
use crate::{AccessToken, CredentialsError, CredentialsErrorKind, TokenFuture, TokenProvider};

/// Hands out one bearer token that the caller got elsewhere; it is never refreshed.
#[derive(Debug, Clone)]
pub struct StaticToken(Held);

impl StaticToken {
    /// Checks a bearer token.
    ///
    /// A JWT must be readable and must have an `exp` claim in the future. A string without dots is taken for an opaque
    /// token whose expiry is unknown.
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
        Ok(Self(Held::with_clock(token, clock)))
    }
}

impl TokenProvider for StaticToken {
    fn token(&self) -> TokenFuture<'_> {
        let expired = || CredentialsError::new("token", CredentialsErrorKind::TokenExpired);
        TokenFuture::ready(self.peek().ok_or_else(|| expired().into()))
    }

    fn peek(&self) -> Option<AccessToken> {
        self.0.peek()
    }

    fn can_refresh(&self) -> bool {
        self.0.can_refresh()
    }
}

/// Hands out an API key; it does not expire.
///
/// ```
/// use skyflow_auth::{ApiKey, TokenProvider};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = ApiKey::new("sky-abcde-0123456789abcdef0123456789abcdef")?;
/// assert!(key.token().await?.expose().starts_with("sky-"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ApiKey(Held);

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
        Ok(Self(Held::new(AccessToken::new(text)?)))
    }
}

impl TokenProvider for ApiKey {
    fn token(&self) -> TokenFuture<'_> {
        self.0.token()
    }

    fn peek(&self) -> Option<AccessToken> {
        self.0.peek()
    }

    fn can_refresh(&self) -> bool {
        self.0.can_refresh()
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
    async fn static_token_is_not_sent_after_its_exp() {
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
    fn static_token_is_checked_before_sending() {
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
