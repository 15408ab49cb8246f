use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use skyflow_http::auth::ChangeFuture;
use skyflow_http::{Idempotency, OperationInfo};
use skyflow_types::LogLevel;

use crate::claims::unix_seconds;
use crate::exchange::secret_json;
use crate::key_file::{KeySource, VersionedKey};
use crate::sign::signing;
use crate::{
    AccessToken, AuthError, AuthErrorKind, Cached, CredentialsError, ScopedProvider, ServiceAccountKey,
    TokenExchange, TokenFuture, TokenOptions, TokenProvider,
};

const PATH: &str = "/v1/auth/sa/oauth/token";
const OPERATION: OperationInfo = OperationInfo::new("authentication.get_token", PATH, Idempotency::Safe);

/// A smaller difference between two clocks is latency.
const NOTICEABLE_SKEW: i64 = 30;

/// Exchanges an assertion of a service account for a bearer token, at every call.
///
/// Wrap it in [`Cached`](crate::Cached), so that one exchange serves all callers until the token ends.
///
/// ```no_run
/// # #[cfg(feature = "transport")]
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use skyflow_auth::{Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenProvider};
///
/// let key = ServiceAccountKey::from_path("credentials.json")?;
/// let tokens = Cached::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper()));
/// let token = tokens.token().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ServiceAccountTokens {
    key: KeySource,
    options: TokenOptions,
    exchange: TokenExchange,
    skew: Arc<Skew>,
    used: LastUsed,
}

/// The version of the key that the last token was exchanged with. Each copy of a provider has its own tokens, and so its
/// own version.
#[derive(Debug, Default)]
struct LastUsed(AtomicU64);

impl Clone for LastUsed {
    fn clone(&self) -> Self {
        Self(self.0.load(Ordering::Relaxed).into())
    }
}

#[derive(Serialize)]
struct GetToken<'a> {
    grant_type: &'static str,
    assertion: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

impl ServiceAccountTokens {
    /// Asks for tokens of every role of the account.
    pub fn new(key: ServiceAccountKey, exchange: TokenExchange) -> Self {
        Self::from_source(KeySource::Fixed(key), exchange)
    }

    /// Reads the key from a file, and again at each exchange: a rotated file is used without a restart. Between
    /// exchanges, [`Cached`] checks the file every 30 seconds.
    ///
    /// While the file is unreadable or half written, the key that was read last stays in use. The file is read on a
    /// separate thread. A pipe is read once, here, and its key is kept.
    ///
    /// # Errors
    ///
    /// Fails as [`ServiceAccountKey::from_path`] does.
    pub fn from_path(
        path: impl Into<std::path::PathBuf>,
        exchange: TokenExchange,
    ) -> Result<Self, CredentialsError> {
        Ok(Self::from_source(KeySource::open(path.into(), &exchange)?, exchange))
    }

    fn from_source(key: KeySource, exchange: TokenExchange) -> Self {
        Self { key, options: TokenOptions::new(), exchange, skew: Arc::default(), used: LastUsed::default() }
    }

    /// Sets roles, context, token URI and lifetime; what the same account's other tokens ask for stays as it is.
    pub fn with_options(mut self, options: TokenOptions) -> Self {
        self.options = options;
        self
    }

    /// Fails when tokens may not come from the host of the token URI.
    pub(crate) fn check_host(&self) -> Result<(), CredentialsError> {
        let key = self.key.last();
        self.exchange.check_host(self.options.token_uri_ref().unwrap_or(key.token_uri()))
    }

    async fn mint(&self) -> Result<AccessToken, AuthError> {
        let VersionedKey { key, version } = self.key.current().await;
        let uri = self.options.token_uri_ref().unwrap_or(key.token_uri());
        let mut corrected = false;
        loop {
            let now = self.skew.correct(self.exchange.clock().now());
            let assertion = key.assertion(&self.options, now)?;
            let body = GetToken {
                grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
                assertion: assertion.expose(),
                scope: self.options.scope(),
            };
            let body = secret_json(&body, assertion.expose().len()).map_err(|_| signing())?;
            let response = self.exchange.send(OPERATION, uri, body).await?;
            let wall = self.exchange.clock().now();
            let moved = self.skew.learn(response.date, wall);
            let log = self.exchange.log();
            match response.token(self.skew.correct(wall), self.options.lifetime_asked(), log) {
                // The refusal of an assertion that was dated by a wrong clock says nothing about the credentials.
                Err(error) if moved && !corrected && error.kind() == AuthErrorKind::Rejected => {
                    if log.permits(LogLevel::Warn) {
                        tracing::warn!("the clock of this machine differs from the token endpoint's");
                    }
                    corrected = true;
                }
                outcome => {
                    if outcome.is_ok() {
                        self.used.0.store(version, Ordering::Relaxed);
                    }
                    return outcome;
                }
            }
        }
    }
}

impl TokenProvider for ServiceAccountTokens {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new(self.mint())
    }

    fn changed(&self) -> Option<ChangeFuture<'_>> {
        match self.key {
            KeySource::Fixed(_) => None,
            KeySource::File(_) => Some(Box::pin(async {
                self.key.current().await.version != self.used.0.load(Ordering::Relaxed)
            })),
        }
    }
}

/// Keeps the tokens of one service account's end users apart: by roles, context, token URI and lifetime.
///
/// All of them share one parsed key.
pub type ScopedTokens = skyflow_http::auth::ScopedTokens<ServiceAccountTokens>;

impl ScopedProvider for ServiceAccountTokens {
    type Scope = TokenOptions;
    type Tokens = Cached<Self>;

    fn complete(&self, scope: &TokenOptions) -> TokenOptions {
        scope.clone().or(&self.options)
    }

    fn narrowed(&self, scope: &TokenOptions) -> Cached<Self> {
        let clock = Arc::clone(self.exchange.clock());
        Cached::with_clock(self.clone().with_options(scope.clone()), clock)
            .log_control(self.exchange.log().clone())
    }
}

/// How far the server's clock is ahead of the one here, in seconds, by the `Date` of its last response.
#[derive(Debug, Default)]
pub(crate) struct Skew(AtomicI64);

impl Skew {
    pub(crate) fn correct(&self, now: SystemTime) -> SystemTime {
        let ahead = self.0.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let corrected = if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) };
        corrected.unwrap_or(now)
    }

    /// Notes what the server's clock shows; true when that changes what assertions will say.
    pub(crate) fn learn(&self, date: Option<SystemTime>, now: SystemTime) -> bool {
        let Some(date) = date else { return false };
        let ahead = unix_seconds(date).cast_signed().saturating_sub(unix_seconds(now).cast_signed());
        let ahead = if ahead.abs() < NOTICEABLE_SKEW { 0 } else { ahead };
        let before = self.0.swap(ahead, Ordering::Relaxed);
        before.abs_diff(ahead) >= NOTICEABLE_SKEW.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skew_is_learnt_corrected_for_and_forgotten() {
        let skew = Skew::default();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        assert!(!skew.learn(None, now));
        assert!(!skew.learn(Some(now + Duration::from_secs(29)), now), "that is travel time");
        assert_eq!(skew.correct(now), now);
        assert!(skew.learn(Some(now - Duration::from_secs(300)), now));
        assert_eq!(skew.correct(now), now - Duration::from_secs(300));
        assert!(!skew.learn(Some(now - Duration::from_secs(299)), now), "nothing new");
        assert!(skew.learn(Some(now), now));
        assert_eq!(skew.correct(now), now);
    }
}
