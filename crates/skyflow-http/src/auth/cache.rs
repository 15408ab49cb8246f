use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use skyflow_types::LogLevel;
use tokio::sync::Mutex;

use super::{AccessToken, TokenError, TokenFuture, TokenProvider};
use crate::{Clock, LogControl, SystemClock, TARGET};

/// A token is refreshed at most this long before it expires, or 10 % of its lifetime before when that is shorter.
const EARLIEST: Duration = Duration::from_secs(300);

/// So close to its expiry a token may have expired when it arrives, so all callers wait for the next one.
const NEARLY_EXPIRED: Duration = Duration::from_secs(10);

/// How long other calls fail with the error of a failed exchange: between this and 1.5 times this.
const REMEMBERED: Duration = Duration::from_secs(1);

/// The longest pause between early refreshes that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long the one caller that refreshes early waits before it goes on with the current token.
const EARLY_LIMIT: Duration = Duration::from_secs(5);

/// Makes one token of `P` serve many callers.
///
/// While the token is fresh, a call is a load and a comparison: no lock, no allocation, no await. Shortly before it
/// expires (10 % of its lifetime, at most 5 minutes, jittered) one caller refreshes it and the others go on with the
/// current one. Once it has expired, all callers wait and one of them refreshes it. A failed refresh does not take
/// away a token that is still valid, and is remembered for about a second, so that ten thousand callers make one
/// sequence of attempts and get the same error. Nothing runs in the background.
///
/// Expiry is judged by the monotonic clock from the receipt of the token on; a wall clock that jumps changes nothing.
pub struct Cached<P> {
    provider: P,
    clock: Arc<dyn Clock>,
    jitter: fn() -> f64,
    log: LogControl,
    current: ArcSwapOption<Entry>,
    failure: ArcSwapOption<Failure>,
    /// How many exchanges have ended: a caller that waited while this changed takes the outcome, success or failure.
    ended: AtomicU64,
    flight: Mutex<()>,
}

struct Entry {
    token: AccessToken,
    ended: u64,
    /// From here on one caller refreshes.
    refresh_at: Option<Instant>,
    /// From here on all callers wait.
    wait_at: Option<Instant>,
}

struct Failure {
    error: TokenError,
    ended: u64,
    in_a_row: u32,
    shared_until: Instant,
    early_again: Instant,
}

impl<P: TokenProvider> Cached<P> {
    /// Caches the tokens of `provider`.
    pub fn new(provider: P) -> Self {
        Self::with_clock(provider, SystemClock::shared())
    }

    /// Caches the tokens of `provider`, with a clock.
    pub fn with_clock(provider: P, clock: Arc<dyn Clock>) -> Self {
        Self {
            provider,
            clock,
            jitter: fastrand::f64,
            log: LogControl::default(),
            current: ArcSwapOption::empty(),
            failure: ArcSwapOption::empty(),
            ended: AtomicU64::new(0),
            flight: Mutex::new(()),
        }
    }

    /// Obeys a log level that can be changed while it is in use.
    pub fn log_control(mut self, log: LogControl) -> Self {
        self.log = log;
        self
    }

    /// Replaces the source of jitter: a function that returns values from 0 up to, not including, 1.
    pub fn with_jitter(mut self, jitter: fn() -> f64) -> Self {
        self.jitter = jitter;
        self
    }

    /// Returns the provider that is cached.
    pub fn get_ref(&self) -> &P {
        &self.provider
    }

    async fn refresh(&self) -> Result<AccessToken, TokenError> {
        let seen = self.ended.load(Ordering::Acquire);
        if let Some(entry) = self.current.load_full() {
            let now = self.clock.monotonic();
            // Another caller may have refreshed between the call and this first poll.
            if entry.is_fresh_at(now) {
                return Ok(entry.token.clone());
            }
            if entry.wait_at.is_none_or(|wait_at| now < wait_at) {
                return Ok(self.refresh_early(&entry).await.unwrap_or_else(|| entry.token.clone()));
            }
        }
        // A caller that is cancelled while it holds this lock hands it to the next one in line.
        let _flight = self.flight.lock().await;
        let now = self.clock.monotonic();
        let ended = self.ended.load(Ordering::Acquire);
        let while_waiting = |of: u64| ended != seen && of == ended;
        let current = self.current.load_full();
        if let Some(entry) = &current
            && (while_waiting(entry.ended) || entry.wait_at.is_none_or(|wait_at| now < wait_at))
        {
            return Ok(entry.token.clone());
        }
        let still_good = current.map(|entry| entry.token.clone()).filter(|token| !token.is_expired_at(now));
        if let Some(failure) = self.failure.load_full()
            && (while_waiting(failure.ended) || now < failure.shared_until)
        {
            return still_good.ok_or_else(|| failure.error.clone());
        }
        let outcome = self.provider.token().await;
        let outcome = self.finish(outcome);
        outcome.or_else(|error| {
            still_good.filter(|token| !token.is_expired_at(self.clock.monotonic())).ok_or(error)
        })
    }

    /// Refreshes while the token is still valid; `None` when another caller does, or it failed, or failed just now.
    async fn refresh_early(&self, entry: &Entry) -> Option<AccessToken> {
        let _flight = self.flight.try_lock().ok()?;
        let now = self.clock.monotonic();
        if let Some(newer) = self.current.load_full().filter(|newer| newer.ended != entry.ended) {
            return Some(newer.token.clone());
        }
        if self.failure.load().as_ref().is_some_and(|failure| now < failure.early_again) {
            return None;
        }
        let outcome = tokio::select! {
            biased;
            outcome = self.provider.token() => outcome,
            () = self.clock.sleep(EARLY_LIMIT) => Err(TokenError::early_refresh_too_slow()),
        };
        self.finish(outcome).ok()
    }

    /// Records how an exchange ended, while the flight lock is held.
    fn finish(&self, outcome: Result<AccessToken, TokenError>) -> Result<AccessToken, TokenError> {
        let now = self.clock.monotonic();
        let ended = self.ended.load(Ordering::Relaxed) + 1;
        match &outcome {
            Ok(token) => {
                self.current.store(Some(Arc::new(Entry::new(token.clone(), ended, (self.jitter)()))));
                self.failure.store(None);
                if self.log.permits(LogLevel::Debug) {
                    tracing::debug!(
                        target: TARGET,
                        product = self.log.product(),
                        lifetime_s = token.lifetime().map(|life| life.as_secs()),
                        "got a new token"
                    );
                }
            }
            Err(error) => {
                let in_a_row = self.failure.load().as_ref().map_or(0, |failure| failure.in_a_row);
                let pause = REMEMBERED.saturating_mul(1 << in_a_row.min(10)).min(LONGEST_PAUSE);
                let stretch = 1.0 + 0.5 * (self.jitter)();
                if self.log.permits(LogLevel::Warn) {
                    let status = error.status().map(|status| status.as_u16());
                    tracing::warn!(
                        target: TARGET,
                        product = self.log.product(),
                        kind = ?error.kind(),
                        status,
                        "no new token"
                    );
                }
                self.failure.store(Some(Arc::new(Failure {
                    error: error.clone(),
                    ended,
                    in_a_row: in_a_row.saturating_add(1),
                    shared_until: now + REMEMBERED.mul_f64(stretch),
                    early_again: now + pause.mul_f64(stretch),
                })));
            }
        }
        self.ended.store(ended, Ordering::Release);
        outcome
    }
}

impl Entry {
    fn new(token: AccessToken, ended: u64, jitter: f64) -> Self {
        let life = token.lifetime().zip(token.expires_at());
        let before_end = |share: u32, most: Duration, stretch: f64| {
            let (life, end) = life?;
            // Never in the first tenth of the lifetime: jitter stretches a tenth by a fifth at most.
            end.checked_sub((life / share).min(most).mul_f64(stretch))
        };
        let refresh_at = before_end(10, EARLIEST, 1.0 + 0.2 * jitter);
        let wait_at = before_end(50, NEARLY_EXPIRED, 1.0);
        Self { token, ended, refresh_at, wait_at }
    }

    fn is_fresh_at(&self, now: Instant) -> bool {
        self.refresh_at.is_none_or(|refresh_at| now < refresh_at)
    }
}

impl<P: TokenProvider> TokenProvider for Cached<P> {
    /// Returns the current token, or mints one.
    ///
    /// # Cancel safety
    ///
    /// A caller that is dropped while it refreshes hands over to the next one in line.
    fn token(&self) -> TokenFuture<'_> {
        match self.peek() {
            Some(token) => TokenFuture::ready(Ok(token)),
            None => TokenFuture::new(self.refresh()),
        }
    }

    fn peek(&self) -> Option<AccessToken> {
        let current = self.current.load();
        let entry = current.as_ref().filter(|entry| entry.is_fresh_at(self.clock.monotonic()))?;
        Some(entry.token.clone())
    }

    fn can_refresh(&self) -> bool {
        self.provider.can_refresh()
    }

    /// Drops `rejected`, and only that: a newer token stays.
    fn invalidate(&self, rejected: &AccessToken) {
        let current = self.current.load();
        if current.as_ref().is_some_and(|entry| entry.token.is_same(rejected)) {
            // Another caller may have put a newer token there meanwhile; then this changes nothing.
            self.current.compare_and_swap(&*current, None);
        }
        self.provider.invalidate(rejected);
    }
}

impl<P: fmt::Debug> fmt::Debug for Cached<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cached").field(&self.provider).finish()
    }
}
