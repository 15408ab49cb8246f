//! A loopback server that sends exactly the bytes it is told to, so that it can misbehave.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
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

/// An address of 127.0.0.1 at which nobody listens: connections are refused for as long as it is kept, because the port is
/// taken and goes to no other test.
pub struct Nobody(TcpSocket);

impl Nobody {
    /// Takes a port.
    ///
    /// # Panics
    ///
    /// Panics when there is none.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    /// Returns the address.
    ///
    /// # Panics
    ///
    /// Panics when the operating system does not tell it.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Begins to listen.
    ///
    /// # Panics
    ///
    /// Panics when that fails.
    pub fn listen(self) -> TcpListener {
        self.0.listen(16).unwrap()
    }
}

impl Default for Nobody {
    fn default() -> Self {
        Self::new()
    }
}

/// A server on 127.0.0.1 that hands each connection to a function and remembers what it received.
pub struct Server {
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

impl Server {
    /// Serves plain HTTP.
    pub async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), None, serve)
    }

    /// Serves TLS. Connections whose handshake fails are counted and never handed to `serve`.
    pub async fn start_tls<F, Fut>(tls: Arc<ServerConfig>, serve: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), Some(tls), serve)
    }

    /// Claims `https://` and hands the raw TCP connection over, so that the handshake itself can go wrong.
    pub async fn start_broken_tls<F, Fut>(serve: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut server = Self::start(serve).await;
        server.scheme = "https";
        server
    }

    /// Serves on a listener that is there already.
    pub fn on<F, Fut>(listener: TcpListener, tls: Option<Arc<ServerConfig>>, serve: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::new(Log::default());
        let accepting = tokio::spawn(accept(listener, tls, Arc::new(serve), Arc::clone(&log)));
        Self { address, scheme, log, accepting }
    }

    /// Answers every request with the bytes of `answer`, as often as the client asks.
    pub async fn answering(answer: impl Into<Bytes>) -> Self {
        let answer = answer.into();
        Self::start(move |mut connection| {
            let answer = answer.clone();
            async move {
                while connection.request().await.is_some() {
                    connection.send(&answer).await;
                }
            }
        })
        .await
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
        self.log.requests.lock().unwrap().clone()
    }

    /// Waits until that many requests were read.
    pub async fn received(&self, count: usize) {
        loop {
            let changed = self.log.changed.notified();
            if self.log.requests.lock().unwrap().len() >= count {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
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
        tcp.set_nodelay(true).unwrap();
        let (tls, serve, log) = (tls.clone(), Arc::clone(&serve), Arc::clone(&log));
        connections.spawn(async move {
            let io = match tls {
                None => Io::Plain(tcp),
                Some(config) => match TlsAcceptor::from(config).accept(tcp).await {
                    Ok(stream) => Io::Tls(Box::new(stream)),
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

impl Connection {
    /// Returns which connection of the server this is, counted from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the protocol that the TLS handshake agreed on.
    pub fn alpn(&self) -> Option<&[u8]> {
        match &self.io {
            Io::Plain(_) => None,
            Io::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }

    /// Reads a request, its body included; `None` when the client has gone.
    pub async fn request(&mut self) -> Option<Received> {
        let mut request = self.read_head().await?;
        let chunked = request.headers.get(TRANSFER_ENCODING).is_some_and(|v| v == "chunked");
        request.body = if chunked {
            self.chunked().await?
        } else {
            let length = request.headers.get(CONTENT_LENGTH).map_or("0", |v| v.to_str().unwrap());
            self.take(length.parse().unwrap()).await?
        };
        self.note(request.clone());
        Some(request)
    }

    /// Reads the head of a request and leaves its body where it is.
    pub async fn head(&mut self) -> Option<Received> {
        let request = self.read_head().await?;
        self.note(request.clone());
        Some(request)
    }

    /// Reads and throws away until the client closes its side.
    pub async fn closed_by_client(&mut self) {
        while self.fill().await.is_some() {
            self.unread.clear();
        }
    }

    /// Waits until the client has sent anything at all.
    pub async fn first_bytes(&mut self) -> Option<Bytes> {
        self.fill().await?;
        Some(self.unread.split().freeze())
    }

    /// Sends bytes. A client that has gone is no failure of the server.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        if self.io.write_all(bytes.as_ref()).await.is_ok() {
            let _ = self.io.flush().await;
        }
    }

    /// Ends our side in good order (with TLS: `close_notify`), and leaves the other side open.
    pub async fn finish(&mut self) {
        let _ = self.io.shutdown().await;
    }

    /// Breaks the connection off: the client gets a TCP reset.
    pub fn reset(self) {
        let tcp = match &self.io {
            Io::Plain(tcp) => tcp,
            Io::Tls(tls) => tls.get_ref().0,
        };
        tcp.set_zero_linger().unwrap();
    }

    /// Hands the stream itself over.
    pub fn into_io(self) -> Io {
        assert!(self.unread.is_empty(), "bytes were read that would be lost");
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
        Some(parse_head(std::str::from_utf8(&head).unwrap()))
    }

    fn note(&self, request: Received) {
        self.log.requests.lock().unwrap().push(request);
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
            let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap(), 16).unwrap();
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

fn parse_head(head: &str) -> Received {
    let mut lines = head.split("\r\n");
    let mut request_line = lines.next().unwrap().split(' ');
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value.trim()).unwrap(),
        );
    }
    let mut next = || request_line.next().unwrap().to_owned();
    Received { method: next(), target: next(), headers, body: Bytes::new() }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.target, self.body.len())
    }
}

/// The stream of a connection, with TLS or without.
pub enum Io {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP. It is boxed because it is many times larger.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
