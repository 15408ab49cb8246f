//! The hyper + rustls transport: the server of a request, a connection of its pool, and the exchange over it.

mod builder;
mod connector;
mod failure;
mod http1;
mod http2;
mod pool;
mod proxy;
mod resolver;
mod sent_body;
mod stream;
mod tls;
mod tls_reason;
mod traffic;
mod tunnel;

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Uri, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tower_service::Service;

pub use self::builder::TransportBuilder;
use self::connector::Connector;
pub use self::connector::HttpVersions;
use self::failure::{Verdict, reason_of, verdict};
use self::http1::Http1Lease;
use self::http2::Http2Lease;
use self::pool::{Lease, Limits, Pool};
pub use self::proxy::{Proxies, ProxyError};
use self::sent_body::SentBody;
pub use self::tls::TlsError;
use self::traffic::{StallLimit, StallTimer, Stalled};
use crate::call::KeptRequest;
use crate::service::SendRequest;
use crate::{Body, BoxError, Clock, Error, ErrorKind, HttpService, Request, Response, ResponseFuture};

/// How often one request moves to another connection because the server retires the one that it was sent on.
const MAX_MOVES: usize = 8;

/// Sends requests over pooled HTTP/1.1 and HTTP/2 connections (chosen by ALPN), with TLS 1.2 or 1.3 by rustls.
///
/// Connections go through the proxy of the environment where there is one; see [`Proxies`]. Names are resolved each
/// time that a connection is opened, and an unused connection is closed after 30 s, so a change of DNS is noticed then.
/// Where a name has several addresses, each is tried.
///
/// Clones share their connections, which live on the tokio runtimes that open them. Redirects are not followed. There
/// is no switch that accepts an untrusted certificate.
///
/// As many connections are opened to a server as its protocol needs: for HTTP/1.1 one for each request under way, up to
/// [`max_http1_connections`](TransportBuilder::max_http1_connections); for HTTP/2 one, and further ones when the streams
/// that the server allows are taken, up to [`max_http2_connections`](TransportBuilder::max_http2_connections).
/// Requests beyond wait in order. A request that an HTTP/2 server has not looked at, because it retires the connection,
/// moves to another connection.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<Connector>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    pools: RwLock<HashMap<OriginKey, Arc<Pool>>>,
}

impl Transport {
    /// Makes a transport with the defaults of [`TransportBuilder`].
    pub fn new() -> Self {
        TransportBuilder::default().build()
    }

    /// Starts to configure a transport.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    /// Opens a connection to the server of a URI, unless one is ready, and keeps it in the pool for the next request. It
    /// loads the crypto library and the trusted certificates, resolves the name and shakes hands, which the first request
    /// does otherwise. Nothing is sent above TLS and HTTP/2.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// use skyflow_http::Transport;
    ///
    /// let transport = Transport::new();
    /// transport.warm_up(&"https://api.example".parse()?).await?;
    /// assert_eq!(transport.connections_opened(), 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails as a request does that gets no connection, and when the URI is not absolute.
    pub async fn warm_up(&self, uri: &Uri) -> Result<(), Error> {
        let (pool, runtime) = self.shared.pool_of(uri)?;
        drop(leased_from(&pool, &runtime).await?);
        Ok(())
    }

    /// Returns how many connections have been opened since the transport was made.
    pub fn connections_opened(&self) -> usize {
        self.shared.connector.opened()
    }

    /// Erases the transport, as the innermost service of a stack.
    pub fn into_service(self) -> HttpService {
        HttpService::sending(self)
    }
}

impl Shared {
    fn pool_of(&self, uri: &Uri) -> Result<(Arc<Pool>, Handle), Error> {
        let not_sent = |reason: BoxError| Error::new(ErrorKind::Refused, Some(reason));
        let runtime = Handle::try_current().map_err(|error| not_sent(error.into()))?;
        let key = OriginKey::of(uri).ok_or_else(|| not_sent("the URI is not absolute".into()))?;
        let pool = self.pool(key).map_err(|error| not_sent(error.into()))?;
        Ok((pool, runtime))
    }

    fn pool(&self, key: OriginKey) -> Result<Arc<Pool>, http::Error> {
        let known = self.pools.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(pool) = known {
            return Ok(pool);
        }
        let (connector, clock) = (Arc::clone(&self.connector), Arc::clone(&self.clock));
        let pool = Pool::new(Origin::new(&key)?, connector, self.limits.clone(), clock);
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(pools.entry(key).or_insert_with(|| Arc::new(pool))))
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Service<Request> for Transport {
    type Response = Response;
    type Error = BoxError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> ResponseFuture {
        self.send(request)
    }
}

impl SendRequest for Transport {
    fn send(&self, request: Request) -> ResponseFuture {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (pool, runtime) = shared.pool_of(request.uri())?;
            Ok(exchange(&pool, &runtime, request).await?)
        })
    }
}

/// Says why a request got no response over one connection.
enum Failure {
    /// The request was certainly not processed, and another connection may take it.
    NotProcessed {
        request: Box<Request>,
        error: hyper::Error,
    },
    Failed(Error),
}

/// Sends a request and reads the head of its response.
async fn exchange(pool: &Arc<Pool>, runtime: &Handle, request: Request) -> Result<Response, Error> {
    send(pool, runtime, request).await.map_err(|error| naming_server(pool, error))
}

async fn leased_from(pool: &Arc<Pool>, runtime: &Handle) -> Result<Lease, Error> {
    pool.lease(runtime).await.map_err(|error| naming_server(pool, error))
}

fn naming_server(pool: &Pool, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy => {
            error.with_server(pool.origin().host_and_port())
        }
        _ => error,
    }
}

async fn send(pool: &Arc<Pool>, runtime: &Handle, mut request: Request) -> Result<Response, Error> {
    // Extensions are for layers of this process.
    request.extensions_mut().clear();
    let mut moves = 0;
    loop {
        let outcome = match pool.lease(runtime).await? {
            Lease::Http1(lease) => over_http1(pool, lease, request).await,
            Lease::Http2(lease) => over_http2(pool, lease, request).await,
        };
        request = match outcome {
            Ok(response) => return Ok(response),
            Err(Failure::Failed(error)) => return Err(error),
            Err(Failure::NotProcessed { request, .. }) if moves < MAX_MOVES => *request,
            Err(Failure::NotProcessed { error, .. }) => {
                return Err(Error::new(ErrorKind::Refused, Some(error.into())));
            }
        };
        moves += 1;
    }
}

async fn over_http1(pool: &Pool, mut lease: Http1Lease, request: Request) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    // The URI is needed again only if the request moves.
    let uri = parts.uri.clone();
    pool.origin().address_http1(&mut parts.uri, &mut parts.headers);
    let (body, progress) = SentBody::http1(body);
    let waiting_since = lease.waiting_since();
    let Some((sender, probe)) = lease.sender() else {
        return Err(Failure::Failed(Error::new(ErrorKind::Refused, None)));
    };
    let exchange = sender.try_send_request(http::Request::from_parts(parts, body));
    let outcome = match pool.stall_limit() {
        Some(limit) => limit.watch(exchange, waiting_since).await,
        None => Ok(exchange.await),
    };
    match outcome {
        Ok(Ok(response)) => {
            probe.note_response();
            let limit = pool.stall_limit().cloned();
            Ok(response.map(|body| leased(body, Lease::Http1(lease), limit)))
        }
        Ok(Err(mut unsent)) => {
            let request = unsent.take_message();
            let error = unsent.into_error();
            let is_new = probe.is_new();
            drop(lease.into_connection());
            if let Some(failure) = progress.and_then(|progress| progress.take_failure()) {
                return Err(Failure::Failed(Error::body(failure.into())));
            }
            Err(match request {
                Some(request) => {
                    let mut request = request.map(SentBody::into_inner);
                    *request.uri_mut() = uri;
                    Failure::NotProcessed { request: Box::new(request), error }
                }
                None => Failure::Failed(failed(error, is_new)),
            })
        }
        Err(stalled) => {
            drop(lease.into_connection());
            Err(Failure::Failed(stalled.into()))
        }
    }
}

async fn over_http2(pool: &Pool, lease: Http2Lease, mut request: Request) -> Result<Response, Failure> {
    let Some((mut sender, probe)) = lease.sender() else {
        return Err(Failure::Failed(Error::new(ErrorKind::Refused, None)));
    };
    let kept = KeptRequest::of(&mut request);
    let (parts, body) = request.into_parts();
    let (body, progress) = SentBody::http2(body, pool.stall_limit());
    let exchange = sender.try_send_request(http::Request::from_parts(parts, body));
    let outcome = match pool.stall_limit() {
        Some(limit) => limit.watch(exchange, lease.waiting_since(&progress)).await,
        None => Ok(exchange.await),
    };
    match outcome {
        Ok(Ok(response)) => {
            probe.note_response();
            let limit = pool.stall_limit().cloned();
            Ok(response.map(|body| leased(body, Lease::Http2(lease), limit)))
        }
        Ok(Err(mut unsent)) => {
            if let Some(failure) = progress.take_failure() {
                return Err(Failure::Failed(Error::body(failure.into())));
            }
            let unsent_request = unsent.take_message().map(|request| request.map(SentBody::into_inner));
            let error = unsent.into_error();
            let verdict = match verdict(&error, probe.is_new()) {
                Verdict::Ambiguous if lease.connection().is_some_and(|used| used.is_rejected()) => {
                    Verdict::Tls
                }
                // The connection has ended before the request was opened on it, or before its body was read.
                Verdict::Ambiguous if !progress.has_begun() => Verdict::Moves,
                verdict => verdict,
            };
            if verdict != Verdict::Moves {
                return Err(Failure::Failed(error_of(verdict, error)));
            }
            lease.retire();
            Err(match unsent_request.or_else(|| kept.request()) {
                Some(request) => Failure::NotProcessed { request: Box::new(request), error },
                None => Failure::Failed(error_of(Verdict::Refused, error)),
            })
        }
        Err(stalled) => {
            lease.retire();
            Err(Failure::Failed(stalled.into()))
        }
    }
}

impl From<Stalled> for Error {
    fn from(stalled: Stalled) -> Self {
        Self::new(ErrorKind::Stalled, Some(stalled.into()))
    }
}

fn failed(error: hyper::Error, is_new: bool) -> Error {
    let verdict = verdict(&error, is_new);
    error_of(verdict, error)
}

fn error_of(verdict: Verdict, error: hyper::Error) -> Error {
    let kind = match verdict {
        Verdict::Moves | Verdict::Refused => ErrorKind::Refused,
        Verdict::Tls => ErrorKind::Tls,
        Verdict::Ambiguous => ErrorKind::Io,
    };
    let reason = if kind == ErrorKind::Tls { reason_of(&error) } else { None };
    let error = Error::new(kind, Some(error.into()));
    match reason {
        Some(reason) => error.because(reason),
        None => error,
    }
}

/// Keeps the lease until the body has been read.
fn leased(body: Incoming, lease: Lease, limit: Option<StallLimit>) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(Leased { body, lease: Some(lease), limit, awaited: None })
}

/// The body of a response, which holds the lease of its connection until its end.
struct Leased {
    body: Incoming,
    lease: Option<Lease>,
    limit: Option<StallLimit>,
    /// Since when the caller waits for bytes. The time between two frames that the caller takes itself does not count.
    awaited: Option<(Instant, StallTimer)>,
}

impl Leased {
    /// Fails when no byte has arrived for too long while the caller waits for the next frame.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let (Some(limit), Some(lease)) = (&self.limit, &self.lease) else { return Poll::Pending };
        let (since, timer) = self.awaited.get_or_insert_with(|| (limit.now(), StallTimer::default()));
        let waiting_since = || match lease.probe() {
            Some(probe) if lease.is_alone() => probe.last_read().max(*since),
            _ => *since,
        };
        timer.poll(limit, || Some(waiting_since()), cx).map(Error::from)
    }
}

impl http_body::Body for Leased {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.poll_stalled(cx).map(|stalled| {
                if let Some(lease) = self.lease.take() {
                    lease.give_up();
                }
                Some(Err(stalled.into()))
            });
        };
        self.awaited = None;
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.lease = None;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A server: scheme, host and port.
#[derive(Debug)]
struct Origin {
    uri: Uri,
    host_header: HeaderValue,
}

/// Identifies a server among the pools.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OriginKey {
    is_https: bool,
    authority: Authority,
}

impl OriginKey {
    /// Reads the server of a request; `None` when its URI is not an absolute one of HTTP.
    fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        uri.authority().map(|authority| Self { is_https, authority: authority.clone() })
    }
}

impl Origin {
    fn new(key: &OriginKey) -> Result<Self, http::Error> {
        let scheme = if key.is_https { Scheme::HTTPS } else { Scheme::HTTP };
        let authority = &key.authority;
        let default_port = if key.is_https { 443 } else { 80 };
        let host_header = match authority.port_u16() {
            Some(port) if port != default_port => {
                HeaderValue::try_from(format!("{}:{port}", authority.host()))?
            }
            _ => HeaderValue::try_from(authority.host())?,
        };
        let uri = Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/").build()?;
        Ok(Self { uri, host_header })
    }

    fn uri(&self) -> &Uri {
        &self.uri
    }

    fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Returns the host without the brackets of an IPv6 address.
    fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Names host and port, as in `a.example:443`.
    fn host_and_port(&self) -> String {
        let port = self.uri.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 });
        format!("{}:{port}", self.uri.host().unwrap_or_default())
    }

    /// Makes a request one of HTTP/1.1: the server goes into a header, and the URI keeps path and query only.
    fn address_http1(&self, uri: &mut Uri, headers: &mut HeaderMap) {
        headers.entry(header::HOST).or_insert_with(|| self.host_header.clone());
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *uri = Uri::from(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Origin {
        Origin::new(&OriginKey::of(&uri.parse().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn default_ports_are_not_in_the_host_header() {
        for (uri, host) in [
            ("https://a.example/x", "a.example"),
            ("https://a.example:443/x", "a.example"),
            ("https://a.example:8443/x", "a.example:8443"),
            ("http://a.example:80", "a.example"),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("https://[::1]:9/", "[::1]:9"),
        ] {
            assert_eq!(origin(uri).host_header, host, "{uri}");
        }
    }

    #[test]
    fn brackets_of_an_address_are_no_host_name() {
        assert_eq!(origin("https://[::1]:9/").host(), "::1");
        assert_eq!(origin("https://a.example/").host(), "a.example");
    }

    #[test]
    fn only_absolute_uris_of_http_have_an_origin() {
        for uri in ["/x", "a.example:80", "ftp://a.example/"] {
            assert!(OriginKey::of(&uri.parse().unwrap()).is_none(), "{uri}");
        }
    }

    #[test]
    fn http1_requests_keep_path_query_and_host() {
        let mut uri = "https://a.example/x?y=1".parse().unwrap();
        let mut headers = HeaderMap::new();
        origin("https://a.example").address_http1(&mut uri, &mut headers);
        assert_eq!(uri, "/x?y=1");
        assert_eq!(headers["host"], "a.example");
    }
}
