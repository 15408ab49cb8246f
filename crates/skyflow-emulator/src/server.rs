//! The vault on a TCP port.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use skyflow_http::Body;
use skyflow_types::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::service::{Connection, VaultService};
use crate::state::State;
use crate::tls::Identity;
use crate::vault::EmbeddedVault;

/// The path of the token endpoint.
pub(crate) const TOKEN_PATH: &str = "/v1/auth/sa/oauth/token";
/// How long open requests may take after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(10);

/// A server that is about to start; await it.
#[derive(Debug)]
#[must_use = "a server starts when it is awaited"]
pub struct ServerBuilder {
    vault: EmbeddedVault,
    addr: SocketAddr,
    allow_remote: bool,
    tls: bool,
}

impl ServerBuilder {
    pub(crate) fn new(vault: EmbeddedVault, tls: bool) -> Self {
        Self { vault, addr: (Ipv4Addr::LOCALHOST, 0).into(), allow_remote: false, tls }
    }

    /// Listens on this address instead of a free port of 127.0.0.1.
    pub fn bind(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Allows addresses that other machines can reach. What the server stores is not protected as in a real vault.
    pub fn allow_remote(mut self) -> Self {
        self.allow_remote = true;
        self
    }

    async fn start(self) -> Result<Server, ServeError> {
        if !self.addr.ip().is_loopback() && !self.allow_remote {
            return Err(ServeError::NotLoopback { addr: self.addr });
        }
        let listener = TcpListener::bind(self.addr)
            .await
            .map_err(|source| ServeError::Bind { addr: self.addr, source })?;
        let addr = listener.local_addr().map_err(|source| ServeError::Bind { addr: self.addr, source })?;
        let state = Arc::clone(&self.vault.state);
        let identity = match self.tls {
            true => Some(
                state
                    .store
                    .write(|transaction| Identity::load(transaction, state.now()))
                    .map_err(|source| ServeError::Certificate { source: source.into() })?,
            ),
            false => None,
        };
        let (stop, stopped) = watch::channel(false);
        let acceptor = identity.as_ref().map(|identity| TlsAcceptor::from(Arc::clone(&identity.config)));
        let task = tokio::spawn(accept(listener, acceptor, state, stopped));
        let ca_pem = identity.map(|identity| identity.ca_pem);
        let server = Server { vault: self.vault, addr, ca_pem, stop, task };
        server.vault.state.accept_audience(&server.token_uri());
        let by_name = format!("{}://localhost:{}{TOKEN_PATH}", server.scheme(), addr.port());
        server.vault.state.accept_audience(&by_name);
        Ok(server)
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
    /// The address is one that other machines can reach.
    #[error(
        "{addr} is not a loopback address: other machines are let in by `allow_remote` (`--allow-remote`)"
    )]
    NotLoopback {
        /// The address.
        addr: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("could not listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// The certificate for TLS could not be made.
    #[error("the certificate of the server could not be made")]
    Certificate {
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A vault that listens on a TCP port. Dropping it stops it at once; [`Server::shutdown`] lets open requests end.
pub struct Server {
    vault: EmbeddedVault,
    addr: SocketAddr,
    ca_pem: Option<String>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Returns the address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL of the vault, such as `http://127.0.0.1:8080`.
    pub fn base_url(&self) -> String {
        format!("{}://{}", self.scheme(), self.addr)
    }

    fn scheme(&self) -> &'static str {
        if self.ca_pem.is_some() { "https" } else { "http" }
    }

    /// Returns the certificate that clients of a TLS server have to trust, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns the URL of the token endpoint.
    pub fn token_uri(&self) -> String {
        self.base_url() + TOKEN_PATH
    }

    /// Returns a `credentials.json` of the vault's owner whose token URI is this server.
    pub fn credentials_json(&self) -> Secret {
        self.vault.state.owner_credentials(&self.token_uri())
    }

    /// Returns the vault behind the server.
    pub fn vault(&self) -> &EmbeddedVault {
        &self.vault
    }

    /// Stops listening, closes idle connections and waits until open requests have their answer, for 10 seconds of
    /// the vault's clock at most.
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

/// Serves connections until told to stop. The connections belong to this task and end with it.
async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted is the client's to retry.
                let Ok((stream, peer)) = accepted else { continue };
                let service = VaultService(Arc::clone(&state));
                connections.spawn(serve(stream, peer, acceptor.clone(), service, graceful.watcher()));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = state.clock.sleep(GRACE) => {}
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    service: VaultService,
    watcher: Watcher,
) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => converse(stream, Connection { peer, secure: false }, service, watcher).await,
        Some(acceptor) => {
            // A client that does not trust the certificate ends the handshake and tells its user.
            if let Ok(stream) = acceptor.accept(stream).await {
                converse(stream, Connection { peer, secure: true }, service, watcher).await;
            }
        }
    }
}

async fn converse<S>(stream: S, connection: Connection, service: VaultService, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection);
        service.clone().call(request)
    });
    let serving =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // An error here is a client that went away or a fault that closed the connection on purpose.
    let _ = watcher.watch(serving).await;
}
