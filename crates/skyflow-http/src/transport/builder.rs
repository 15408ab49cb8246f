use std::num::NonZeroUsize;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::connector::Connector;
use super::pool::Limits;
use super::tls::{Roots, TlsError};
use super::{Shared, Transport};
use crate::{Clock, SystemClock};

/// Configures a [`Transport`].
///
/// ```
/// use std::time::Duration;
///
/// use skyflow_http::Transport;
///
/// let transport = Transport::builder()
///     .connect_timeout(Duration::from_secs(2))
///     .pool_idle_timeout(Duration::from_secs(60))
///     .build();
/// let service = transport.into_service();
/// ```
#[derive(Debug, Clone)]
pub struct TransportBuilder {
    connect_timeout: Duration,
    limits: Limits,
    roots: Roots,
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
                stall_timeout: Some(Duration::from_secs(10)),
            },
            roots: Roots::default(),
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

    /// Sets how long a transfer may stand still; 10 s by default. The request fails with
    /// [`ErrorKind::Stalled`](crate::ErrorKind::Stalled) then.
    ///
    /// A transfer stands still when bytes of the request wait to be sent, or the response has begun, and no byte moves.
    /// The time that a server takes before it responds does not count, nor does that which a caller takes to provide the
    /// request body or to read the response.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.limits.stall_timeout = Some(limit);
        self
    }

    /// Lets a transfer stand still until the request times out.
    pub fn no_stall_timeout(mut self) -> Self {
        self.limits.stall_timeout = None;
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

    /// Replaces the clock that measures the connect timeout, the idle timeout and the stall timeout.
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
