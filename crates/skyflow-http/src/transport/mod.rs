//! The hyper + rustls transport: connections, their pools, and the exchange of one request.

mod connector;
mod exchange;
mod failure;
mod http1;
mod http2;
mod origin;
mod pool;
mod resolver;
mod sent_body;
mod socket;
mod tls;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tower_service::Service;

use self::connector::Connector;
use self::exchange::exchange;
use self::origin::{Origin, OriginKey};
use self::pool::{Limits, Pool};
pub use self::tls::TlsError;
use crate::{BoxError, Clock, Error, ErrorKind, HttpService, Request, Response, SystemClock};

/// Sends requests over pooled HTTP/1.1 and HTTP/2 connections (chosen by ALPN), with TLS 1.2 or 1.3 by rustls.
///
/// Clones share their connections, which live on the tokio runtimes that open them. Redirects are not followed. There
/// is no switch that accepts an untrusted certificate.
///
/// As many connections are opened to a server as its protocol needs: for HTTP/1.1 one for each request under way, up to
/// [`max_http1_connections`](TransportBuilder::max_http1_connections); for HTTP/2 one, and further ones when the streams
/// that the server allows are taken, up to [`max_http2_connections`](TransportBuilder::max_http2_connections).
/// Requests beyond wait in order. A request that an HTTP/2 server has not looked at, because it retires the connection,
/// moves to another connection.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<Connector>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    pools: RwLock<HashMap<OriginKey, Arc<Pool>>>,
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

    /// Erases the transport, as the innermost service of a stack.
    pub fn into_service(self) -> HttpService {
        HttpService::new(self)
    }
}

impl Shared {
    fn pool(&self, key: OriginKey) -> Result<Arc<Pool>, http::Error> {
        let known = self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(pool) = known {
            return Ok(pool);
        }
        let (connector, clock) = (Arc::clone(&self.connector), Arc::clone(&self.clock));
        let pool = Pool::new(Origin::new(&key)?, connector, self.limits.clone(), clock);
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(pools.entry(key).or_insert_with(|| Arc::new(pool))))
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
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let not_sent = |reason: BoxError| Error::new(ErrorKind::Refused, Some(reason));
            let runtime = Handle::try_current().map_err(|error| not_sent(error.into()))?;
            let key =
                OriginKey::of(request.uri()).ok_or_else(|| not_sent("the URI is not absolute".into()))?;
            let pool = shared.pool(key).map_err(|error| not_sent(error.into()))?;
            Ok(exchange(&pool, &runtime, request).await?)
        })
    }
}

/// Configures a [`Transport`].
#[derive(Debug, Clone)]
pub struct TransportBuilder {
    connect_timeout: Duration,
    limits: Limits,
    roots: tls::Roots,
    clock: Arc<dyn Clock>,
}

impl Default for TransportBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_millis(3_100),
            limits: Limits {
                http1_connections: 64,
                http2_connections: 8,
                idle_connections: 32,
                idle_timeout: Duration::from_secs(30),
            },
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
        self.limits.idle_timeout = limit;
        self
    }

    /// Sets how many HTTP/1.1 connections may be open per server; 64 by default. Further requests wait in order.
    pub fn max_http1_connections(mut self, connections: NonZeroUsize) -> Self {
        self.limits.http1_connections = connections.get();
        self
    }

    /// Sets how many HTTP/2 connections may be open per server; 8 by default. Further requests wait in order.
    ///
    /// Another connection is opened only when the server allows no further request on those that are open.
    pub fn max_http2_connections(mut self, connections: NonZeroUsize) -> Self {
        self.limits.http2_connections = connections.get();
        self
    }

    /// Sets how many unused HTTP/1.1 connections are kept per server; 32 by default.
    pub fn pool_max_idle_per_host(mut self, connections: usize) -> Self {
        self.limits.idle_connections = connections;
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

    /// Replaces the clock that measures the connect timeout and the idle timeout.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the transport. No connection is opened and no runtime is needed yet.
    pub fn build(self) -> Transport {
        let connector = Connector::new(self.roots, self.connect_timeout, Arc::clone(&self.clock));
        let shared = Shared {
            connector: Arc::new(connector),
            limits: self.limits,
            clock: self.clock,
            pools: RwLock::default(),
        };
        Transport { shared: Arc::new(shared) }
    }
}
