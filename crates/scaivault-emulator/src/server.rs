//! The server on a TCP port.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use skyflow_testkit::{Authority, ServeError};

use crate::vault::EmbeddedScaiVault;

/// A server that is about to start; await it.
#[derive(Debug)]
#[must_use = "a server starts when it is awaited"]
pub struct ServerBuilder {
    vault: EmbeddedScaiVault,
    server: skyflow_testkit::ServerBuilder,
    tls: bool,
}

impl EmbeddedScaiVault {
    /// Puts the server on a TCP port: a free one of 127.0.0.1 unless an address is given. Await the result.
    pub fn serve(&self) -> ServerBuilder {
        ServerBuilder::new(self.clone(), false)
    }

    /// Puts the server on a TCP port with TLS. Clients have to trust [`Server::ca_pem`](crate::Server::ca_pem).
    pub fn serve_tls(&self) -> ServerBuilder {
        ServerBuilder::new(self.clone(), true)
    }
}

impl ServerBuilder {
    fn new(vault: EmbeddedScaiVault, tls: bool) -> Self {
        let server = skyflow_testkit::Server::serve(vault.service()).clock(Arc::clone(&vault.state.clock));
        Self { vault, server, tls }
    }

    /// Listens on this address instead of a free port of 127.0.0.1.
    pub fn bind(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.server = self.server.bind(addr);
        self
    }

    /// Allows addresses that other machines can reach. What the server stores is not protected as in a real one.
    pub fn allow_remote(mut self) -> Self {
        self.server = self.server.allow_remote();
        self
    }

    async fn start(self) -> Result<Server, ServeError> {
        let Self { vault, mut server, tls } = self;
        let mut ca_pem = None;
        if tls {
            let certificate =
                |error: skyflow_testkit::CertificateError| ServeError::Certificate { source: error.into() };
            let authority = Authority::builder().name("scaivault-emulator").domains(["localhost"]).generate();
            let authority = authority.map_err(certificate)?;
            let identity =
                authority.issue_for(["localhost", "127.0.0.1", "::1"], None).map_err(certificate)?;
            ca_pem = Some(authority.pem().to_owned());
            server = server.tls(identity);
        }
        Ok(Server { vault, server: server.await?, ca_pem })
    }
}

impl IntoFuture for ServerBuilder {
    type Output = Result<Server, ServeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

/// A server that listens on a TCP port. Dropping it stops it at once; [`Server::shutdown`] lets open requests end.
#[derive(Debug)]
pub struct Server {
    vault: EmbeddedScaiVault,
    server: skyflow_testkit::Server,
    ca_pem: Option<String>,
}

impl Server {
    /// Returns the address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns the URL of the server, such as `http://127.0.0.1:8443`.
    pub fn base_url(&self) -> String {
        self.server.url("")
    }

    /// Returns the URL of the token endpoint.
    pub fn token_url(&self) -> String {
        self.server.url("/oauth/token")
    }

    /// Returns the certificate that clients of a TLS server have to trust, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns what is served.
    pub fn vault(&self) -> &EmbeddedScaiVault {
        &self.vault
    }

    /// Stops listening, closes idle connections and waits until open requests have their response, for 10 seconds at most.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
