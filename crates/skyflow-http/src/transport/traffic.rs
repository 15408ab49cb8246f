//! When bytes last moved over a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Clock;

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
