//! An exchange under way: it belongs to the cache, and ends whether or not a caller still waits for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};
use tokio::task::AbortHandle;

use super::{AccessToken, TokenError};
use crate::sync::{Mutex, MutexGuard, Once, Wake};

/// How long callers on one runtime wait for an exchange on another one: that runtime may not be driven any more.
pub(super) const HANDOVER: Duration = Duration::from_secs(5);

/// The outcome of an exchange.
#[derive(Clone)]
pub(super) enum Landing {
    /// The provider returned a token or an error.
    Outcome(Result<AccessToken, TokenError>),
    /// The credentials are the same as before, so no token was exchanged.
    Unchanged,
    /// The runtime that drove the exchange has ended.
    Lost,
}

/// Drives an exchange to its end and reports it.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One exchange, shared by all callers that wait for it.
pub(super) struct Flight {
    started: Instant,
    /// The runtime that drives it; without one, the callers that wait drive it.
    runtime: Option<Id>,
    /// Without a runtime: taken by the caller whose turn it is.
    driver: Mutex<Option<Driver>>,
    landing: Once<Landing>,
    /// Wakes the callers that wait, at the end and for a turn.
    wake: Wake,
    task: OnceLock<AbortHandle>,
}

impl Flight {
    pub(super) fn new(started: Instant, runtime: Option<&Handle>) -> Arc<Self> {
        Arc::new(Self {
            started,
            runtime: runtime.map(Handle::id),
            driver: Mutex::new(None),
            landing: Once::new(),
            wake: Wake::new(),
            task: OnceLock::new(),
        })
    }

    /// Lets the callers that wait drive the exchange, one at a time.
    pub(super) fn driven_by_waiters(&self, driver: Driver) {
        *self.turn() = Some(driver);
    }

    fn turn(&self) -> MutexGuard<'_, Option<Driver>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the driver, and makes a task of it when it is not ready at once.
    pub(super) async fn drive(&self, mut driver: Driver, runtime: &Handle) {
        if poll_once(&mut driver).await.is_none() {
            let _ = self.task.set(runtime.spawn(driver).abort_handle());
        }
    }

    /// Tells whether a caller on `runtime` may wait for it.
    pub(super) fn is_alive(&self, now: Instant, limit: Duration, runtime: Option<Id>) -> bool {
        let age = now.saturating_duration_since(self.started);
        let is_near = self.runtime.is_none() || self.runtime == runtime;
        self.landing.get().is_none() && age < limit && (is_near || age < HANDOVER)
    }

    /// Tells whether it has been under way for longer than exchanges usually take.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.started) >= HANDOVER
    }

    /// Returns how long a caller on `runtime` waits before it looks again; `None` when it waits until the end.
    pub(super) fn handover(&self, now: Instant, runtime: Option<Id>) -> Option<Duration> {
        let is_near = self.runtime.is_none() || self.runtime == runtime;
        (!is_near).then(|| HANDOVER.saturating_sub(now.saturating_duration_since(self.started)))
    }

    /// Tells whether waiting for it is what drives it.
    pub(super) fn needs_waiters(&self) -> bool {
        self.runtime.is_none()
    }

    pub(super) fn has_landed(&self) -> bool {
        self.landing.get().is_some()
    }

    /// Ends it, for all that wait; only the first end counts.
    pub(super) fn land(&self, landing: Landing) {
        self.landing.set(landing);
        self.wake.all();
    }

    /// Waits for the end, and drives the exchange if no runtime does.
    pub(super) async fn wait(&self) -> Landing {
        loop {
            let woken = self.wake.woken();
            if let Some(landing) = self.landing.get() {
                return landing;
            }
            let driver = self.turn().take();
            match driver {
                Some(driver) => Turn { flight: self, driver: Some(driver) }.await,
                None => woken.await,
            }
        }
    }

    /// Returns the end if it is there, after one poll where that drives the exchange.
    pub(super) async fn look(&self) -> Option<Landing> {
        poll_once(&mut std::pin::pin!(self.wait())).await
    }
}

/// A caller that drives an exchange, and passes it on when it is dropped.
struct Turn<'a> {
    flight: &'a Flight,
    driver: Option<Driver>,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(driver) = &mut self.driver else { return Poll::Ready(()) };
        ready!(driver.as_mut().poll(cx));
        self.driver = None;
        Poll::Ready(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            *self.flight.turn() = Some(driver);
            self.flight.wake.all();
        }
    }
}

/// Polls a future once; `None` when it is not ready.
async fn poll_once<F: Future + ?Sized>(
    future: &mut Pin<impl std::ops::DerefMut<Target = F>>,
) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Neither the cache nor a caller can use the token any more.
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
}
