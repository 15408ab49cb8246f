use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;

use super::origin::Origin;
use super::resolver::Resolver;
use super::socket::{Probe, Socket};
use super::tls::Roots;
use crate::{BoxError, Clock};

/// Reports that name resolution, TCP and TLS together took too long.
#[derive(Debug, thiserror::Error)]
#[error("connecting timed out")]
pub(super) struct ConnectTimedOut;

/// Opens connections: plain TCP for `http://`, TLS for `https://`, under one time limit.
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    roots: Roots,
    // Reading the certificates of the operating system takes milliseconds, and a machine without any can still reach
    // loopback, so both the work and its error wait for the first `https://`.
    tls: OnceLock<Result<TlsConnector, rustls::Error>>,
    limit: Duration,
    clock: Arc<dyn Clock>,
}

/// A new connection, before HTTP.
pub(super) struct Stream {
    pub(super) io: Io,
    pub(super) probe: Probe,
    /// The server has chosen HTTP/2 in the TLS handshake.
    pub(super) is_http2: bool,
}

impl Connector {
    pub(super) fn new(roots: Roots, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(limit));
        Self { tcp, roots, tls: OnceLock::new(), limit, clock }
    }

    pub(super) async fn connect(&self, origin: &Origin) -> Result<Stream, BoxError> {
        let connecting = std::pin::pin!(self.open(origin));
        match select(connecting, self.clock.sleep(self.limit)).await {
            Either::Left((connected, _)) => connected,
            Either::Right(_) => Err(ConnectTimedOut.into()),
        }
    }

    async fn open(&self, origin: &Origin) -> Result<Stream, BoxError> {
        let mut tcp = self.tcp.clone();
        let mut socket = Socket::new(tcp.call(origin.uri().clone()).await?.into_inner());
        let probe = socket.probe();
        if !origin.is_https() {
            socket.hide_write_errors();
            return Ok(Stream { io: Io::Plain(socket), probe, is_http2: false });
        }
        let tls = match self.tls.get_or_init(|| self.roots.client_config().map(with_alpn)) {
            Ok(tls) => tls,
            Err(error) => return Err(error.clone().into()),
        };
        let name = ServerName::try_from(origin.host())?.to_owned();
        let mut stream = tls.connect(name, socket).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !is_http2 {
            stream.get_mut().0.hide_write_errors();
        }
        Ok(Stream { io: Io::Tls(Box::new(stream)), probe, is_http2 })
    }
}

fn with_alpn(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// The bytes of a connection, decrypted.
pub(super) enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
