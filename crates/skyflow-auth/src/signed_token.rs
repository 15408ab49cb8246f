use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use skyflow_http::{Clock, SystemClock};
use skyflow_types::Secret;

use crate::claims::unix_seconds;
use crate::sign::into_secret;
use crate::{AuthError, Context, CredentialsError, CredentialsErrorKind, ServiceAccountKey};

const PREFIX: &str = "signed_token_";
const DEFAULT_TTL: Duration = Duration::from_secs(60);

/// Up to here signing is quicker than handing the work to another thread and back.
const FEW: usize = 4;

/// Signs data tokens, so that only who holds the signed form, and only for a while, can detokenize them.
///
/// Pass the signed form where a detokenize request takes a token, with a bearer token of the same service account and
/// context.
///
/// ```no_run
/// use std::time::Duration;
/// use skyflow_auth::{DataTokenSigner, ServiceAccountKey};
///
/// let key = ServiceAccountKey::from_path("credentials.json")?;
/// let signer = DataTokenSigner::new(key).time_to_live(Duration::from_secs(300))?.context("user-7")?;
/// for pair in signer.sign_all(["token-1", "token-2"])? {
///     assert!(pair.signed_token().starts_with("signed_token_"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct DataTokenSigner {
    key: ServiceAccountKey,
    time_to_live: Duration,
    context: Option<Context>,
    audience: bool,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    exp: u64,
    sub: &'a str,
    tok: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<&'a Value>,
}

impl DataTokenSigner {
    /// Signs with `key`; the signed tokens are good for 60 seconds.
    pub fn new(key: ServiceAccountKey) -> Self {
        Self { key, time_to_live: DEFAULT_TTL, context: None, audience: false, clock: SystemClock::shared() }
    }

    /// Sets how long the signed tokens are good. Whole seconds count.
    ///
    /// # Errors
    ///
    /// Fails when it is shorter than a second.
    pub fn time_to_live(mut self, time_to_live: Duration) -> Result<Self, CredentialsError> {
        if time_to_live < Duration::from_secs(1) {
            return Err(CredentialsError::new("timeToLive", CredentialsErrorKind::Lifetime));
        }
        self.time_to_live = time_to_live;
        Ok(self)
    }

    /// Binds the signed tokens to an end user.
    ///
    /// # Errors
    ///
    /// Fails as [`Context::new`] does.
    pub fn context(self, context: impl Into<Value>) -> Result<Self, CredentialsError> {
        Ok(self.with_context(Context::new(context)?))
    }

    /// Binds the signed tokens to an end user whose context is already checked.
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Adds the token URI as the `aud` claim, as the Node and Go SDKs do; Python and Java do not.
    pub fn with_audience(mut self) -> Self {
        self.audience = true;
        self
    }

    /// Replaces the clock.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Signs one data token, on this thread, in well under a millisecond.
    ///
    /// # Errors
    ///
    /// Fails when the token is empty.
    pub fn sign(&self, token: impl Into<String>) -> Result<SignedDataToken, AuthError> {
        let token = token.into();
        if token.is_empty() {
            return Err(CredentialsError::new("token", CredentialsErrorKind::Empty).into());
        }
        let now = unix_seconds(self.clock.now());
        let claims = Claims {
            iss: "sdk",
            key: self.key.key_id(),
            aud: self.audience.then(|| self.key.token_uri().as_str()),
            exp: now.saturating_add(self.time_to_live.as_secs()),
            sub: self.key.client_id(),
            tok: &token,
            iat: now,
            ctx: self.context.as_ref().map(Context::as_value),
        };
        let signed = into_secret(self.key.signer().jwt_after(PREFIX, &claims)?);
        Ok(SignedDataToken { token, signed })
    }

    /// Signs data tokens, on this thread, in their order.
    ///
    /// # Errors
    ///
    /// Fails when one of them is empty.
    pub fn sign_all<I>(&self, tokens: I) -> Result<Vec<SignedDataToken>, AuthError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        tokens.into_iter().map(|token| self.sign(token)).collect()
    }

    /// Signs many data tokens, in their order, on tokio's blocking pool: one chunk per processor.
    ///
    /// It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails when one of them is empty.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the pool stops after the tokens it is at.
    pub async fn sign_many<I>(&self, tokens: I) -> Result<Vec<SignedDataToken>, AuthError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        if tokens.len() <= FEW {
            return self.sign_all(tokens);
        }
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let per_chunk = tokens.len().div_ceil(processors).max(FEW);
        let stop = StopOnDrop(Arc::default());
        let mut chunks = Vec::with_capacity(processors);
        while !tokens.is_empty() {
            let rest = tokens.split_off(per_chunk.min(tokens.len()));
            let chunk = std::mem::replace(&mut tokens, rest);
            let (signer, stop) = (self.clone(), Arc::clone(&stop.0));
            chunks.push(tokio::task::spawn_blocking(move || {
                let wanted = || !stop.load(Ordering::Relaxed);
                signer.sign_all(chunk.into_iter().take_while(|_| wanted()))
            }));
        }
        let mut signed = Vec::new();
        for chunk in chunks {
            // Only a runtime that shuts down cancels the pool's work.
            signed.extend(chunk.await.map_err(AuthError::provider)??);
        }
        Ok(signed)
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A data token and its signed form.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedDataToken {
    token: String,
    signed: Secret,
}

impl SignedDataToken {
    /// Returns the data token that was signed.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the signed form, `signed_token_…`; keep it out of logs and errors.
    pub fn signed_token(&self) -> &str {
        self.signed.expose()
    }

    /// Takes the pair apart.
    pub fn into_parts(self) -> (String, Secret) {
        (self.token, self.signed)
    }
}

impl fmt::Debug for SignedDataToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedDataToken([REDACTED])")
    }
}
