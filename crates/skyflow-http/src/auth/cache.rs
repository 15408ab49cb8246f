use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use skyflow_types::LogLevel;
use tokio::runtime::Handle;

use super::entry::Entry;
use super::flight::{Driver, Flight, HANDOVER, Landing};
use super::{AccessToken, TokenError, TokenErrorKind, TokenFuture, TokenProvider};
use crate::sync::{Mutex, MutexGuard, Swap};
use crate::{Clock, LogControl, SystemClock, TARGET};

/// How long other calls fail with the error of a failed exchange: between this and 1.5 times this.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The longest pause between early refreshes that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The time for one exchange unless another one is set.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(60);

/// How many rejected tokens are replaced in a row; one more for each second that passes.
const REPLACEMENTS: u32 = 10;

/// How many times a call starts an exchange again whose runtime has ended.
const RESTARTS: u32 = 4;

/// Makes one token of `P` serve many callers.
///
/// While the token is valid, a call is a load and a comparison: no lock, no allocation, no await. Shortly before it
/// expires (10 % of its lifetime, at most 5 minutes, jittered) one exchange starts in the background, and all callers
/// keep the current token. Once it has expired, all callers wait for the exchange.
///
/// An exchange belongs to the cache, not to the caller that starts it. A task of the caller's tokio runtime drives it,
/// and without a runtime the callers that wait for it do. A caller that is dropped, or reaches its deadline, does not
/// end it; its own time limit does ([`Cached::exchange_timeout`]). When its runtime ends before it, the next caller
/// starts it again, and callers on another runtime do so after 5 seconds. A call that joins an exchange of 5 seconds or
/// more, and sees it fail, starts another one: a runtime that is driven only during calls lets time limits pass between
/// them.
///
/// A failed refresh does not take away a token that is still valid, and is remembered for about a second, so that ten
/// thousand callers make one sequence of attempts and get the same error. Expired tokens are replaced at most once a
/// second, and rejected ones ([`TokenProvider::invalidate`]) 10 times in a row and then once a second.
///
/// Credentials that can change ([`TokenProvider::changed`]) are checked every 30 seconds while the token is in use.
///
/// Expiry is judged by the monotonic clock from the receipt of the token on; a wall clock that jumps changes nothing.
pub struct Cached<P> {
    provider: Arc<P>,
    settings: Settings,
    state: Arc<State>,
}

#[derive(Clone)]
struct Settings {
    clock: Arc<dyn Clock>,
    jitter: fn() -> f64,
    log: LogControl,
    limit: Duration,
}

/// What callers and the exchange under way share.
struct State {
    current: Swap<Entry>,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    flight: Option<Arc<Flight>>,
    failure: Option<Failure>,
    replaced: Replaced,
}

struct Failure {
    flight: Weak<Flight>,
    error: TokenError,
    in_a_row: u32,
    shared_until: Instant,
}

/// Counts the rejected tokens that were replaced shortly before.
#[derive(Default)]
struct Replaced {
    tokens: u32,
    since: Option<Instant>,
}

/// What a call does next.
enum Step {
    Serve(AccessToken),
    Fail(TokenError),
    /// Waits for an exchange, or only looks at it while there is a valid token. `Launch` is present when the call
    /// starts it.
    Join(Arc<Flight>, Option<Launch>, Option<AccessToken>),
}

/// An exchange that is to be driven by a task.
struct Launch {
    driver: Driver,
    runtime: Handle,
}

impl<P: TokenProvider> Cached<P> {
    /// Caches the tokens of `provider`.
    pub fn new(provider: P) -> Self {
        Self::with_clock(provider, SystemClock::shared())
    }

    /// Caches the tokens of `provider`, with a clock.
    pub fn with_clock(provider: P, clock: Arc<dyn Clock>) -> Self {
        let log = LogControl::default();
        let settings = Settings { clock, jitter: fastrand::f64, log, limit: EXCHANGE_LIMIT };
        Self { provider: Arc::new(provider), settings, state: Arc::new(State::new()) }
    }

    /// Obeys a log level that can be changed while it is in use.
    pub fn log_control(mut self, log: LogControl) -> Self {
        self.settings.log = log;
        self
    }

    /// Replaces the source of jitter: a function that returns values from 0 up to, not including, 1.
    pub fn with_jitter(mut self, jitter: fn() -> f64) -> Self {
        self.settings.jitter = jitter;
        self
    }

    /// Sets the time for one exchange, retries included; 60 s by default.
    pub fn exchange_timeout(mut self, limit: Duration) -> Self {
        self.settings.limit = limit;
        self
    }

    /// Returns the provider that is cached.
    pub fn get_ref(&self) -> &P {
        &self.provider
    }

    async fn refresh(&self) -> Result<AccessToken, TokenError> {
        // An old exchange that this call has joined and seen fail.
        let mut late: Option<Arc<Flight>> = None;
        for _ in 0..RESTARTS {
            let (flight, launch, valid) = match self.next_step(late.as_ref()) {
                Step::Serve(token) => return Ok(token),
                Step::Fail(error) => return Err(error),
                Step::Join(flight, launch, valid) => (flight, launch, valid),
            };
            // A runtime that was not driven meanwhile may have let the time limits of an older exchange pass.
            let joins_late = launch.is_none() && flight.is_old(self.settings.clock.monotonic());
            if let Some(Launch { driver, runtime }) = launch {
                flight.drive(driver, &runtime).await;
            }
            if let Some(valid) = valid {
                return Ok(match flight.look().await {
                    Some(Landing::Outcome(Ok(token))) => token,
                    _ => valid,
                });
            }
            match self.wait(&flight).await {
                Some(Landing::Outcome(Err(_))) if joins_late && late.is_none() => late = Some(flight),
                Some(Landing::Outcome(outcome)) => return outcome,
                Some(Landing::Unchanged | Landing::Lost) | None => {}
            }
        }
        Err(unavailable("the runtime of the token exchange has ended"))
    }

    /// Waits for an exchange; `None` when it runs elsewhere and takes too long.
    async fn wait(&self, flight: &Flight) -> Option<Landing> {
        let clock = &self.settings.clock;
        match flight.handover(clock.monotonic(), current_runtime().as_ref().map(Handle::id)) {
            None => Some(flight.wait().await),
            Some(pause) => tokio::select! {
                biased;
                landing = flight.wait() => Some(landing),
                () = clock.sleep(pause) => None,
            },
        }
    }

    /// Decides what a call does; the failure of `late` does not count.
    fn next_step(&self, late: Option<&Arc<Flight>>) -> Step {
        let mut slot = self.state.lock();
        let now = self.settings.clock.monotonic();
        let runtime = current_runtime();
        let limit = self.settings.limit;
        let is_alive = |flight: &&Arc<Flight>| flight.is_alive(now, limit, runtime.as_ref().map(Handle::id));
        let under_way = slot.flight.as_ref().filter(is_alive).cloned();
        let Some(entry) = self.state.current.load().filter(|entry| entry.is_valid_at(now)) else {
            if let Some(flight) = under_way {
                return Step::Join(flight, None, None);
            }
            let is_late =
                |failure: &Failure| late.is_some_and(|late| failure.flight.as_ptr() == Arc::as_ptr(late));
            let failure = slot.failure.as_ref().filter(|failure| now < failure.shared_until);
            if let Some(failure) = failure.filter(|failure| !is_late(failure)) {
                return Step::Fail(failure.error.clone());
            }
            let (flight, launch) = self.launch(&mut slot, now, runtime, false);
            return Step::Join(flight, launch, None);
        };
        // Another caller may have refreshed between the call and this first poll.
        if entry.is_settled_at(now) {
            return Step::Serve(entry.token().clone());
        }
        let valid = Some(entry.token().clone());
        let (flight, launch) = match under_way {
            Some(flight) => (flight, None),
            None => self.launch(&mut slot, now, runtime, !entry.is_due_at(now)),
        };
        // What callers drive has to be polled by the next one too.
        if !flight.needs_waiters() {
            entry.settle_until(now + HANDOVER);
        }
        Step::Join(flight, launch, valid)
    }

    /// Starts an exchange; if `only_after_a_change`, it ends when the credentials are the same as before.
    fn launch(
        &self,
        slot: &mut Slot,
        now: Instant,
        runtime: Option<Handle>,
        only_after_a_change: bool,
    ) -> (Arc<Flight>, Option<Launch>) {
        let flight = Flight::new(now, runtime.as_ref());
        let (provider, settings) = (Arc::clone(&self.provider), self.settings.clone());
        let has_timer = runtime.is_some();
        let report = Report { state: Arc::downgrade(&self.state), flight: Arc::downgrade(&flight), settings };
        let driver: Driver = Box::pin(async move {
            let watched = provider.changed().is_some();
            let exchange = async {
                if only_after_a_change && !changed(&*provider).await {
                    return Landing::Unchanged;
                }
                Landing::Outcome(provider.token().await)
            };
            let (clock, limit) = (&report.settings.clock, report.settings.limit);
            let landing = if has_timer {
                tokio::select! {
                    biased;
                    landing = exchange => landing,
                    () = clock.sleep(limit) => Landing::Outcome(Err(unavailable("the token exchange did not end in time"))),
                }
            } else {
                exchange.await
            };
            report.land(landing, watched);
        });
        slot.flight = Some(Arc::clone(&flight));
        match runtime {
            Some(runtime) => (flight, Some(Launch { driver, runtime })),
            None => {
                flight.driven_by_waiters(driver);
                (flight, None)
            }
        }
    }
}

fn unavailable(text: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Unavailable, text)
}

fn current_runtime() -> Option<Handle> {
    Handle::try_current().ok()
}

async fn changed(provider: &impl TokenProvider) -> bool {
    match provider.changed() {
        Some(changed) => changed.await,
        None => false,
    }
}

impl State {
    fn new() -> Self {
        Self { current: Swap::new(), slot: Mutex::new(Slot::default()) }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports the end of an exchange to the cache and to the callers, also when its driver is dropped.
struct Report {
    state: Weak<State>,
    flight: Weak<Flight>,
    settings: Settings,
}

impl Report {
    fn land(&self, landing: Landing, watched: bool) {
        let Some(flight) = self.flight.upgrade() else { return };
        if let Some(state) = self.state.upgrade() {
            self.note(&state, &flight, &landing, watched);
        }
        flight.land(landing);
    }

    fn note(&self, state: &State, flight: &Arc<Flight>, landing: &Landing, watched: bool) {
        let mut slot = state.lock();
        let is_latest = slot.flight.as_ref().is_some_and(|latest| Arc::ptr_eq(latest, flight));
        if is_latest {
            slot.flight = None;
        }
        let now = self.settings.clock.monotonic();
        let current = || state.current.load();
        match landing {
            Landing::Outcome(Ok(token)) => {
                let entry = Entry::new(token.clone(), now, (self.settings.jitter)(), watched);
                state.current.store(Some(Arc::new(entry)));
                slot.failure = None;
                drop(slot);
                self.log_token(token);
            }
            // The exchange that replaced this one decides.
            _ if !is_latest => {}
            Landing::Outcome(Err(error)) => {
                let pause = self.remember(&mut slot, error, now);
                current().iter().for_each(|entry| entry.settle_until(now + pause));
                drop(slot);
                self.log_failure(error);
            }
            Landing::Unchanged => current().iter().for_each(|entry| entry.settle(now)),
            Landing::Lost => current().iter().for_each(|entry| entry.settle_until(now)),
        }
    }

    /// Remembers a failure; returns the time until the next early refresh.
    fn remember(&self, slot: &mut Slot, error: &TokenError, now: Instant) -> Duration {
        let in_a_row = slot.failure.as_ref().map_or(0, |failure| failure.in_a_row);
        let pause = REMEMBERED.saturating_mul(1 << in_a_row.min(10)).min(LONGEST_PAUSE);
        let stretch = 1.0 + 0.5 * (self.settings.jitter)();
        slot.failure = Some(Failure {
            flight: Weak::clone(&self.flight),
            error: error.clone(),
            in_a_row: in_a_row.saturating_add(1),
            shared_until: now + REMEMBERED.mul_f64(stretch),
        });
        pause.mul_f64(stretch)
    }

    fn log_token(&self, token: &AccessToken) {
        let log = &self.settings.log;
        #[cfg(feature = "metrics")]
        crate::metrics::token_exchanged(log.product(), None);
        if log.permits(LogLevel::Debug) {
            let lifetime_s = token.lifetime().map(|life| life.as_secs());
            tracing::debug!(target: TARGET, product = log.product(), lifetime_s, "got a new token");
        }
    }

    fn log_failure(&self, error: &TokenError) {
        let log = &self.settings.log;
        #[cfg(feature = "metrics")]
        crate::metrics::token_exchanged(log.product(), Some(error.kind()));
        if log.permits(LogLevel::Warn) {
            let status = error.status().map(|status| status.as_u16());
            tracing::warn!(target: TARGET, product = log.product(), kind = ?error.kind(), status, "no new token");
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let landed = self.flight.upgrade().is_none_or(|flight| flight.has_landed());
        if !landed {
            let lost = match std::thread::panicking() {
                true => Landing::Outcome(Err(TokenError::provider("the token provider panicked"))),
                false => Landing::Lost,
            };
            self.land(lost, false);
        }
    }
}

impl Replaced {
    /// Tells whether one more rejected token may be replaced at `now`.
    fn allow(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let seconds = now.saturating_duration_since(since).as_secs();
        self.tokens = self.tokens.saturating_sub(u32::try_from(seconds).unwrap_or(u32::MAX));
        self.since = Some(if self.tokens == 0 { now } else { since + Duration::from_secs(seconds) });
        let allowed = self.tokens < REPLACEMENTS;
        self.tokens += u32::from(allowed);
        allowed
    }
}

impl<P: TokenProvider> TokenProvider for Cached<P> {
    /// Returns the current token, or mints one.
    ///
    /// # Cancel safety
    ///
    /// A caller that is dropped does not end the exchange that it waits for.
    fn token(&self) -> TokenFuture<'_> {
        match self.peek() {
            Some(token) => TokenFuture::ready(Ok(token)),
            None => TokenFuture::new(self.refresh()),
        }
    }

    fn peek(&self) -> Option<AccessToken> {
        let now = self.settings.clock.monotonic();
        self.state
            .current
            .read(|entry| entry.filter(|entry| entry.is_settled_at(now)).map(|entry| entry.token().clone()))
    }

    fn can_refresh(&self) -> bool {
        self.provider.can_refresh()
    }

    /// Drops `rejected`, and only that: a newer token stays.
    fn invalidate(&self, rejected: &AccessToken) {
        let mut slot = self.state.lock();
        let is_current =
            self.state.current.read(|entry| entry.is_some_and(|entry| entry.token().is_same(rejected)));
        if is_current && slot.replaced.allow(self.settings.clock.monotonic()) {
            self.state.current.store(None);
        }
        drop(slot);
        self.provider.invalidate(rejected);
    }
}

impl<P: fmt::Debug> fmt::Debug for Cached<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cached").field(&self.provider).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_limited_and_refilled() {
        let start = SystemClock.monotonic();
        let mut replaced = Replaced::default();
        let allowed = |replaced: &mut Replaced, ms: u64| {
            (0..20).filter(|_| replaced.allow(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(allowed(&mut replaced, 0), 10);
        assert_eq!(allowed(&mut replaced, 999), 0);
        assert_eq!(allowed(&mut replaced, 1_000), 1);
        assert_eq!(allowed(&mut replaced, 1_999), 0);
        assert_eq!(allowed(&mut replaced, 3_500), 2);
        assert_eq!(allowed(&mut replaced, 3_999), 0, "the rest of a second counts for the next one");
        assert_eq!(allowed(&mut replaced, 4_000), 1);
        assert_eq!(allowed(&mut replaced, 100_000), 10);
    }
}
