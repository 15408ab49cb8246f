use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use skyflow_auth::{
    AuthHeader, AuthLayer, Credentials, HostGuard, TokenExchange, TokenProviders, skyflow_metadata,
    skyflow_user_agent,
};
use skyflow_http::{
    BaseUri, BoxError, Clock, DynLayer, HttpLayer, HttpService, LogControl, Request, Response, Setting,
    Stack, SystemClock,
};
use skyflow_types::{Env, LogLevel};
use tower_service::Service;

use crate::{ACCOUNT_ID, Client, Error};

/// Configures a [`Client`]: account, environment, credentials, and the stack that every call goes through.
///
/// Nothing is checked and nothing is opened before [`ClientBuilder::build`]. A call ends after 60 s, an attempt after
/// 30 s, and a request is sent 3 times at most, unless the client or the call sets another limit.
///
/// ```
/// use std::time::Duration;
///
/// use skyflow_auth::Credentials;
/// use skyflow_management::Client;
/// use skyflow_types::Env;
/// # use skyflow_http::{Body, BoxError, Request, Response};
/// # let service = tower::service_fn(|_: Request| async { Ok::<_, BoxError>(Response::new(Body::empty())) });
///
/// let client = Client::builder()
///     .account_id("a451b783713e4424a7d761bb7bbc84eb")
///     .environment(Env::Sandbox)
///     .credentials(Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef")?)
///     .deadline(Duration::from_secs(20))
/// #   .transport(service)
///     .build()?;
/// assert_eq!(client.base().to_string(), "https://manage.skyflowapis-preview.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    account_id: Option<String>,
    env: Env,
    base_url: Option<String>,
    credentials: Option<Credentials>,
    deadline: Setting<Duration>,
    attempt_timeout: Setting<Duration>,
    max_attempts: Option<NonZeroU32>,
    stack: Option<Stack>,
    layers: Vec<DynLayer>,
    attempt_layers: Vec<DynLayer>,
    transport: Option<HttpService>,
    token_hosts: Vec<String>,
    strict_permissions: bool,
    without_metadata: bool,
    log_level: LogLevel,
    clock: Option<Arc<dyn Clock>>,
}

impl ClientBuilder {
    /// Sets the id of the account, which travels in the header `X-Skyflow-Account-ID` of each call.
    pub fn account_id(mut self, id: impl Into<String>) -> Self {
        self.account_id = Some(id.into());
        self
    }

    /// Sets the environment, which decides the management host; production by default.
    pub fn environment(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Sets the URL of the management host, such as that of a gateway before it, instead of the environment's.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the credentials; by default those of the environment ([`Credentials::from_env`]).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the total time for a call: minting a token, every attempt, every pause.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Setting::Set(total);
        self
    }

    /// Removes the deadline.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = Setting::Off;
        self
    }

    /// Sets the time for one attempt, from the first byte out to the last byte in.
    pub fn attempt_timeout(mut self, one_attempt: Duration) -> Self {
        self.attempt_timeout = Setting::Set(one_attempt);
        self
    }

    /// Removes the time limit of an attempt.
    pub fn no_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = Setting::Off;
        self
    }

    /// Sets how many times a request may be sent, the first time included.
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sends each request once.
    pub fn no_retry(self) -> Self {
        self.max_attempts(NonZeroU32::MIN)
    }

    /// Adds a tower layer that sees each operation once; the first one added is the outermost.
    ///
    /// Any layer works, those of `tower` and `tower-http` included. It sits outside the deadline and the retries.
    /// [`CallContext`](skyflow_http::CallContext) in the extensions of a request tells which operation it is.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.layers.push(layer.into_dyn());
        self
    }

    /// Adds a tower layer that sees each attempt, before it carries a token; the first one added is the outermost.
    pub fn attempt_layer(mut self, layer: impl HttpLayer) -> Self {
        self.attempt_layers.push(layer.into_dyn());
        self
    }

    /// Replaces the default stack: retry policy, limits, metadata. Layers, account and auth of this builder are added
    /// to it.
    pub fn stack(mut self, stack: Stack) -> Self {
        self.stack = Some(stack);
        self
    }

    /// Sends requests, token exchanges included, through this service instead of the built-in transport, below the
    /// stack.
    pub fn transport<S>(mut self, service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        self.transport = Some(HttpService::new(service));
        self
    }

    /// Allows service accounts to get their tokens from a host that is not Skyflow's: `host`, which allows each port, or
    /// `host:port`; see [`TokenExchange::allow_host`].
    pub fn allow_token_host(mut self, host: impl Into<String>) -> Self {
        self.token_hosts.push(host.into());
        self
    }

    /// Refuses files with credentials that the group or others can read, instead of a warning.
    pub fn strict_permissions(mut self, yes: bool) -> Self {
        self.strict_permissions = yes;
        self
    }

    /// Sends `User-Agent` alone, without `sky-metadata`: the version of this SDK, processor architecture and operating
    /// system. The environment variable `SKYFLOW_SDK_METADATA` with the value `off` does the same for all clients.
    pub fn without_sdk_metadata(mut self) -> Self {
        self.without_metadata = true;
        self
    }

    /// Sets the log level of this client; [`LogLevel::Debug`] by default, which logs everything.
    pub fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// Replaces the clock, for tests. A stack given to [`ClientBuilder::stack`] has its own clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks everything and makes the client. No connection is opened.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when there is no account id or no
    /// transport, a time limit is zero, or the account id, the URL or a token host cannot be used, and with
    /// [`ErrorKind::Auth`](crate::ErrorKind::Auth) when the credentials are missing or cannot be used;
    /// [`Error::field`] names which.
    pub fn build(self) -> Result<Client, Error> {
        let account_id = self.account_id.ok_or_else(|| Error::setting("account_id", "is missing"))?;
        let url = self.base_url.unwrap_or_else(|| self.env.management_url());
        let base = BaseUri::parse(&url).map_err(|error| Error::setting("base_url", error.problem()))?;
        let credentials = match self.credentials {
            Some(credentials) => credentials,
            None => Credentials::from_env()?,
        };
        let transport = match self.transport {
            Some(transport) => transport,
            None => built_in_transport()?,
        };
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        let log = LogControl::new(self.log_level).product_name("skyflow");
        let metadata = if self.without_metadata { skyflow_user_agent() } else { skyflow_metadata() };
        let metadata =
            metadata.map_err(|source| Error::setting("metadata", "cannot be sent").with_source(source))?;
        let stack = self.stack.unwrap_or_else(|| Stack::new(Arc::clone(&clock)));
        let stack = stack.log_control(log.clone()).default_metadata(metadata);
        let stack = stack.public_header(ACCOUNT_ID, &account_id).map_err(|source| {
            Error::setting("account_id", "must be visible text without control characters")
                .with_source(source)
        })?;
        let mut stack = stack.time_limits(self.deadline, self.attempt_timeout);
        if let Some(attempts) = self.max_attempts {
            stack = stack.max_attempts(attempts);
        }
        if let Some(limit) = stack.zero_timeout() {
            return Err(Error::setting(limit, "must be greater than zero"));
        }
        let mut exchange = TokenExchange::with_log_control(transport.clone(), clock, log)
            .strict_permissions(self.strict_permissions);
        for host in self.token_hosts {
            exchange = exchange.allow_host(host).map_err(|source| {
                let problem = "must be the name of a host, with or without a port, and not link-local";
                Error::setting("token_host", problem).with_source(source)
            })?;
        }
        let tokens = TokenProviders::new(exchange).get(&credentials)?;
        let auth = AuthLayer::new(tokens, AuthHeader::bearer(), HostGuard::new(base.clone()));
        stack = self.layers.into_iter().fold(stack, Stack::operation_layer);
        stack = self.attempt_layers.into_iter().fold(stack, Stack::attempt_layer);
        Ok(Client::new(stack.auth(auth).build(transport), base))
    }
}

#[cfg(feature = "transport")]
fn built_in_transport() -> Result<HttpService, Error> {
    use skyflow_http::{Proxies, Transport};

    let proxies = Proxies::from_env()
        .map_err(|source| Error::setting("proxies", "cannot be used").with_source(source))?;
    Ok(Transport::builder().proxies(proxies).build().into_service())
}

#[cfg(not(feature = "transport"))]
fn built_in_transport() -> Result<HttpService, Error> {
    Err(Error::setting(
        "transport",
        "is missing: enable the feature hyper, hyper-ring or transport, or set one",
    ))
}
