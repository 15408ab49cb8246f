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
use hyper_util::server::graceful::GracefulShutdown;
use skyflow_http::Body;
use skyflow_types::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower_service::Service;

use crate::service::VaultService;
use crate::state::State;
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
}

impl ServerBuilder {
    pub(crate) fn new(vault: EmbeddedVault) -> Self {
        Self { vault, addr: (Ipv4Addr::LOCALHOST, 0).into(), allow_remote: false }
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
        let (stop, stopped) = watch::channel(false);
        let state = Arc::clone(&self.vault.state);
        let task = tokio::spawn(accept(listener, state, stopped));
        let server = Server { vault: self.vault, addr, stop, task };
        server.vault.state.accept_audience(&server.token_uri());
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
    #[error("{addr} is not a loopback address; allow remote connections to use it")]
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
}

/// A vault that listens on a TCP port. Dropping it stops it at once; [`Server::shutdown`] lets open requests end.
pub struct Server {
    vault: EmbeddedVault,
    addr: SocketAddr,
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
        format!("http://{}", self.addr)
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
async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted is the client's to retry.
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, VaultService(Arc::clone(&state)), graceful.watcher()));
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

async fn serve(stream: TcpStream, service: VaultService, watcher: hyper_util::server::graceful::Watcher) {
    // Small answers must not wait for more to send.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        service.clone().call(request.map(Body::new))
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // An error here is a client that went away or a fault that closed the connection on purpose.
    let _ = watcher.watch(connection).await;
}
