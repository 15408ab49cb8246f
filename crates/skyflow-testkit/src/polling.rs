//! Futures polled by hand, or watched so that a hang fails the test.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use skyflow_http::{Clock, SystemClock};

/// Waits for `future`, and fails the test after 20 s of real time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(skyflow_testkit::polling::in_time(async { 7 }).await, 7);
/// # }
/// ```
///
/// # Panics
///
/// Panics when the future is not ready in time.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut watchdog = SystemClock.sleep(Duration::from_secs(20));
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(output),
        Poll::Pending => {
            assert!(watchdog.as_mut().poll(cx).is_pending(), "the test hangs");
            Poll::Pending
        }
    })
    .await
}

/// Lets other tasks run until `condition` holds.
///
/// # Panics
///
/// Panics when it does not hold within 20 s of real time.
pub async fn until(condition: impl Fn() -> bool) {
    in_time(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A future polled by hand, one step at a time.
///
/// ```
/// use std::task::Poll;
/// use skyflow_http::{Clock, ManualClock};
/// use skyflow_testkit::polling::Stepped;
///
/// let clock = ManualClock::new();
/// let mut sleep = Stepped::new(clock.sleep(std::time::Duration::from_secs(1)));
/// assert_eq!(sleep.step(), Poll::Pending);
/// clock.advance(std::time::Duration::from_secs(1));
/// assert_eq!(sleep.step(), Poll::Ready(()));
/// ```
pub struct Stepped<F: Future>(Pin<Box<F>>);

impl<F: Future> Stepped<F> {
    /// Takes a future and does not poll it yet.
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }

    /// Returns the future, to be awaited.
    pub fn into_inner(self) -> Pin<Box<F>> {
        self.0
    }

    /// Polls it once. A waker that it registers does nothing.
    pub fn step(&mut self) -> Poll<F::Output> {
        self.0.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> std::fmt::Debug for Stepped<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stepped")
    }
}
