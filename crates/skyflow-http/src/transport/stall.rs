//! Ends transfers that have begun and no longer move.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::Clock;
use crate::clock::Sleep;

/// How long a transfer may stand still, and the clock that measures it.
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
