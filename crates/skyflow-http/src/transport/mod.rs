//! The hyper + rustls transport: the leaf of the stack.

mod connector;
mod failure;
mod resolver;
mod tls;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use self::connector::Connector;
pub use self::tls::TlsError;
use crate::{Body, BoxError, Clock, HttpService, Request, Response, SystemClock};

/// Sends requests over pooled HTTP/1.1 and HTTP/2 connections (chosen by ALPN), with TLS 1.2 or 1.3 by rustls.
///
/// Clones share one connection pool; connections live on the tokio runtime that first uses them. Redirects are not
/// followed. There is no switch that accepts an untrusted certificate.
#[derive(Clone)]
pub struct Transport {
    client: Client<Connector, Body>,
}

impl Transport {
    /// Makes a transport with the defaults of [`TransportBuilder`].
    pub fn new() -> Self {
        TransportBuilder::default().build()
    }

    /// Starts to configure a transport.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// Erases the transport, as the leaf of a stack.
    pub fn into_service(self) -> HttpService {
        HttpService::new(self)
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Service<Request> for Transport {
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let uri = request.uri().clone();
        let response = self.client.request(request);
        Box::pin(async move {
            match response.await {
                Ok(response) => Ok(response.map(Body::new)),
                Err(error) => Err(failure::describe(error, &uri).into()),
            }
        })
    }
}

/// Configures a [`Transport`].
#[derive(Debug, Clone)]
pub struct TransportBuilder {
    connect_timeout: Duration,
    pool_idle_timeout: Duration,
    pool_max_idle_per_host: usize,
    roots: tls::Roots,
    clock: Arc<dyn Clock>,
}

impl Default for TransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(3_100),
            pool_idle_timeout: Duration::from_secs(30),
            pool_max_idle_per_host: 32,
            roots: tls::Roots::default(),
            clock: SystemClock::shared(),
        }
    }
}

impl TransportBuilder {
    /// Sets the time for name resolution, TCP and TLS together; 3.1 s by default, just over one lost SYN.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets how long an unused connection is kept; 30 s by default.
    pub fn pool_idle_timeout(mut self, limit: Duration) -> Self {
        self.pool_idle_timeout = limit;
        self
    }

    /// Sets how many unused connections are kept per host; 32 by default.
    pub fn pool_max_idle_per_host(mut self, connections: usize) -> Self {
        self.pool_max_idle_per_host = connections;
        self
    }

    /// Trusts the certificates of a PEM file besides those of the operating system, such as a company's own CA.
    ///
    /// # Errors
    ///
    /// Fails when the text holds no certificate or a broken one.
    pub fn add_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.roots.add_pem(pem)?;
        Ok(self)
    }

    /// Replaces the clock that measures the connect timeout.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the transport. No connection is opened and no runtime is needed yet.
    pub fn build(self) -> Transport {
        let connector = Connector::new(&self.roots, self.connect_timeout, self.clock);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.pool_idle_timeout)
            .pool_max_idle_per_host(self.pool_max_idle_per_host)
            .http2_keep_alive_interval(Some(Duration::from_secs(20)))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .build(connector);
        Transport { client }
    }
}
