//! Futures under control: polled by hand, or watched so that a hang is a failure and not a standstill.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use skyflow_http::{Clock, SystemClock};

/// Waits for `future`. What does not end in 20 s of real time never will, and fails the test.
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
pub async fn until(condition: impl Fn() -> bool) {
    in_time(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A future polled by hand, one step at a time.
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

    /// Polls it once; nobody is woken.
    pub fn step(&mut self) -> Poll<F::Output> {
        self.0.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
}
