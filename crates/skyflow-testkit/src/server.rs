//! Any tower service on a TCP port.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use skyflow_http::{Body, BoxError, Clock, HttpService, Request, Response, SystemClock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::{Identity, Peer};

/// How long open requests may take after a shutdown was requested.
const GRACE: Duration = Duration::from_secs(10);
/// How long the handshake of TLS may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The name of HTTP/2 in ALPN.
const HTTP2: &[u8] = b"h2";

/// A server that is about to start; await it.
#[derive(Debug)]
#[must_use = "a server starts when it is awaited"]
pub struct ServerBuilder {
    service: HttpService,
    addr: SocketAddr,
    allow_remote: bool,
    identity: Option<Identity>,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
}

/// How the server speaks on a connection.
#[derive(Debug, Clone, Copy, Default)]
struct Protocol {
    versions: Versions,
    max_concurrent_streams: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Versions {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Both,
    Http1,
    Http2,
}

impl Versions {
    fn alpn(self) -> &'static [&'static str] {
        match self {
            Self::Both => &["h2", "http/1.1"],
            Self::Http1 => &["http/1.1"],
            Self::Http2 => &["h2"],
        }
    }
}

impl ServerBuilder {
    /// Listens on this address instead of a free port of 127.0.0.1.
    pub fn bind(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Allows addresses that other machines can reach. A test server protects nothing.
    pub fn allow_remote(mut self) -> Self {
        self.allow_remote = true;
        self
    }

    /// Speaks TLS with this certificate. Clients choose between HTTP/2 and HTTP/1.1 by ALPN.
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Offers HTTP/1.1 only, with TLS too.
    pub fn http1_only(mut self) -> Self {
        self.protocol.versions = Versions::Http1;
        self
    }

    /// Speaks HTTP/2 only; without TLS, clients must know it beforehand.
    pub fn http2_only(mut self) -> Self {
        self.protocol.versions = Versions::Http2;
        self
    }

    /// Allows so many HTTP/2 streams at once on a connection; hyper's default is 200.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.protocol.max_concurrent_streams = Some(streams);
        self
    }

    /// Measures the grace period of [`Server::shutdown`] with this clock; with the system's by default.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    async fn start(self) -> Result<Server, ServeError> {
        let addr = self.addr;
        if !addr.ip().is_loopback() && !self.allow_remote {
            return Err(ServeError::NotLoopback { addr });
        }
        let listener = TcpListener::bind(addr).await.map_err(|source| ServeError::Bind { addr, source })?;
        let addr = listener.local_addr().map_err(|source| ServeError::Bind { addr, source })?;
        let (stop, stopped) = watch::channel(false);
        let identity = self.identity.map(|identity| identity.offering(self.protocol.versions.alpn()));
        let acceptor = identity.map(|identity| TlsAcceptor::from(identity.config()));
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let connections = Arc::new(AtomicUsize::new(0));
        let serving = Serving { acceptor, service: self.service, protocol: self.protocol, clock: self.clock };
        let task = tokio::spawn(accept(listener, serving, Arc::clone(&connections), stopped));
        Ok(Server { addr, scheme, connections, stop, task })
    }
}

impl IntoFuture for ServerBuilder {
    type Output = Result<Server, ServeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

/// Reports a server that could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is one that other machines can reach, without [`ServerBuilder::allow_remote`].
    #[error("{addr} is not a loopback address: `allow_remote` (`--allow-remote`) lets other machines in")]
    NotLoopback {
        /// The address.
        addr: SocketAddr,
    },
    /// The address cannot be bound.
    #[error("could not listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The certificate for TLS cannot be made.
    #[error("could not make the certificate of the server")]
    Certificate {
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A tower service on a TCP port. Dropping it stops it at once; [`Server::shutdown`] lets open requests finish.
///
/// ```
/// use skyflow_http::{Body, Transport};
/// use skyflow_testkit::{Authority, Reply, Scripted, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let service = Scripted::new([Reply::status(200).body("pong")]);
/// let authority = Authority::new()?;
/// let server = Server::serve(service.clone()).tls(authority.issue("127.0.0.1")?).await?;
///
/// let client = Transport::builder().add_root_certificates_pem(authority.pem().as_bytes())?.build().into_service();
/// let request = http::Request::get(server.url("/ping")).body(Body::empty())?;
/// assert_eq!(client.send(request).await?.into_body().collect(64).await?, "pong");
/// assert_eq!(service.requests()[0].uri.path(), "/ping");
/// server.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    addr: SocketAddr,
    scheme: &'static str,
    connections: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves a tower service on a free port of 127.0.0.1, unless [`ServerBuilder::bind`] says otherwise. Await the
    /// result.
    pub fn serve<S>(service: S) -> ServerBuilder
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        ServerBuilder {
            service: HttpService::new(service),
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            allow_remote: false,
            identity: None,
            protocol: Protocol::default(),
            clock: SystemClock::shared(),
        }
    }

    /// Returns the address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL of a path on this server, such as `http://127.0.0.1:8080/v1` for `/v1`.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.addr)
    }

    /// Returns how many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Stops listening, closes idle connections and waits until open requests have their response, for 10 seconds at
    /// most.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The task ends by itself; it can only fail by a panic, after which nothing is left to wait for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// What each connection of a server needs.
#[derive(Clone)]
struct Serving {
    acceptor: Option<TlsAcceptor>,
    service: HttpService,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
}

/// Serves connections until told to stop. The connections belong to this task and end with it.
async fn accept(
    listener: TcpListener,
    serving: Serving,
    accepted_so_far: Arc<AtomicUsize>,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted is the client's to retry.
                let Ok((stream, peer)) = accepted else { continue };
                accepted_so_far.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serving.clone().serve(stream, peer, graceful.watcher()));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = serving.clock.sleep(GRACE) => {}
    }
}

impl Serving {
    async fn serve(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        // Small responses must not wait for more to send.
        let _ = stream.set_nodelay(true);
        match self.acceptor.clone() {
            None => {
                let is_http2 = self.protocol.versions == Versions::Http2;
                self.converse(stream, Peer { addr: peer, secure: false }, is_http2, watcher).await;
            }
            Some(acceptor) => {
                let handshake = tokio::select! {
                    handshake = acceptor.accept(stream) => handshake,
                    () = self.clock.sleep(HANDSHAKE) => return,
                };
                // A client that does not trust the certificate ends the handshake and reports it.
                if let Ok(stream) = handshake {
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
                    self.converse(stream, Peer { addr: peer, secure: true }, is_http2, watcher).await;
                }
            }
        }
    }

    async fn converse<S>(self, stream: S, peer: Peer, is_http2: bool, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = self.service;
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            let service = service.clone();
            // hyper only needs an error to close the connection.
            async move { service.send(request).await.map_err(std::io::Error::other) }
        });
        let stream = TokioIo::new(stream);
        // An error here is a client that went away or a fault that closed the connection on purpose.
        if is_http2 {
            let mut http2 = http2::Builder::new(TokioExecutor::new());
            if let Some(streams) = self.protocol.max_concurrent_streams {
                http2.max_concurrent_streams(streams);
            }
            let serving = http2.timer(TokioTimer::new()).serve_connection(stream, service);
            let _ = watcher.watch(serving).await;
        } else {
            let serving = http1::Builder::new().timer(TokioTimer::new()).serve_connection(stream, service);
            let _ = watcher.watch(serving).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::{HttpVersions, Transport};

    use super::*;
    use crate::polling::{in_time, until};
    use crate::{Gate, Reply, Scripted};

    #[tokio::test]
    async fn http2_without_tls_keeps_to_its_streams() {
        for (streams, connections) in [(1, 2), (2, 1)] {
            let gate = Gate::new(|request| request.uri().path() == "/held");
            let service = gate.around(Scripted::new([Reply::status(200)]).service());
            let server = Server::serve(service).http2_only().max_concurrent_streams(streams).await.unwrap();
            let client = Transport::builder().http_versions(HttpVersions::Http2).build().into_service();
            let call = |path: &str| {
                let request = http::Request::get(server.url(path)).body(Body::empty()).unwrap();
                let client = client.clone();
                async move { client.send(request).await }
            };
            assert_eq!(in_time(call("/")).await.unwrap().version(), http::Version::HTTP_2);
            assert_eq!(server.connections(), 1);
            let held = [tokio::spawn(call("/held")), tokio::spawn(call("/held"))];
            until(|| gate.held() == 2).await;
            assert_eq!(server.connections(), connections, "{streams} streams");
            gate.release_all();
            for call in held {
                in_time(call).await.unwrap().unwrap();
            }
        }
    }
}
