use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::Origin;
use super::proxy::{Proxies, Proxy, ProxyError};
use super::resolver::Resolver;
use super::stream::{Duplex, Io, Socket, Stream};
use super::tls::TlsOptions;
use super::traffic::Meter;
use super::tunnel;
use crate::{BoxError, Clock};

/// Reports that name resolution, TCP and TLS together took too long.
#[derive(Debug, thiserror::Error)]
#[error("connecting timed out")]
pub(super) struct ConnectTimedOut;

/// The versions of HTTP that a transport speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where a TLS server offers it, else HTTP/1.1.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; over plain `http://` with prior knowledge. A TLS server without it fails the call with
    /// [`ErrorKind::Tls`](crate::ErrorKind::Tls).
    Http2,
}

impl HttpVersions {
    fn alpn(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::Any => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn Duplex>, BoxError>> + Send>>;

/// Opens the connections below TLS instead of the built-in connector.
#[derive(Clone)]
pub(super) struct OwnConnector(Arc<dyn Fn(Uri) -> Opening + Send + Sync>);

impl OwnConnector {
    pub(super) fn new<C, T>(connector: C) -> Self
    where
        C: Service<Uri, Response = T> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Arc::new(move |uri| {
            let mut connector = connector.clone();
            Box::pin(async move {
                std::future::poll_fn(|cx| connector.poll_ready(cx)).await.map_err(Into::into)?;
                let stream = connector.call(uri).await.map_err(Into::into)?;
                Ok(Box::new(stream) as Box<dyn Duplex>)
            })
        }))
    }
}

impl fmt::Debug for OwnConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnConnector")
    }
}

/// What connections are opened with.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectOptions {
    pub(super) tls: TlsOptions,
    pub(super) versions: HttpVersions,
    /// `None` reads the environment.
    pub(super) proxies: Option<Proxies>,
    pub(super) resolver: Resolver,
    pub(super) own: Option<OwnConnector>,
}

/// Opens connections: plain TCP for `http://`, TLS for `https://`, through a proxy where one is set, under one time
/// limit.
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    options: ConnectOptions,
    proxies: Result<Matcher, ProxyError>,
    // Reading the certificates of the operating system takes milliseconds, and a machine without any can still reach
    // loopback, so both the work and its error wait for the first `https://`.
    tls: OnceLock<Result<TlsConnector, rustls::Error>>,
    limit: Duration,
    clock: Arc<dyn Clock>,
    opened: AtomicUsize,
}

impl Connector {
    pub(super) fn new(options: ConnectOptions, limit: Duration, clock: Arc<dyn Clock>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(options.resolver.clone());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(limit));
        let proxies = options.proxies.clone().map_or_else(Proxies::from_env, Ok).map(Proxies::into_matcher);
        Self { tcp, options, proxies, tls: OnceLock::new(), limit, clock, opened: AtomicUsize::new(0) }
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
        let mut socket = self.socket(origin).await?;
        let probe = socket.probe();
        if !origin.is_https() {
            let is_http2 = self.options.versions == HttpVersions::Http2;
            socket.hide_write_errors();
            return Ok(Stream { io: Io::Plain(socket), probe, is_http2 });
        }
        let tls = match self.tls.get_or_init(|| self.tls_connector()) {
            Ok(tls) => tls,
            Err(error) => return Err(error.clone().into()),
        };
        let name = ServerName::try_from(origin.host())?.to_owned();
        let mut stream = tls.connect(name, socket).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !is_http2 && self.options.versions == HttpVersions::Http2 {
            return Err(rustls::Error::NoApplicationProtocol.into());
        }
        stream.get_mut().0.hide_write_errors();
        Ok(Stream { io: Io::Tls(Box::new(stream)), probe, is_http2 })
    }

    fn tls_connector(&self) -> Result<TlsConnector, rustls::Error> {
        let mut config: ClientConfig = self.options.tls.client_config()?;
        if config.alpn_protocols.is_empty() {
            config.alpn_protocols = self.options.versions.alpn();
        }
        Ok(TlsConnector::from(Arc::new(config)))
    }

    /// Opens the connection below TLS.
    async fn socket(&self, origin: &Origin) -> Result<Socket, BoxError> {
        let clock = Arc::clone(&self.clock);
        if let Some(own) = &self.options.own {
            let stream = (own.0)(origin.uri().clone()).await?;
            return Ok(Socket::own(stream, clock, Meter::new(origin.host())));
        }
        let proxies = self.proxies.as_ref().map_err(Clone::clone)?;
        let stream = match proxies.intercept(origin.uri()) {
            None => self.tcp(origin.uri()).await?,
            Some(intercept) => self.through(&Proxy(intercept), origin).await?,
        };
        Ok(Socket::new(stream, clock, Meter::new(origin.host())))
    }

    async fn tcp(&self, uri: &Uri) -> Result<TcpStream, BoxError> {
        Ok(self.tcp.clone().call(uri.clone()).await?.into_inner())
    }

    async fn through(&self, proxy: &Proxy, origin: &Origin) -> Result<TcpStream, BoxError> {
        #[cfg(feature = "socks")]
        if proxy.is_socks() {
            let server = self.socks_target(proxy, origin).await?;
            let stream = self.tcp(&with_default_port(proxy.uri(), 1080)?).await?;
            return tunnel::socks_tunnel(stream, proxy, server).await;
        }
        tunnel::http_tunnel(self.tcp(proxy.uri()).await?, proxy, origin).await
    }

    /// Returns the server as a SOCKS proxy is asked for it: by its address when its name is resolved here.
    #[cfg(feature = "socks")]
    async fn socks_target(&self, proxy: &Proxy, origin: &Origin) -> Result<Uri, BoxError> {
        let server = with_default_port(origin.uri(), if origin.is_https() { 443 } else { 80 })?;
        if !proxy.resolves_here() || origin.host().parse::<std::net::IpAddr>().is_ok() {
            return Ok(server);
        }
        let addresses = self.options.resolver.resolve(origin.host().parse()?).await?;
        let Some(mut address) = addresses.into_iter().next() else { return Ok(server) };
        address.set_port(server.port_u16().unwrap_or_default());
        Ok(Uri::builder().scheme("https").authority(address.to_string()).path_and_query("/").build()?)
    }
}

#[cfg(feature = "socks")]
fn with_default_port(uri: &Uri, port: u16) -> Result<Uri, http::Error> {
    if uri.port().is_some() {
        return Ok(uri.clone());
    }
    let authority = format!("{}:{port}", uri.host().unwrap_or_default());
    Uri::builder().scheme(uri.scheme_str().unwrap_or("http")).authority(authority).path_and_query("/").build()
}
