//! Time, injected: the only file that asks the operating system what time it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

/// A future that ends after a pause.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time. Everything in this workspace that waits or compares times takes one, so that tests can move it.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns a point on a clock that never goes back.
    fn monotonic(&self) -> Instant;

    /// Returns the time of day.
    fn now(&self) -> SystemTime;

    /// Returns a future that ends after `pause`.
    fn sleep(&self, pause: Duration) -> Sleep;
}

/// The clock of the operating system; it sleeps on tokio's timer.
///
/// A paused clock of tokio (`tokio::time::pause`, `start_paused`) moves on whenever every task waits, also for a socket:
/// its time limits end before a real server can respond. Use it with services in memory, and [`ManualClock`] with
/// sockets.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Returns it as a shared [`Clock`].
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the door")]
impl Clock for SystemClock {
    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, pause: Duration) -> Sleep {
        Box::pin(async move { tokio::time::sleep(pause).await })
    }
}

/// A clock that only moves when told to, for tests of code that waits.
///
/// ```
/// use std::time::Duration;
/// use skyflow_http::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let start = clock.monotonic();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.monotonic() - start, Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

struct Manual {
    monotonic: Instant,
    now: SystemTime,
    auto_advance: bool,
    slept: Vec<Duration>,
    waiting: Vec<Waiting>,
    next_id: u64,
}

struct Waiting {
    id: u64,
    until: Instant,
    waker: Waker,
}

impl ManualClock {
    /// Starts at the current time, stopped.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Manual {
            monotonic: Instant::now(),
            now: SystemTime::now(),
            auto_advance: false,
            slept: Vec::new(),
            waiting: Vec::new(),
            next_id: 0,
        })))
    }

    /// Starts at the current time; a sleep advances the clock by its pause and ends at once.
    pub fn auto_advancing() -> Self {
        let clock = Self::new();
        clock.lock().auto_advance = true;
        clock
    }

    /// Moves both clocks forward and wakes the sleepers whose pause has passed.
    pub fn advance(&self, by: Duration) {
        let woken: Vec<Waker> = {
            let mut state = self.lock();
            state.monotonic += by;
            state.now += by;
            let present = state.monotonic;
            let (due, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.waiting).into_iter().partition(|sleeper| sleeper.until <= present);
            state.waiting = waiting;
            due.into_iter().map(|sleeper| sleeper.waker).collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Sets the time of day without moving the monotonic clock, as an administrator or NTP would.
    pub fn set_now(&self, now: SystemTime) {
        self.lock().now = now;
    }

    /// Returns every pause that was requested, in order.
    pub fn slept(&self) -> Vec<Duration> {
        self.lock().slept.clone()
    }

    /// Returns how many sleepers are waiting for the clock to move.
    pub fn sleepers(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, Manual> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManualClock")
    }
}

impl Clock for ManualClock {
    fn monotonic(&self) -> Instant {
        self.lock().monotonic
    }

    fn now(&self) -> SystemTime {
        self.lock().now
    }

    fn sleep(&self, pause: Duration) -> Sleep {
        Box::pin(ManualSleep { clock: self.clone(), pause, started: None })
    }
}

struct ManualSleep {
    clock: ManualClock,
    pause: Duration,
    /// The id of this sleeper and the end of its pause; known from the first poll on.
    started: Option<(u64, Instant)>,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let (id, until) = match self.started {
            Some(started) => started,
            None => {
                let mut state = clock.lock();
                state.slept.push(self.pause);
                state.next_id += 1;
                let started = (state.next_id, state.monotonic + self.pause);
                let auto = state.auto_advance;
                drop(state);
                self.started = Some(started);
                if auto {
                    clock.advance(self.pause);
                }
                started
            }
        };
        let mut state = clock.lock();
        state.waiting.retain(|sleeper| sleeper.id != id);
        if state.monotonic >= until {
            return Poll::Ready(());
        }
        state.waiting.push(Waiting { id, until, waker: cx.waker().clone() });
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        if let Some((id, _)) = self.started {
            self.clock.lock().waiting.retain(|sleeper| sleeper.id != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn sleeper_wakes_when_its_pause_has_passed() {
        let clock = ManualClock::new();
        let task = tokio::spawn(clock.sleep(Duration::from_secs(10)));
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        clock.advance(Duration::from_secs(1));
        task.await.unwrap();
    }

    #[test]
    fn auto_advancing_clock_records_each_pause() {
        let clock = ManualClock::auto_advancing();
        let start = clock.monotonic();
        for seconds in [1, 2] {
            assert!(clock.sleep(Duration::from_secs(seconds)).now_or_never().is_some());
        }
        assert_eq!(clock.slept(), [Duration::from_secs(1), Duration::from_secs(2)]);
        assert_eq!(clock.monotonic() - start, Duration::from_secs(3));
    }
}
