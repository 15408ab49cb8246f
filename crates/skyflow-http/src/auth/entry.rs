//! A token in a cache, and the points in time that decide what a call does with it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::AccessToken;
use crate::sync::AtomicU64;

/// A token is refreshed at most this long before it expires, or 10 % of its lifetime before when that is shorter.
const EARLIEST: Duration = Duration::from_secs(300);

/// Every token is used for this long, whatever its lifetime: it limits how often tokens are minted.
const SHORTEST: Duration = Duration::from_secs(1);

/// How often credentials that can change are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// A token in use.
pub(super) struct Entry {
    token: AccessToken,
    received: Instant,
    /// From here on it is refreshed.
    refresh_at: Option<Instant>,
    /// From here on it is not used.
    end: Option<Instant>,
    watched: bool,
    /// The nanoseconds after `received` for which the token is used without any other check.
    settled: AtomicU64,
}

impl Entry {
    /// Takes a token that was received at `received`; `watched` if its credentials can change.
    pub(super) fn new(token: AccessToken, received: Instant, jitter: f64, watched: bool) -> Self {
        let shortest = received + SHORTEST;
        let end = token.expires_at().map(|end| end.max(shortest));
        let refresh_at = token.lifetime().zip(token.expires_at()).map(|(life, end)| {
            // Never in the first tenth of the lifetime: jitter stretches a tenth by a fifth at most.
            let before_end = (life / 10).min(EARLIEST).mul_f64(1.0 + 0.2 * jitter);
            end.checked_sub(before_end).unwrap_or(end).max(shortest)
        });
        let entry = Self { token, received, refresh_at, end, watched, settled: AtomicU64::new(0) };
        entry.settle(received);
        entry
    }

    pub(super) fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Tells whether the token is used without any other check.
    pub(super) fn is_settled_at(&self, now: Instant) -> bool {
        nanoseconds(now.saturating_duration_since(self.received)) < self.settled.load(Ordering::Relaxed)
    }

    /// Tells whether the token has not expired.
    pub(super) fn is_valid_at(&self, now: Instant) -> bool {
        self.end.is_none_or(|end| now < end)
    }

    /// Tells whether the token is to be refreshed.
    pub(super) fn is_due_at(&self, now: Instant) -> bool {
        self.refresh_at.is_some_and(|refresh_at| now >= refresh_at)
    }

    /// Uses the token until it is to be refreshed, or its credentials are to be checked.
    pub(super) fn settle(&self, now: Instant) {
        let check_at = self.watched.then(|| now + CHECK_INTERVAL);
        let until = [self.refresh_at, check_at].into_iter().flatten().min();
        self.store(until);
    }

    /// Uses the token until `until`, and not beyond its end.
    pub(super) fn settle_until(&self, until: Instant) {
        self.store([Some(until), self.end].into_iter().flatten().min());
    }

    fn store(&self, until: Option<Instant>) {
        let settled =
            until.map_or(u64::MAX, |until| nanoseconds(until.saturating_duration_since(self.received)));
        self.settled.store(settled, Ordering::Relaxed);
    }
}

/// Saturates after 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, SystemClock};

    const NANO: Duration = Duration::from_nanos(1);

    fn entry(life: Duration, jitter: f64, watched: bool) -> (Entry, Instant) {
        let now = SystemClock.monotonic();
        let token = AccessToken::new("t").unwrap().with_lifetime(now, life);
        (Entry::new(token, now, jitter, watched), now)
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn refresh_and_end_are_exact_to_the_nanosecond() {
        for (life, jitter, refresh, end) in [
            (3600.0, 0.0, 3300.0, 3600.0),
            (3600.0, 0.5, 3270.0, 3600.0),
            (600.0, 0.0, 540.0, 600.0),
            (10.0, 0.0, 9.0, 10.0),
            (1.0, 0.0, 1.0, 1.0),
            (0.5, 0.0, 1.0, 1.0),
            (0.0, 0.9, 1.0, 1.0),
        ] {
            let (entry, start) = entry(seconds(life), jitter, false);
            let (refresh, end) = (start + seconds(refresh), start + seconds(end));
            assert!(entry.is_settled_at(refresh - NANO) && !entry.is_settled_at(refresh), "{life}");
            assert!(!entry.is_due_at(refresh - NANO) && entry.is_due_at(refresh), "{life}");
            assert!(entry.is_valid_at(end - NANO) && !entry.is_valid_at(end), "{life}");
        }
    }

    #[test]
    fn changing_credentials_are_checked_each_30_s() {
        let (entry, start) = entry(seconds(3600.0), 0.0, true);
        let check = start + CHECK_INTERVAL;
        assert!(entry.is_settled_at(check - NANO) && !entry.is_settled_at(check));
        assert!(!entry.is_due_at(check));
        entry.settle(check);
        assert!(entry.is_settled_at(check + CHECK_INTERVAL - NANO));
        assert!(!entry.is_settled_at(check + CHECK_INTERVAL));
        entry.settle(start + seconds(3290.0));
        assert!(!entry.is_settled_at(start + seconds(3300.0)), "a refresh comes before the check");
    }

    #[test]
    fn pause_never_outlasts_the_token() {
        let (entry, start) = entry(seconds(10.0), 0.0, false);
        entry.settle_until(start + seconds(60.0));
        assert!(entry.is_settled_at(start + seconds(10.0) - NANO));
        assert!(!entry.is_settled_at(start + seconds(10.0)));
        entry.settle_until(start + seconds(5.0));
        assert!(
            entry.is_settled_at(start + seconds(5.0) - NANO) && !entry.is_settled_at(start + seconds(5.0))
        );
    }

    #[test]
    fn token_without_expiry_is_always_settled() {
        let now = SystemClock.monotonic();
        let entry = Entry::new(AccessToken::new("t").unwrap(), now, 0.0, false);
        let later = now + Duration::from_secs(86_400 * 365);
        assert!(entry.is_settled_at(later) && entry.is_valid_at(later) && !entry.is_due_at(later));
    }
}
