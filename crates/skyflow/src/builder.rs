use std::num::NonZeroUsize;
use std::sync::Arc;

use skyflow_auth::{
    Credentials, TokenExchange, TokenProviders, connection_refusal, skyflow_metadata, skyflow_user_agent,
};
use skyflow_http::{
    BoxError, Clock, DynLayer, HttpLayer, HttpService, LogControl, Request, Response, Stack, SystemClock,
};
use skyflow_types::LogLevel;
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::call_log::SYSTEM;
use crate::call_settings::{CallSettings, call_settings_setters};
use crate::client_state::ClientState;
use crate::{ConnectionConfig, Error, Skyflow, VaultConfig};

/// Assembles a [`Skyflow`] client: vaults, connections, credentials, and the stack that every call goes through.
///
/// Nothing is checked and nothing is opened before [`SkyflowBuilder::build`]. A call ends after 60 s, an attempt after
/// 30 s, and a request is sent 3 times at most, unless the client, the vault or the call sets another limit.
///
/// ```no_run
/// use std::time::Duration;
///
/// use skyflow::{Credentials, LogLevel, Skyflow, VaultConfig};
///
/// let client = Skyflow::builder()
///     .vault(VaultConfig::new("d408485953784308a000f8dcf81901ef", "ebfc9bee4242"))
///     .credentials(Credentials::from_path("credentials.json"))
///     .deadline(Duration::from_secs(10))
///     .log_level(LogLevel::Error)
///     .build()?;
/// # Ok::<(), skyflow::Error>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SkyflowBuilder {
    vaults: Vec<VaultConfig>,
    connections: Vec<ConnectionConfig>,
    credentials: Option<Credentials>,
    clock: Option<Arc<dyn Clock>>,
    stack: Option<Stack>,
    settings: CallSettings,
    in_flight: Option<NonZeroUsize>,
    operation_layers: Vec<DynLayer>,
    attempt_layers: Vec<DynLayer>,
    transport: Option<HttpService>,
    service: Option<HttpService>,
    #[cfg(feature = "transport")]
    proxies: Option<skyflow_http::Proxies>,
    #[cfg(feature = "transport")]
    own_transport: Option<skyflow_http::Transport>,
    log_level: LogLevel,
    end_user_tokens: Option<NonZeroUsize>,
    token_hosts: Vec<String>,
    strict_permissions: bool,
    without_metadata: bool,
}

impl SkyflowBuilder {
    /// Adds a vault; the first one is the default vault.
    pub fn vault(mut self, config: VaultConfig) -> Self {
        self.vaults.push(config);
        self
    }

    /// Adds a connection; the first one is the default connection.
    pub fn connection(mut self, config: ConnectionConfig) -> Self {
        self.connections.push(config);
        self
    }

    /// Sets the credentials of the vaults and connections without their own; by default those take the
    /// credentials of the environment ([`Credentials::from_env`]).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds a tower layer that sees each operation once; the first one added is the outermost.
    ///
    /// Any layer works, those of `tower` and `tower-http` included; see [`HttpLayer`]. It sits outside the client's
    /// deadline and retries, so time that it spends itself is not limited by them. Each vault and each connection has a
    /// separate service: a rate limit holds for one of them. The URI of a request may hold column values and row ids,
    /// so a layer that logs should log the path template of [`OperationInfo`](skyflow_http::OperationInfo) instead.
    ///
    /// [`CallContext`](skyflow_http::CallContext) in the extensions of a request tells which operation it is, and how many
    /// attempts it took.
    pub fn layer(mut self, layer: impl HttpLayer) -> Self {
        self.operation_layers.push(layer.into_dyn());
        self
    }

    /// Adds a tower layer that sees each attempt, before it carries a token; the first one added is the outermost.
    ///
    /// Any layer works, as in [`SkyflowBuilder::layer`]. It sits inside the deadline and the retries and outside the
    /// attempt timeout; a response that it makes itself, such as a `408`, is retried by the same rules as the server's.
    pub fn attempt_layer(mut self, layer: impl HttpLayer) -> Self {
        self.attempt_layers.push(layer.into_dyn());
        self
    }

    /// Sends requests, token exchanges included, through this service instead of the built-in transport, below the
    /// default stack.
    ///
    /// ```
    /// # fn build(ca: &[u8], config: skyflow::VaultConfig) -> Result<(), Box<dyn std::error::Error>> {
    /// use skyflow::Skyflow;
    /// use skyflow::http::Transport;
    ///
    /// // Trusts the certificates of a company's own CA, besides those of the operating system.
    /// let transport = Transport::builder().add_root_certificates_pem(ca)?.build();
    /// let client = Skyflow::builder().vault(config).transport(transport).build()?;
    /// # Ok(()) }
    /// ```
    pub fn transport<S>(mut self, service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        #[cfg(feature = "transport")]
        {
            self.own_transport = (&service as &dyn std::any::Any).downcast_ref().cloned();
        }
        self.transport = Some(HttpService::new(service));
        self
    }

    /// Sets the proxies of the built-in transport; by default those of the environment, as
    /// [`Proxies::from_env`](skyflow_http::Proxies::from_env) reads them.
    ///
    /// ```
    /// # fn build(config: skyflow::VaultConfig) -> Result<(), Box<dyn std::error::Error>> {
    /// use skyflow::Skyflow;
    /// use skyflow::http::Proxies;
    ///
    /// let proxies = Proxies::all("http://user:password@proxy.example:3128")?.except(".internal")?;
    /// let client = Skyflow::builder().vault(config).proxies(proxies).build()?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "transport")]
    pub fn proxies(mut self, proxies: skyflow_http::Proxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Sends requests through this service, to which nothing is added: no retry, no auth, no layer. Credentials
    /// are not used then.
    pub fn service(mut self, service: HttpService) -> Self {
        self.service = Some(service);
        self
    }

    /// Replaces the default stack: retry policy, limits, metadata. Layers and auth of this builder are added to it.
    pub fn stack(mut self, stack: Stack) -> Self {
        self.stack = Some(stack);
        self
    }

    call_settings_setters!();

    /// Limits how many attempts of all vaults and connections are under way at once; there is no limit by default.
    /// Further calls wait in order, within their deadlines. Token exchanges do not count.
    pub fn in_flight(mut self, attempts: NonZeroUsize) -> Self {
        self.in_flight = Some(attempts);
        self
    }

    /// Sets how many end users keep their tokens, 64 by default; see
    /// [`CallOptions::context`](crate::CallOptions::context).
    ///
    /// The users that called last keep theirs, for each service account. Give it as many as are active within an hour:
    /// with fewer, users in turn push each other out and each call mints.
    pub fn end_user_tokens(mut self, users: NonZeroUsize) -> Self {
        self.end_user_tokens = Some(users);
        self
    }

    /// Allows service accounts to get their tokens from a host that is not Skyflow's: `host`, which allows each port, or
    /// `host:port`.
    ///
    /// The address of the token endpoint is part of a `credentials.json`. Without this, assertions are sent to Skyflow's
    /// hosts and to this machine only; see [`TokenExchange::allow_host`].
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

    /// Replaces the clock, for tests. A stack given to [`SkyflowBuilder::stack`] has its own clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Checks everything and makes the client.
    ///
    /// No connection is opened and no tokio runtime is needed for it.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when there is neither a vault nor a
    /// connection, or one of them has no credentials, and when an id is given twice, a time limit is zero, or an id,
    /// cluster id, URL, header or credentials cannot be used; [`Error::field`] names which.
    pub fn build(self) -> Result<Skyflow, Error> {
        if self.vaults.is_empty() && self.connections.is_empty() {
            return Err(Error::missing("vault", "is missing: a client has at least one vault or connection"));
        }
        let clock = self.clock.unwrap_or_else(SystemClock::shared);
        #[cfg(feature = "transport")]
        if self.proxies.is_some() && (self.transport.is_some() || self.service.is_some()) {
            let problem = "cannot be combined with transport or service: they make their own connections";
            return Err(Error::invalid("proxies", problem));
        }
        #[cfg(feature = "transport")]
        let mut own_transport = self.own_transport;
        let transport = match (self.transport, &self.service) {
            (Some(_), Some(_)) => {
                let problem = "cannot be combined with service, which sends the requests itself";
                return Err(Error::invalid("transport", problem));
            }
            (Some(transport), None) => transport,
            (None, Some(service)) => service.clone(),
            #[cfg(feature = "transport")]
            (None, None) => own_transport.insert(built_in_transport(self.proxies)?).clone().into_service(),
            #[cfg(not(feature = "transport"))]
            (None, None) => {
                return Err(Error::missing(
                    "transport",
                    "is missing: enable the feature hyper, hyper-ring or transport, or set one",
                ));
            }
        };
        let stack = self.stack.unwrap_or_else(|| Stack::new(Arc::clone(&clock)));
        let log = LogControl::new(self.log_level).product_name(SYSTEM);
        let metadata = if self.without_metadata { skyflow_user_agent() } else { skyflow_metadata() };
        let metadata =
            metadata.map_err(|source| Error::invalid("metadata", "cannot be sent").with_source(source))?;
        let stack = stack.log_control(log.clone()).default_metadata(metadata).refusal(connection_refusal);
        #[cfg(feature = "metrics")]
        let stack =
            stack.metrics(skyflow_http::metrics::CallMetrics::new(SYSTEM).rows(crate::metrics::BATCH_ROWS));
        let mut stack = self.settings.apply(stack)?;
        if let Some(attempts) = self.in_flight {
            let permits = attempts.get().min(Semaphore::MAX_PERMITS);
            stack = stack.in_flight(Arc::new(Semaphore::new(permits)));
        }
        stack = self.attempt_layers.into_iter().fold(stack, Stack::attempt_layer);
        let exchange = TokenExchange::with_log_control(transport.clone(), Arc::clone(&clock), log.clone());
        let mut exchange = exchange.strict_permissions(self.strict_permissions);
        for host in self.token_hosts {
            exchange = exchange.allow_host(host).map_err(|_| {
                Error::invalid(
                    "token_host",
                    "must be the name of a host, with or without a port, and not link-local",
                )
            })?;
        }
        let mut providers = TokenProviders::new(exchange);
        if let Some(users) = self.end_user_tokens {
            providers = providers.scoped_capacity(users);
        }
        let state = ClientState {
            transport,
            #[cfg(feature = "transport")]
            own_transport,
            stack,
            operation_layers: self.operation_layers,
            service: self.service,
            providers,
            log,
            clock,
        };
        Skyflow::from_state(state, self.credentials, self.vaults, self.connections)
    }
}

#[cfg(feature = "transport")]
fn built_in_transport(proxies: Option<skyflow_http::Proxies>) -> Result<skyflow_http::Transport, Error> {
    use skyflow_http::{Proxies, ProxyError, Transport};

    let from_env = || {
        Proxies::from_env().map_err(|source| {
            let setting = match &source {
                ProxyError::Url(setting) | ProxyError::Scheme(setting) | ProxyError::NotText(setting) => {
                    setting
                }
                ProxyError::Exception { setting, .. } => setting,
                _ => "proxies",
            };
            Error::invalid(setting, "cannot be used").with_source(source)
        })
    };
    let proxies = proxies.map_or_else(from_env, Ok)?;
    Ok(Transport::builder().proxies(proxies).build())
}
