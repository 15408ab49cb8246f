//! What moves over a connection: when bytes last moved and how many, and the end of transfers that no longer move.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

pub(super) use self::meter::Meter;
use crate::Clock;
use crate::clock::Sleep;

/// Notes when bytes move over a connection. Times are microseconds since the connection was opened.
pub(super) struct Traffic {
    clock: Arc<dyn Clock>,
    opened: Instant,
    last_read: AtomicU64,
    last_write: AtomicU64,
    full_since: AtomicU64,
}

/// The operating system takes more bytes.
const NOT_FULL: u64 = u64::MAX;

impl Traffic {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let opened = clock.monotonic();
        Self {
            clock,
            opened,
            last_read: AtomicU64::new(0),
            last_write: AtomicU64::new(0),
            full_since: AtomicU64::new(NOT_FULL),
        }
    }

    pub(super) fn note_read(&self) {
        self.last_read.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn note_write(&self) {
        self.last_write.store(self.now(), Ordering::Relaxed);
        self.full_since.store(NOT_FULL, Ordering::Release);
    }

    /// Notes that bytes wait because the operating system takes no more.
    pub(super) fn note_full(&self) {
        if self.full_since.load(Ordering::Relaxed) == NOT_FULL {
            self.full_since.store(self.now(), Ordering::Release);
        }
    }

    pub(super) fn last_read(&self) -> Instant {
        self.at(self.last_read.load(Ordering::Relaxed))
    }

    pub(super) fn last_write(&self) -> Instant {
        self.at(self.last_write.load(Ordering::Relaxed))
    }

    pub(super) fn blocked_since(&self) -> Option<Instant> {
        match self.full_since.load(Ordering::Acquire) {
            NOT_FULL => None,
            since => Some(self.at(since)),
        }
    }

    fn now(&self) -> u64 {
        let since_opened = self.clock.monotonic().saturating_duration_since(self.opened);
        u64::try_from(since_opened.as_micros()).unwrap_or(NOT_FULL - 1)
    }

    fn at(&self, micros: u64) -> Instant {
        self.opened.checked_add(Duration::from_micros(micros)).unwrap_or(self.opened)
    }
}

/// How long a transfer may stall, and the clock that measures it.
#[derive(Debug, Clone)]
pub(super) struct StallLimit {
    after: Duration,
    clock: Arc<dyn Clock>,
}

/// Reports that no byte moved for too long.
#[derive(Debug, thiserror::Error)]
#[error("no byte moved for {after:?}")]
pub(super) struct Stalled {
    after: Duration,
}

impl StallLimit {
    pub(super) fn new(after: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { after, clock }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.monotonic()
    }

    /// Waits for a response, unless the transfer stalls first. `waiting_since` returns since when bytes wait and none
    /// moves, or `None` while there is nothing to move.
    pub(super) async fn watch<F: Future>(
        &self,
        exchange: F,
        waiting_since: impl Fn() -> Option<Instant>,
    ) -> Result<F::Output, Stalled> {
        let mut exchange = pin!(exchange);
        let mut timer = StallTimer::default();
        poll_fn(|cx| match exchange.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Ok(outcome)),
            Poll::Pending => timer.poll(self, &waiting_since, cx).map(Err),
        })
        .await
    }
}

/// The timer of one transfer. It starts with its first poll.
#[derive(Default)]
pub(super) struct StallTimer(Option<Sleep>);

impl StallTimer {
    /// Is ready when the transfer has stalled. Whatever has moved since the timer was set is taken into account when it
    /// fires, so that a transfer costs one timer and not one for each movement.
    pub(super) fn poll(
        &mut self,
        limit: &StallLimit,
        waiting_since: impl Fn() -> Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<Stalled> {
        let sleep = self.0.get_or_insert_with(|| limit.clock.sleep(limit.after));
        ready!(sleep.as_mut().poll(cx));
        let waited = waiting_since().map(|since| limit.now().saturating_duration_since(since));
        let left = limit.after.saturating_sub(waited.unwrap_or_default());
        if left.is_zero() {
            return Poll::Ready(Stalled { after: limit.after });
        }
        let mut sleep = limit.clock.sleep(left);
        if sleep.as_mut().poll(cx).is_ready() {
            // The clock has moved meanwhile.
            cx.waker().wake_by_ref();
        }
        self.0 = Some(sleep);
        Poll::Pending
    }
}

/// Counts a connection and its bytes.
#[cfg(feature = "metrics")]
mod meter {
    use ::metrics::{Counter, Gauge, Label, counter, gauge};

    use crate::metrics::{OPEN_CONNECTIONS, RECEIVED_BYTES, SENT_BYTES};

    /// The metrics of an open connection.
    pub(in super::super) struct Meter {
        open: Gauge,
        sent: Counter,
        received: Counter,
    }

    impl Meter {
        pub(in super::super) fn new(host: &str) -> Self {
            let labels = vec![Label::new("server.address", host.to_owned())];
            let open = gauge!(OPEN_CONNECTIONS.name, labels.clone());
            open.increment(1.0);
            let sent = counter!(SENT_BYTES.name, labels.clone());
            Self { open, sent, received: counter!(RECEIVED_BYTES.name, labels) }
        }

        pub(in super::super) fn sent(&self, bytes: usize) {
            self.sent.increment(whole(bytes));
        }

        pub(in super::super) fn received(&self, bytes: usize) {
            self.received.increment(whole(bytes));
        }
    }

    impl Drop for Meter {
        fn drop(&mut self) {
            self.open.decrement(1.0);
        }
    }

    fn whole(bytes: usize) -> u64 {
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// Counts nothing.
#[cfg(not(feature = "metrics"))]
mod meter {
    pub(in super::super) struct Meter;

    impl Meter {
        pub(in super::super) fn new(_: &str) -> Self {
            Self
        }

        pub(in super::super) fn sent(&self, _: usize) {}

        pub(in super::super) fn received(&self, _: usize) {}
    }
}
