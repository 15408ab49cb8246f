//! The vault on a TCP port.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use skyflow_testkit::ServeError;
use skyflow_types::Secret;

use crate::authority;
use crate::vault::EmbeddedVault;

/// The path of the token endpoint.
pub(crate) const TOKEN_PATH: &str = "/v1/auth/sa/oauth/token";

/// A server that is about to start; await it.
#[derive(Debug)]
#[must_use = "a server starts when it is awaited"]
pub struct ServerBuilder {
    vault: EmbeddedVault,
    server: skyflow_testkit::ServerBuilder,
    tls: bool,
}

impl EmbeddedVault {
    /// Puts the vault on a TCP port: a free one of 127.0.0.1 unless an address is given. Await the result.
    pub fn serve(&self) -> ServerBuilder {
        ServerBuilder::new(self.clone(), false)
    }

    /// Puts the vault on a TCP port with TLS. Clients have to trust [`Server::ca_pem`](crate::Server::ca_pem).
    pub fn serve_tls(&self) -> ServerBuilder {
        ServerBuilder::new(self.clone(), true)
    }
}

impl ServerBuilder {
    fn new(vault: EmbeddedVault, tls: bool) -> Self {
        let server = skyflow_testkit::Server::serve(vault.service()).clock(Arc::clone(&vault.state.clock));
        Self { vault, server, tls }
    }

    /// Listens on this address instead of a free port of 127.0.0.1.
    pub fn bind(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.server = self.server.bind(addr);
        self
    }

    /// Speaks HTTP/1.1 only; with TLS the server offers HTTP/2 too by default.
    pub fn http1_only(mut self) -> Self {
        self.server = self.server.http1_only();
        self
    }

    /// Allows addresses that other machines can reach. What the server stores is not protected as in a real vault.
    pub fn allow_remote(mut self) -> Self {
        self.server = self.server.allow_remote();
        self
    }

    async fn start(self) -> Result<Server, ServeError> {
        let Self { vault, mut server, tls } = self;
        let mut ca_pem = None;
        if tls {
            let (identity, pem) = authority::identity(&vault.state)
                .map_err(|source| ServeError::Certificate { source: source.into() })?;
            server = server.tls(identity);
            ca_pem = Some(pem);
        }
        let server = Server { vault, server: server.await?, ca_pem };
        let state = &server.vault.state;
        state.accept_audience(&server.token_uri());
        let scheme = if tls { "https" } else { "http" };
        state.accept_audience(&format!("{scheme}://localhost:{}{TOKEN_PATH}", server.addr().port()));
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

/// A vault that listens on a TCP port. Dropping it stops it at once; [`Server::shutdown`] lets open requests end.
#[derive(Debug)]
pub struct Server {
    vault: EmbeddedVault,
    server: skyflow_testkit::Server,
    ca_pem: Option<String>,
}

impl Server {
    /// Returns the address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns the URL of the vault, such as `http://127.0.0.1:8080`.
    pub fn base_url(&self) -> String {
        self.server.url("")
    }

    /// Returns the certificate that clients of a TLS server have to trust, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns the URL of the token endpoint.
    pub fn token_uri(&self) -> String {
        self.server.url(TOKEN_PATH)
    }

    /// Returns a `credentials.json` of the vault's owner whose token URI is this server.
    pub fn credentials_json(&self) -> Secret {
        self.vault.state.owner_credentials(&self.token_uri())
    }

    /// Returns the vault behind the server.
    pub fn vault(&self) -> &EmbeddedVault {
        &self.vault
    }

    /// Stops listening, closes idle connections and waits until open requests have their response, for 10 seconds of
    /// the vault's clock at most.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
