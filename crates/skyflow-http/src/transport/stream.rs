//! The bytes of a connection: its TCP socket, with TLS or without.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::traffic::{Meter, Traffic};
use crate::Clock;

/// A new connection, before HTTP.
pub(super) struct Stream {
    pub(super) io: Io,
    pub(super) probe: Probe,
    /// The server has chosen HTTP/2 in the TLS handshake.
    pub(super) is_http2: bool,
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
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            // There is no one to send the end of TLS to.
            Self::Tls(stream) if stream.get_ref().0.probe().write_has_failed() => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A connection of a caller's own connector.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A TCP connection whose state can be read while a connection task owns it.
///
/// After the handshake a failed write is not reported: a server may respond before it has read the request, or reject
/// the client's certificate, and then close, and that is still in the receive buffer. Reading ends with it, or with the
/// error of the connection.
pub(super) struct Socket {
    shared: Arc<Shared>,
    /// A connection of the caller's own; else it is a TCP connection.
    own: Option<Box<dyn Duplex>>,
    hides_write_errors: bool,
    meter: Meter,
}

/// Reads the state of a connection's socket without its task.
#[derive(Clone)]
pub(super) struct Probe(Arc<Shared>);

struct Shared {
    /// Missing for a connection of the caller's own, whose state cannot be read.
    stream: Option<TcpStream>,
    traffic: Traffic,
    has_responded: AtomicBool,
    /// A write has failed, and the read side has to tell how the connection ends.
    write_has_failed: AtomicBool,
}

/// The state of an idle connection, as the operating system reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peek {
    /// Nothing has arrived.
    Quiet,
    /// Bytes wait to be read.
    Data,
    /// The server has closed or reset the connection.
    Closed,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, clock: Arc<dyn Clock>, meter: Meter) -> Self {
        limit_unsent(&stream);
        let shared = Arc::new(Shared::new(Some(stream), clock));
        Self { shared, own: None, hides_write_errors: false, meter }
    }

    pub(super) fn own(stream: Box<dyn Duplex>, clock: Arc<dyn Clock>, meter: Meter) -> Self {
        let shared = Arc::new(Shared::new(None, clock));
        Self { shared, own: Some(stream), hides_write_errors: false, meter }
    }

    pub(super) fn probe(&self) -> Probe {
        Probe(Arc::clone(&self.shared))
    }

    /// Hides failed writes, so that the read side reports how the connection ends.
    pub(super) fn hide_write_errors(&mut self) {
        self.hides_write_errors = true;
    }

    fn write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
        write_own: impl FnOnce(Pin<&mut dyn Duplex>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.shared.write_has_failed.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let written = match (&mut self.own, &self.shared.stream) {
            (Some(own), _) => write_own(Pin::new(&mut **own), cx),
            (None, Some(stream)) => write_tcp(stream, cx, write),
            (None, None) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        match &written {
            Poll::Pending => self.shared.traffic.note_full(),
            Poll::Ready(Err(error)) if self.hides_write_errors && is_closed_by_peer(error) => {
                self.shared.write_has_failed.store(true, Ordering::Relaxed);
                return Poll::Pending;
            }
            Poll::Ready(outcome) => {
                self.shared.traffic.note_write();
                self.meter.sent(*outcome.as_ref().unwrap_or(&0));
            }
        }
        written
    }
}

impl Shared {
    fn new(stream: Option<TcpStream>, clock: Arc<dyn Clock>) -> Self {
        Self {
            stream,
            traffic: Traffic::new(clock),
            has_responded: AtomicBool::new(false),
            write_has_failed: AtomicBool::new(false),
        }
    }
}

fn write_tcp(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    write: impl Fn(&TcpStream) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match write(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => return Poll::Ready(outcome),
        }
    }
}

fn read_tcp(stream: &TcpStream, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let space = buffer.remaining();
        let mut read = None;
        let polled = stream.try_io(Interest::READABLE, || {
            let bytes = stream.try_read_buf(buffer)?;
            read = Some(bytes);
            // A short read has emptied the socket: saying so saves the read that would find nothing.
            if bytes > 0 && bytes < space { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match (read, polled) {
            (Some(_), _) => return Poll::Ready(Ok(())),
            (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            (None, outcome) => return Poll::Ready(outcome),
        }
    }
}

/// Keeps the operating system from taking megabytes that it cannot send yet: that they wait would not be seen.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn limit_unsent(stream: &TcpStream) {
    const UNSENT: u32 = 128 * 1024;
    // A system without this option sends as well.
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(any(target_os = "android", target_os = "linux")))]
fn limit_unsent(_: &TcpStream) {}

fn is_closed_by_peer(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl Probe {
    /// Asks the operating system, not the runtime: a runtime that is driven only during calls learns of a close late.
    pub(super) fn peek(&self) -> Peek {
        let Some(stream) = &self.0.stream else { return Peek::Quiet };
        match SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]) {
            Ok(0) => Peek::Closed,
            Ok(_) => Peek::Data,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Peek::Quiet,
            Err(_) => Peek::Closed,
        }
    }

    /// Notes that a response has come over the connection.
    pub(super) fn note_response(&self) {
        self.0.has_responded.store(true, Ordering::Relaxed);
    }

    /// Tells whether no response has come over the connection yet.
    pub(super) fn is_new(&self) -> bool {
        !self.0.has_responded.load(Ordering::Relaxed)
    }

    /// Returns since when bytes have waited to be sent and none has been.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.0.traffic.blocked_since()
    }

    /// Returns when bytes have last been received.
    pub(super) fn last_read(&self) -> Instant {
        self.0.traffic.last_read()
    }

    /// Returns when bytes have last been handed to the operating system.
    pub(super) fn last_write(&self) -> Instant {
        self.0.traffic.last_write()
    }

    /// Tells whether the connection can send no more, which its task does not see.
    pub(super) fn write_has_failed(&self) -> bool {
        self.0.write_has_failed.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = match (&mut this.own, &this.shared.stream) {
            (Some(own), _) => Pin::new(&mut **own).poll_read(cx, buffer),
            (None, Some(stream)) => read_tcp(stream, cx, buffer),
            (None, None) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        if polled.is_ready() {
            this.shared.traffic.note_read();
            this.meter.received(buffer.filled().len().saturating_sub(before));
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.write_with(cx, |stream| stream.try_write(bytes), |own, cx| own.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write_with(
            cx,
            |stream| stream.try_write_vectored(slices),
            |own, cx| own.poll_write_vectored(cx, slices),
        )
    }

    fn is_write_vectored(&self) -> bool {
        self.own.as_ref().is_none_or(|own| own.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.own {
            Some(own) => Pin::new(&mut **own).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(own) = &mut this.own {
            return Pin::new(&mut **own).poll_shutdown(cx);
        }
        let Some(stream) = &this.shared.stream else { return Poll::Ready(Ok(())) };
        match SockRef::from(stream).shutdown(std::net::Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(())),
        }
    }
}
