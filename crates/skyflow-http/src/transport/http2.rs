use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use super::failure::rejects_tls;
use super::pool::Pool;
use super::sent_body::{BodyProgress, SentBody};
use super::stream::{Io, Probe, Stream};

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP/2 connection, and how many requests use it.
pub(super) struct Http2Connection {
    sender: http2::SendRequest<SentBody>,
    probe: Probe,
    streams: AtomicUsize,
    limit: Arc<StreamLimit>,
    /// The server has rejected the TLS handshake. The streams of the connection only learn that it has ended.
    is_rejected: Arc<AtomicBool>,
}

/// How many streams the server allows at once.
struct StreamLimit {
    /// 1 until the settings of the server have arrived.
    streams: AtomicUsize,
    is_known: AtomicBool,
    settings_were_read: AtomicBool,
    driver: AtomicWaker,
}

impl Http2Connection {
    /// Starts HTTP/2 on a new connection, and the task that drives it.
    pub(super) async fn open(stream: Stream, pool: &Arc<Pool>, runtime: &Handle) -> hyper::Result<Arc<Self>> {
        let limit = Arc::new(StreamLimit {
            streams: AtomicUsize::new(1),
            is_known: AtomicBool::new(false),
            settings_were_read: AtomicBool::new(false),
            driver: AtomicWaker::new(),
        });
        let is_rejected = Arc::new(AtomicBool::new(false));
        let io = WatchStart {
            io: stream.io,
            frame: FirstFrame::default(),
            limit: Arc::clone(&limit),
            is_rejected: Arc::clone(&is_rejected),
        };
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .initial_max_send_streams(1)
            .handshake(TokioIo::new(io))
            .await?;
        let opened = Arc::new(Self {
            sender,
            probe: stream.probe,
            streams: AtomicUsize::new(0),
            limit: Arc::clone(&limit),
            is_rejected,
        });
        // A connection ends when its last sender is dropped, so its task must not own one.
        let driver = Driver { connection: Arc::downgrade(&opened), pool: Arc::downgrade(pool), limit };
        runtime.spawn(async move {
            let mut connection = pin!(connection);
            poll_fn(|cx| {
                driver.limit.driver.register(cx.waker());
                let polled = connection.as_mut().poll(cx);
                if polled.is_pending() {
                    driver.note_limit(connection.current_max_send_streams());
                }
                polled.map(drop)
            })
            .await;
        });
        Ok(opened)
    }

    pub(super) fn streams(&self) -> usize {
        self.streams.load(Ordering::Acquire)
    }

    pub(super) fn has_capacity(&self) -> bool {
        self.streams() < self.limit.streams.load(Ordering::Acquire)
    }

    /// Tells whether the server still takes requests on this connection.
    pub(super) fn is_open(&self) -> bool {
        self.sender.is_ready()
    }

    pub(super) fn limit_is_known(&self) -> bool {
        self.limit.is_known.load(Ordering::Acquire)
    }

    pub(super) fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Reserves a stream; the lock of the pool keeps two callers from reserving the same one.
    pub(super) fn lease(self: &Arc<Self>, pool: &Arc<Pool>) -> Http2Lease {
        self.streams.fetch_add(1, Ordering::AcqRel);
        Http2Lease { connection: Some(Arc::clone(self)), pool: Arc::clone(pool) }
    }

    /// Tells whether the server has rejected the TLS handshake.
    pub(super) fn is_rejected(&self) -> bool {
        self.is_rejected.load(Ordering::Acquire)
    }

    fn release(&self) {
        self.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The right to one stream of an HTTP/2 connection. Dropping it gives the stream back.
pub(super) struct Http2Lease {
    connection: Option<Arc<Http2Connection>>,
    pool: Arc<Pool>,
}

impl Http2Lease {
    pub(super) fn connection(&self) -> Option<&Arc<Http2Connection>> {
        self.connection.as_ref()
    }

    pub(super) fn sender(&self) -> Option<(http2::SendRequest<SentBody>, Probe)> {
        self.connection.as_ref().map(|connection| (connection.sender.clone(), connection.probe.clone()))
    }

    /// Returns a function that tells since when the request waits for bytes to move, if it does: the server allows no
    /// more of the body, or the operating system takes no more bytes.
    pub(super) fn waiting_since(&self, body: &BodyProgress) -> impl Fn() -> Option<Instant> + Send + use<> {
        let probe = self.connection.as_ref().map(|connection| connection.probe.clone());
        let body = body.clone();
        move || {
            let probe = probe.as_ref()?;
            let waiting = body.waiting_since();
            match probe.blocked_since() {
                Some(since) => Some(since.max(probe.last_write()).max(waiting.unwrap_or(since))),
                None => waiting,
            }
        }
    }

    /// Gives the stream back without telling the pool.
    pub(super) fn cancel(mut self) {
        if let Some(connection) = self.connection.take() {
            connection.release();
        }
    }

    /// Keeps further requests off the connection.
    pub(super) fn retire(&self) {
        if let Some(connection) = &self.connection {
            self.pool.retire(connection);
        }
    }
}

impl Drop for Http2Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.release();
            self.pool.http2_released(&connection);
        }
    }
}

/// Notes the stream limit, and tells the pool when the server takes no more requests on the connection or its task has
/// ended, also when the runtime drops it.
struct Driver {
    connection: Weak<Http2Connection>,
    pool: Weak<Pool>,
    limit: Arc<StreamLimit>,
}

impl Driver {
    fn note_limit(&self, streams: usize) {
        let before = self.limit.streams.swap(streams, Ordering::AcqRel);
        let is_first = self.limit.settings_were_read.load(Ordering::Acquire)
            && !self.limit.is_known.swap(true, Ordering::AcqRel);
        if (before < streams || is_first)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.serve();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let (Some(pool), Some(connection)) = (self.pool.upgrade(), self.connection.upgrade()) {
            pool.retire(&connection);
        }
    }
}

/// Wakes the task of a connection when the first frame has been processed, which holds the settings of the server, and
/// notes a rejected TLS handshake.
///
/// hyper has no event for either: the requests that wait for a stream would wait for the next response, and the error
/// of the connection is not that of its streams.
struct WatchStart {
    io: Io,
    frame: FirstFrame,
    limit: Arc<StreamLimit>,
    is_rejected: Arc<AtomicBool>,
}

/// How much of the first frame has been read.
#[derive(Default)]
enum FirstFrame {
    #[default]
    Unread,
    /// The first bytes of the length.
    Length {
        read: usize,
        length: usize,
    },
    /// The bytes that are left to read.
    Rest(usize),
    Processed,
}

impl FirstFrame {
    /// Type, flags and stream of the frame follow its length.
    const HEADER_AFTER_LENGTH: usize = 6;

    fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            *self = match *self {
                Self::Unread => Self::Length { read: 1, length: usize::from(byte) },
                Self::Length { read: 1, length } => {
                    Self::Length { read: 2, length: length << 8 | usize::from(byte) }
                }
                Self::Length { length, .. } => {
                    Self::Rest(Self::HEADER_AFTER_LENGTH + (length << 8 | usize::from(byte)))
                }
                Self::Rest(0) | Self::Processed => return,
                Self::Rest(left) => Self::Rest(left - 1),
            };
        }
    }
}

impl AsyncRead for WatchStart {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.frame {
            FirstFrame::Processed => return Pin::new(&mut self.io).poll_read(cx, buffer),
            // The next read comes after all complete frames have been processed.
            FirstFrame::Rest(0) => {
                self.frame = FirstFrame::Processed;
                self.limit.settings_were_read.store(true, Ordering::Release);
                self.limit.driver.wake();
                return Pin::new(&mut self.io).poll_read(cx, buffer);
            }
            _ => {}
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &polled
            && rejects_tls(error)
        {
            self.is_rejected.store(true, Ordering::Release);
        }
        self.frame.read(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for WatchStart {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_frame_is_complete_at_its_last_byte() {
        let frame: Vec<u8> = [&[0, 0, 6, 4, 0, 0, 0, 0, 0][..], &[0, 3, 0, 0, 0, 100]].concat();
        for cut in 0..frame.len() {
            let mut first = FirstFrame::default();
            first.read(&frame[..cut]);
            assert!(!matches!(first, FirstFrame::Rest(0)), "{cut}");
            first.read(&frame[cut..]);
            assert!(matches!(first, FirstFrame::Rest(0)), "{cut}");
            first.read(&[9; 40]);
            assert!(matches!(first, FirstFrame::Rest(0)), "{cut}");
        }
    }
}
