//! A loopback server that sends exactly the bytes it is told to, so that it can misbehave.
//!
//! ```
//! use skyflow_testkit::raw_server::{Connection, RawServer};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! // Announces four bytes, sends two, and resets the connection.
//! let server = RawServer::start(|mut connection: Connection| async move {
//!     connection.request().await;
//!     connection.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok").await;
//!     connection.reset();
//! })
//! .await?;
//!
//! let mut client = tokio::net::TcpStream::connect(server.address()).await?;
//! client.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await?;
//! assert!(client.read_to_end(&mut Vec::new()).await.is_err());
//! assert_eq!(server.requests()[0].target, "/a");
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::Identity;

/// A port of 127.0.0.1 on which nothing listens. Connections are refused for as long as it is kept, because no other
/// program can take the port.
///
/// ```
/// use skyflow_testkit::raw_server::ClosedPort;
///
/// # fn main() -> std::io::Result<()> {
/// let port = ClosedPort::new()?;
/// let refused = std::net::TcpStream::connect(port.address());
/// assert!(refused.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ClosedPort {
    socket: TcpSocket,
    address: SocketAddr,
}

impl ClosedPort {
    /// Takes a port.
    ///
    /// # Errors
    ///
    /// Fails when the operating system has none.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to listen, and hands each connection to a function.
    ///
    /// # Errors
    ///
    /// Fails when the operating system does not allow it.
    pub fn open<F, Fut>(self, serve: F) -> io::Result<RawServer>
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        RawServer::on(self.socket.listen(16)?, None, serve)
    }
}

/// A server on 127.0.0.1 that hands each connection to a function and records the requests. Dropping it closes all
/// connections.
pub struct RawServer {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Log>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    requests: Mutex<Vec<Received>>,
    changed: Notify,
}

/// A request as the server read it.
#[derive(Clone)]
pub struct Received {
    /// The method.
    pub method: String,
    /// The path and query.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty where only the head was read.
    pub body: Bytes,
}

impl RawServer {
    /// Serves plain HTTP.
    ///
    /// # Errors
    ///
    /// Fails when no port of 127.0.0.1 can be opened.
    pub async fn start<F, Fut>(serve: F) -> io::Result<Self>
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(listener().await?, None, serve)
    }

    /// Serves TLS. Connections whose handshake fails are counted and never handed to `serve`.
    ///
    /// # Errors
    ///
    /// Fails when no port of 127.0.0.1 can be opened.
    pub async fn start_tls<F, Fut>(identity: Identity, serve: F) -> io::Result<Self>
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(listener().await?, Some(identity.config()), serve)
    }

    /// Claims `https://` and hands the raw TCP connection over, so that the handshake itself can go wrong.
    ///
    /// # Errors
    ///
    /// Fails when no port of 127.0.0.1 can be opened.
    pub async fn start_broken_tls<F, Fut>(serve: F) -> io::Result<Self>
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut server = Self::start(serve).await?;
        server.scheme = "https";
        Ok(server)
    }

    /// Sends the same bytes for every request.
    ///
    /// # Errors
    ///
    /// Fails when no port of 127.0.0.1 can be opened.
    pub async fn repeating(response: impl Into<Bytes>) -> io::Result<Self> {
        let response = response.into();
        Self::start(move |mut connection| {
            let response = response.clone();
            async move {
                while connection.request().await.is_some() {
                    connection.send(&response).await;
                }
            }
        })
        .await
    }

    fn on<F, Fut>(listener: TcpListener, tls: Option<Arc<ServerConfig>>, serve: F) -> io::Result<Self>
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::new(Log::default());
        let accepting = tokio::spawn(accept(listener, tls, Arc::new(serve), Arc::clone(&log)));
        Ok(Self { address, scheme, log, accepting })
    }

    /// Returns the URL of a path on this server.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many connections were opened.
    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    /// Returns the requests that were read, in the order of their arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.log.requests().clone()
    }

    /// Waits until that many requests were read.
    pub async fn received(&self, count: usize) {
        loop {
            let changed = self.log.changed.notified();
            if self.log.requests().len() >= count {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn listener() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

impl Log {
    fn requests(&self) -> MutexGuard<'_, Vec<Received>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RawServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawServer").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept<F, Fut>(listener: TcpListener, tls: Option<Arc<ServerConfig>>, serve: Arc<F>, log: Arc<Log>)
where
    F: Fn(Connection) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    // Owned by this task: when the server is dropped, its connections go with it.
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let number = log.connections.fetch_add(1, Ordering::SeqCst) + 1;
        // Small responses must not wait for more to send.
        let _ = tcp.set_nodelay(true);
        let (tls, serve, log) = (tls.clone(), Arc::clone(&serve), Arc::clone(&log));
        connections.spawn(async move {
            let io = match tls {
                None => Io(Stream::Plain(tcp)),
                Some(config) => match TlsAcceptor::from(config).accept(tcp).await {
                    Ok(stream) => Io(Stream::Tls(Box::new(stream))),
                    Err(_) => return,
                },
            };
            serve(Connection { number, io, unread: BytesMut::new(), log }).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, as the server sees it.
pub struct Connection {
    number: usize,
    io: Io,
    unread: BytesMut,
    log: Arc<Log>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Connection {
    /// Returns the number of the connection, counted from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the protocol that the TLS handshake agreed on.
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.io.0 {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }

    /// Reads a request with its body; `None` when the client has gone or did not send HTTP.
    pub async fn request(&mut self) -> Option<Received> {
        let mut request = self.read_head().await?;
        let chunked = request.headers.get(TRANSFER_ENCODING).is_some_and(|v| v == "chunked");
        request.body = if chunked {
            self.chunked().await?
        } else {
            let length = request.headers.get(CONTENT_LENGTH).map_or(Ok("0"), |v| v.to_str()).ok()?;
            self.take(length.parse().ok()?).await?
        };
        self.note(request.clone());
        Some(request)
    }

    /// Reads the head of a request but not its body.
    pub async fn head(&mut self) -> Option<Received> {
        let request = self.read_head().await?;
        self.note(request.clone());
        Some(request)
    }

    /// Reads and discards until the client closes its side.
    pub async fn closed_by_client(&mut self) {
        while self.fill().await.is_some() {
            self.unread.clear();
        }
    }

    /// Waits until the client has sent something, and returns it.
    pub async fn first_bytes(&mut self) -> Option<Bytes> {
        self.fill().await?;
        Some(self.unread.split().freeze())
    }

    /// Sends bytes. A client that has gone is not an error.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        if self.io.write_all(bytes.as_ref()).await.is_ok() {
            let _ = self.io.flush().await;
        }
    }

    /// Closes the sending side (with TLS: `close_notify`), and keeps the other side open.
    pub async fn finish(&mut self) {
        let _ = self.io.shutdown().await;
    }

    /// Breaks the connection: the client gets a TCP reset.
    pub fn reset(self) {
        let tcp = match &self.io.0 {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        };
        // A connection that is closed already cannot be reset.
        let _ = tcp.set_zero_linger();
    }

    /// Returns the stream itself, for a connection from which nothing was read yet.
    pub fn into_io(self) -> Io {
        self.io
    }

    async fn read_head(&mut self) -> Option<Received> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.fill().await?;
        };
        let head = self.unread.split_to(end).freeze();
        self.unread.advance(4);
        parse_head(std::str::from_utf8(&head).ok()?)
    }

    fn note(&self, request: Received) {
        self.log.requests().push(request);
        self.log.changed.notify_waiters();
    }

    async fn take(&mut self, length: usize) -> Option<Bytes> {
        while self.unread.len() < length {
            self.fill().await?;
        }
        Some(self.unread.split_to(length).freeze())
    }

    async fn chunked(&mut self) -> Option<Bytes> {
        let mut body = BytesMut::new();
        loop {
            let end = loop {
                if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                    break end;
                }
                self.fill().await?;
            };
            let size = self.take(end).await?;
            let size = usize::from_str_radix(std::str::from_utf8(&size).ok()?, 16).ok()?;
            self.unread.advance(2);
            body.extend_from_slice(&self.take(size).await?);
            self.take(2).await?;
            if size == 0 {
                return Some(body.freeze());
            }
        }
    }

    async fn fill(&mut self) -> Option<()> {
        match self.io.read_buf(&mut self.unread).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}

fn parse_head(head: &str) -> Option<Received> {
    let mut lines = head.split("\r\n");
    let mut request_line = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (request_line.next()?, request_line.next()?);
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(Received { method, target, headers, body: Bytes::new() })
}

/// Shows no header, no query and no content.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.method, self.body.len())
    }
}

/// The stream of a connection, with TLS or without.
#[derive(Debug)]
pub struct Io(Stream);

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    /// Boxed, because it is many times larger.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Stream::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Stream::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Stream::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Stream::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Stream::Plain(io) => Pin::new(io).poll_flush(cx),
            Stream::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Stream::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Stream::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
