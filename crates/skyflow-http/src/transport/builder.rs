use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use http::Uri;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use super::connector::{ConnectOptions, Connector, HttpVersions, OwnConnector};
use super::pool::Limits;
use super::proxy::Proxies;
use super::resolver::Resolver;
use super::tls::TlsError;
use super::{Shared, Transport};
use crate::{BoxError, Clock, SystemClock};

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
    options: ConnectOptions,
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
            options: ConnectOptions::default(),
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
    /// Fails when the text holds no certificate or a broken one, and when [`TransportBuilder::tls_config`] is set.
    pub fn add_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.options.tls.add_roots(pem)?;
        Ok(self)
    }

    /// Trusts the certificates of a PEM file instead of those of the operating system.
    ///
    /// # Errors
    ///
    /// Fails as [`TransportBuilder::add_root_certificates_pem`] does.
    pub fn only_root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        self.options.tls.replace_roots(pem)?;
        Ok(self)
    }

    /// Shows a certificate to servers that ask for one (mTLS): the chain and the private key as PEM, which may be the
    /// same text. It is shown to every server, token endpoints included.
    ///
    /// # Errors
    ///
    /// Fails when there is no certificate or no unencrypted private key, when one of them cannot be used, and when the
    /// key does not belong to the certificate.
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        self.options.tls.set_client(chain, key)?;
        Ok(self)
    }

    /// Requires TLS 1.3; by default TLS 1.2 is accepted as well.
    ///
    /// # Errors
    ///
    /// Fails when [`TransportBuilder::tls_config`] is set.
    pub fn tls13_only(mut self) -> Result<Self, TlsError> {
        self.options.tls.set_tls13_only()?;
        Ok(self)
    }

    /// Makes TLS connections with this configuration: trust, client certificates, versions and the crypto provider are
    /// its own. Its list of protocols is set by [`TransportBuilder::http_versions`] when it is empty.
    ///
    /// It is the type of rustls 0.23, and follows its major version.
    ///
    /// # Errors
    ///
    /// Fails when an option that is part of it is set as well.
    pub fn tls_config(mut self, config: ClientConfig) -> Result<Self, TlsError> {
        self.options.tls.set_whole(config)?;
        Ok(self)
    }

    /// Sets which versions of HTTP are spoken; both by default.
    pub fn http_versions(mut self, versions: HttpVersions) -> Self {
        self.options.versions = versions;
        self
    }

    /// Sets the proxies; by default those of the environment, as [`Proxies::from_env`] reads them. When the environment
    /// cannot be used, each call fails with [`ErrorKind::Proxy`](crate::ErrorKind::Proxy).
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.options.proxies = Some(proxies);
        self
    }

    /// Resolves names with this function instead of the operating system. It is called each time that a connection is
    /// opened. The ports of the addresses are ignored. They are tried in their order, those of the other IP version
    /// after 300 ms.
    pub fn resolver<F, Fut>(mut self, resolve: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.options.resolver = Resolver::own(resolve);
        self
    }

    /// Opens connections with this service instead of TCP, such as through a Unix socket. It receives scheme, host and
    /// port as a URI. TLS is added for `https://`; resolver and proxies are not used.
    ///
    /// A connection that the server has closed while it was idle is noticed later than with TCP.
    pub fn connector<C, T>(mut self, connector: C) -> Self
    where
        C: Service<Uri, Response = T> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.options.own = Some(OwnConnector::new(connector));
        self
    }

    /// Replaces the clock that measures the connect timeout, the idle timeout and the stall timeout.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the transport. No connection is opened and no runtime is needed yet.
    pub fn build(self) -> Transport {
        let connector = Connector::new(self.options, self.connect_timeout, Arc::clone(&self.clock));
        let shared = Shared {
            connector: Arc::new(connector),
            limits: self.limits,
            clock: self.clock,
            pools: RwLock::default(),
        };
        Transport { shared: Arc::new(shared) }
    }
}
