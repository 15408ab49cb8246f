use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::Origin;
use super::resolver::Resolver;
use super::stream::{Io, Socket, Stream};
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
    opened: AtomicUsize,
}

impl Connector {
    pub(super) fn new(roots: Roots, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(limit));
        Self { tcp, roots, tls: OnceLock::new(), limit, clock, opened: AtomicUsize::new(0) }
    }

    pub(super) async fn connect(&self, origin: &Origin) -> Result<Stream, BoxError> {
        let connecting = std::pin::pin!(self.open(origin));
        match select(connecting, self.clock.sleep(self.limit)).await {
            Either::Left((connected, _)) => {
                self.opened.fetch_add(usize::from(connected.is_ok()), Ordering::Relaxed);
                connected
            }
            Either::Right(_) => Err(ConnectTimedOut.into()),
        }
    }

    /// Returns how many connections have been opened.
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    async fn open(&self, origin: &Origin) -> Result<Stream, BoxError> {
        let mut tcp = self.tcp.clone();
        let mut socket =
            Socket::new(tcp.call(origin.uri().clone()).await?.into_inner(), Arc::clone(&self.clock));
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
