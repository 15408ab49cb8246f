mod stack;

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use skyflow_http::auth::TokenProvider;
use skyflow_http::layers::Backoff;
use skyflow_http::{BoxError, Clock, DynLayer, HttpLayer, HttpService, Request, Response, SystemClock};
use skyflow_types::{LogLevel, Secret};
use tower_service::Service;

use crate::credentials::Source;
use crate::environment::Environment;
use crate::tasks::Tasks;
use crate::{Error, ScaiVault};

/// Configures a client. Missing settings are read from the environment; see [`Client::from_env`](crate::Client::from_env).
///
/// ```
/// # fn main() -> Result<(), scaivault::Error> {
/// use std::time::Duration;
/// use scaivault::Client;
///
/// let client = Client::builder()
///     .base_url("https://vault.example")
///     .token("skt_an-access-token")
///     .tenant("tnt_1")
///     .timeout(Duration::from_secs(10))
///     .max_retries(5)
///     .retry_backoff(1.5)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ClientBuilder<M> {
    base_url: Option<String>,
    credentials: Option<Source>,
    token_url: Option<String>,
    scopes: Vec<String>,
    tenant: Option<String>,
    timeout: Duration,
    deadline: Option<Duration>,
    max_retries: u32,
    backoff: Backoff,
    internal_retries: u32,
    retry_writes: bool,
    transport: Option<HttpService>,
    layers: Vec<DynLayer>,
    attempt_layers: Vec<DynLayer>,
    log: LogLevel,
    clock: Arc<dyn Clock>,
    environment: Environment,
    mode: PhantomData<M>,
}

impl<M> ClientBuilder<M> {
    pub(crate) fn new() -> Self {
        Self {
            base_url: None,
            credentials: None,
            token_url: None,
            scopes: Vec::new(),
            tenant: None,
            timeout: Duration::from_secs(30),
            deadline: Some(Duration::from_secs(120)),
            max_retries: 3,
            backoff: Backoff::new().base(Duration::from_millis(200)).cap(Duration::from_secs(10)),
            internal_retries: 1,
            retry_writes: false,
            transport: None,
            layers: Vec::new(),
            attempt_layers: Vec::new(),
            log: LogLevel::default(),
            clock: SystemClock::shared(),
            environment: Environment::process(),
            mode: PhantomData,
        }
    }

    /// Sets the URL of the server.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Uses a token that was obtained elsewhere; it is never refreshed. Credentials that are set later replace it.
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.credentials = Some(Source::Token(token.into()));
        self
    }

    /// Reads the token from a file, and again when the file changes or the server says that the token has expired.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(Source::File(path.into()));
        self
    }

    /// Exchanges client credentials for tokens, which are refreshed before they expire.
    pub fn client_credentials(mut self, id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        self.credentials = Some(Source::Client { id: id.into(), secret: secret.into() });
        self
    }

    /// Gets tokens from a provider of your own; wrap it in [`Cached`](skyflow_http::auth::Cached) when a call costs
    /// anything.
    pub fn token_provider(mut self, provider: impl TokenProvider) -> Self {
        self.credentials = Some(Source::Provider(Arc::new(provider)));
        self
    }

    /// Sets the token endpoint for client credentials; `https://scaikey.scailabs.ai/oauth/token` by default.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = Some(url.into());
        self
    }

    /// Asks for these scopes in the exchange of client credentials; for all that the client has by default.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the tenant of the calls.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Sets the time for one attempt; 30 s by default.
    pub fn timeout(mut self, one_attempt: Duration) -> Self {
        self.timeout = one_attempt;
        self
    }

    /// Sets the total time for a call with its retries and their pauses; 2 minutes by default.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Some(total);
        self
    }

    /// Switches the deadline off: a call may wait as long as the server's `Retry-After` says.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// Sets how many times a call may be sent again after rate limits, outages and lost connections; 3 by default.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets by how much the longest pause grows from one retry to the next; 2 by default.
    pub fn retry_backoff(mut self, multiplier: f64) -> Self {
        self.backoff = self.backoff.multiplier(multiplier);
        self
    }

    /// Replaces the pauses between retries: random, up to 200 ms before the first one (1 s after a rate limit without
    /// `Retry-After`), and up to 10 s.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how many of the retries may follow an `internal_error`; 1 by default.
    pub fn retry_internal(mut self, retries: u32) -> Self {
        self.internal_retries = retries;
        self
    }

    /// Says whether writes that append, such as a new version, are sent again after a lost response; off by default. A
    /// write may then be carried out twice.
    pub fn retry_writes(mut self, yes: bool) -> Self {
        self.retry_writes = yes;
        self
    }

    /// Sends requests and token exchanges through this service: a [`Transport`](skyflow_http::Transport) that several
    /// clients share, or an embedded server.
    pub fn transport<S>(mut self, service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        self.transport = Some(HttpService::new(service));
        self
    }

    /// Adds a tower layer that sees each call once; the first one added is the outermost.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.layers.push(layer.into_dyn());
        self
    }

    /// Adds a tower layer that sees each attempt, before it carries a token; the first one added is the outermost.
    pub fn attempt_layer(mut self, layer: impl HttpLayer) -> Self {
        self.attempt_layers.push(layer.into_dyn());
        self
    }

    /// Limits what the client logs through `tracing`.
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log = level;
        self
    }

    /// Replaces the clock, so that a test can move it.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the environment of the process, for tests and for programs that keep their settings elsewhere.
    ///
    /// ```
    /// use scaivault::Client;
    ///
    /// let client = Client::builder().environment(|name| (name == "SCAIVAULT_TOKEN").then(|| "skt_1".to_owned())).build();
    /// assert!(client.is_ok());
    /// assert_eq!(Client::builder().environment(|_| None).build().unwrap_err().field(), Some("token"));
    /// ```
    pub fn environment(mut self, lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.environment = Environment::new(lookup);
        self
    }
}

impl ClientBuilder<crate::mode::Async> {
    /// Builds the client. Nothing is sent, and no runtime is needed yet.
    ///
    /// # Errors
    ///
    /// Fails when a setting cannot be used and when there are no credentials; [`Error::field`] names the setting or the
    /// environment variable.
    pub fn build(self) -> Result<ScaiVault<crate::mode::Async>, Error> {
        Ok(ScaiVault { mode: crate::mode::Async, handle: self.handle(Tasks::new(None))? })
    }
}

#[cfg(feature = "blocking")]
impl ClientBuilder<crate::blocking::Blocking> {
    /// Builds the client, and starts the thread that drives its connections. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Fails when a setting cannot be used, when there are no credentials ([`Error::field`] names the setting or the
    /// environment variable), and when no thread can be started.
    pub fn build(self) -> Result<ScaiVault<crate::blocking::Blocking>, Error> {
        let mode = crate::blocking::Blocking::new()?;
        Ok(ScaiVault { handle: self.handle(Tasks::new(Some(mode.handle())))?, mode })
    }
}

/// Shows no setting that may be a secret.
impl<M> fmt::Debug for ClientBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
