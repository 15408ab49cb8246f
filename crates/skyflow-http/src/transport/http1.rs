use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;

use super::pool::Pool;
use super::sent_body::SentBody;
use super::stream::{Io, Probe, Stream};

/// The state of an HTTP/1 connection that its task and the holder of its lease share.
struct Shared {
    probe: Probe,
    /// A part of a response head has arrived.
    head_is_partial: AtomicBool,
    slot: Mutex<Slot>,
    task: AtomicWaker,
}

enum Slot {
    /// A request uses the connection, or the pool keeps it.
    Taken,
    /// The lease has ended, and the connection is not ready for the next request yet.
    Returning {
        sender: http1::SendRequest<SentBody>,
        /// The pool waits for it: its task has not run since the lease ended.
        is_expected: bool,
    },
    /// The connection has ended.
    Ended,
}

/// An HTTP/1 connection without a request.
pub(super) struct Http1Connection {
    sender: http1::SendRequest<SentBody>,
    shared: Arc<Shared>,
}

impl Http1Connection {
    /// Starts HTTP/1 on a new connection, and the task that drives it. The pool counts it until the task has ended.
    pub(super) async fn open(stream: Stream, pool: &Arc<Pool>, runtime: &Handle) -> hyper::Result<Self> {
        let shared = Arc::new(Shared {
            probe: stream.probe,
            head_is_partial: AtomicBool::new(false),
            slot: Mutex::new(Slot::Taken),
            task: AtomicWaker::new(),
        });
        let io = WatchHead { io: stream.io, end: [0; 4], shared: Arc::clone(&shared) };
        let (mut sender, connection) = http1::Builder::new().handshake(TokioIo::new(io)).await?;
        let driver = Driver { shared: Arc::clone(&shared), pool: Arc::downgrade(pool) };
        pool.http1_opened();
        runtime.spawn(async move {
            let mut connection = pin!(connection);
            poll_fn(|cx| {
                driver.shared.task.register(cx.waker());
                match connection.as_mut().poll(cx) {
                    Poll::Pending => driver.return_when_ready(),
                    Poll::Ready(_) => Poll::Ready(()),
                }
            })
            .await;
        });
        // The task has to run once before the connection takes a request.
        sender.ready().await?;
        Ok(Self { sender, shared })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    pub(super) fn probe(&self) -> &Probe {
        &self.shared.probe
    }

    pub(super) fn lease(self, pool: &Arc<Pool>) -> Http1Lease {
        Http1Lease { connection: Some(self), pool: Arc::clone(pool) }
    }
}

/// The right to send one request over an HTTP/1 connection. Dropping it returns the connection to the pool.
pub(super) struct Http1Lease {
    connection: Option<Http1Connection>,
    pool: Arc<Pool>,
}

impl Http1Lease {
    pub(super) fn connection(&self) -> Option<&Http1Connection> {
        self.connection.as_ref()
    }

    pub(super) fn sender(&mut self) -> Option<(&mut http1::SendRequest<SentBody>, Probe)> {
        self.connection.as_mut().map(|connection| {
            let probe = connection.probe().clone();
            (&mut connection.sender, probe)
        })
    }

    /// Returns a function that tells since when the exchange waits for bytes to move, if it does. The time that a
    /// server takes before it responds is none.
    pub(super) fn waiting_since(&self) -> impl Fn() -> Option<Instant> + Send + use<> {
        let shared = self.connection.as_ref().map(|connection| Arc::clone(&connection.shared));
        if let Some(shared) = &shared {
            shared.head_is_partial.store(false, Ordering::Release);
        }
        move || {
            let shared = shared.as_ref()?;
            let probe = &shared.probe;
            let blocked = probe.blocked_since();
            if blocked.is_none() && !shared.head_is_partial.load(Ordering::Acquire) {
                return None;
            }
            let last_moved = probe.last_read().max(probe.last_write());
            Some(blocked.map_or(last_moved, |since| last_moved.max(since)))
        }
    }

    /// Ends the lease without returning the connection to the pool; dropping the returned connection closes it.
    pub(super) fn into_connection(mut self) -> Option<Http1Connection> {
        self.connection.take()
    }
}

impl Drop for Http1Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let shared = Arc::clone(&connection.shared);
        let mut slot = shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.is_ready() {
            drop(slot);
            self.pool.put_http1(connection);
        } else if matches!(*slot, Slot::Taken) && !connection.sender.is_closed() {
            self.pool.begin_return();
            *slot = Slot::Returning { sender: connection.sender, is_expected: true };
            drop(slot);
            shared.task.wake();
        }
    }
}

/// Returns a connection to the pool once it is ready, and tells the pool when the task of the connection has ended,
/// also when the runtime drops it.
struct Driver {
    shared: Arc<Shared>,
    pool: Weak<Pool>,
}

impl Driver {
    /// Ends when the connection can neither be used again nor end by itself.
    fn return_when_ready(&self) -> Poll<()> {
        let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, was_expected) = match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Returning { sender, is_expected } => (sender, is_expected),
            other => {
                *slot = other;
                return Poll::Pending;
            }
        };
        let is_ready = sender.is_ready();
        let returned = if is_ready {
            Some(sender)
        } else {
            // The rest of the request is still on its way, after the response.
            *slot = Slot::Returning { sender, is_expected: false };
            None
        };
        drop(slot);
        if let Some(pool) = self.pool.upgrade() {
            // In this order: a call that waits for this connection must not open another one.
            if let Some(sender) = returned {
                pool.put_http1(Http1Connection { sender, shared: Arc::clone(&self.shared) });
            }
            if was_expected {
                pool.end_return();
            }
        }
        if !is_ready && self.shared.probe.write_has_failed() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let last = {
            let mut slot = self.shared.slot.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *slot, Slot::Ended)
        };
        if let Some(pool) = self.pool.upgrade() {
            if matches!(last, Slot::Returning { is_expected: true, .. }) {
                pool.end_return();
            }
            pool.http1_ended();
        }
    }
}

/// Notes whether the response head that arrives is complete. Once hyper has it, the note has no meaning.
struct WatchHead {
    io: Io,
    /// The last bytes that arrived.
    end: [u8; 4],
    shared: Arc<Shared>,
}

impl AsyncRead for WatchHead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() {
            for &byte in read.get(read.len().saturating_sub(4)..).unwrap_or_default() {
                let [_, second, third, fourth] = self.end;
                self.end = [second, third, fourth, byte];
            }
            // An interim response is complete as well, and then the server thinks again.
            self.shared.head_is_partial.store(self.end != *b"\r\n\r\n", Ordering::Release);
        }
        polled
    }
}

impl AsyncWrite for WatchHead {
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
