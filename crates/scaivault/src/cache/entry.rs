use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::flight::Flight;
use crate::secrets::Secret;
use crate::{Error, SecretPath, Timestamp};

/// Which secret, of which tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    tenant: Option<Box<str>>,
    pub(super) path: SecretPath,
}

impl Key {
    pub(super) fn new(tenant: Option<&str>, path: &SecretPath) -> Self {
        Self { tenant: tenant.map(Into::into), path: path.clone() }
    }

    pub(super) fn is_of(&self, tenant: Option<&str>) -> bool {
        self.tenant.as_deref() == tenant
    }
}

/// The state of a cached secret.
#[derive(Default)]
pub(super) struct Entry {
    value: Option<Value>,
    absent: Option<(Instant, Error)>,
    flight: Option<(u64, Flight)>,
    fetched_at: Option<Instant>,
    /// Fetches that began before this are too old.
    invalidated: u64,
    /// A fetch that began before an invalidation counts if it brings a version above this.
    floor: u64,
    pub(super) used: u64,
}

struct Value {
    secret: Arc<Secret>,
    fresh_until: Instant,
    /// The end of the secret itself.
    end: Option<Instant>,
}

impl Entry {
    /// Returns the value, however old, unless the secret itself has expired.
    pub(super) fn usable(&self, now: Instant) -> Option<Arc<Secret>> {
        let value = self.value.as_ref()?;
        value.end.is_none_or(|end| now < end).then(|| Arc::clone(&value.secret))
    }

    /// Returns for how long the value is no longer fresh; zero while it is.
    pub(super) fn age(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.value.as_ref()?.fresh_until))
    }

    /// Returns the error of a secret that is known not to exist.
    pub(super) fn absent(&self, now: Instant) -> Option<Error> {
        self.absent.as_ref().filter(|(until, _)| now < *until).map(|(_, error)| error.clone())
    }

    /// Returns the fetch that is under way, unless it began before an invalidation.
    pub(super) fn flight(&self) -> Option<Flight> {
        self.flight.as_ref().filter(|(epoch, _)| *epoch > self.invalidated).map(|(_, flight)| flight.clone())
    }

    pub(super) fn fetched_at(&self) -> Option<Instant> {
        self.fetched_at
    }

    pub(super) fn take_off(&mut self, epoch: u64, flight: Flight, now: Instant) {
        self.flight = Some((epoch, flight));
        self.fetched_at = Some(now);
    }

    pub(super) fn invalidate(&mut self, epoch: u64) {
        self.invalidated = epoch;
        if let Some(value) = self.value.take() {
            self.floor = self.floor.max(value.secret.version);
        }
        self.absent = None;
    }

    /// Ends the fetch of an epoch.
    pub(super) fn land(&mut self, epoch: u64) {
        if self.flight.as_ref().is_some_and(|(of, _)| *of == epoch) {
            self.flight = None;
        }
    }

    /// Keeps what a fetch brought, unless something newer is known.
    pub(super) fn keep(&mut self, epoch: u64, secret: &Arc<Secret>, now: Instant, fresh_until: Instant) {
        if epoch < self.invalidated && secret.version <= self.floor {
            return;
        }
        if self.value.as_ref().is_some_and(|value| is_older(secret, &value.secret)) {
            return;
        }
        let end = secret.remaining.and_then(|remaining| now.checked_add(remaining));
        self.value = Some(Value { secret: Arc::clone(secret), fresh_until, end });
        self.absent = None;
    }

    pub(super) fn drop_value(&mut self, absent: Option<(Instant, Error)>) {
        self.value = None;
        self.absent = absent;
    }

    pub(super) fn size(&self) -> usize {
        self.value.as_ref().map_or(0, |value| value.secret.data.size())
    }

    /// Tells whether the entry says nothing: no value, no fetch, no invalidation that an earlier fetch must respect.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_kept() && self.flight.is_none() && self.floor == 0
    }

    /// Tells whether the entry takes up room.
    pub(super) fn is_kept(&self) -> bool {
        self.value.is_some() || self.absent.is_some()
    }
}

/// Tells whether a secret is older than another one. A secret that was deleted for good and written again begins with
/// version 1, and was created later.
fn is_older(secret: &Secret, than: &Secret) -> bool {
    let created = |secret: &Secret| secret.created_at.as_ref().and_then(Timestamp::time);
    let is_new_secret = matches!((created(secret), created(than)), (Some(a), Some(b)) if a > b);
    secret.version < than.version && !is_new_secret
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("is_kept", &self.is_kept()).finish_non_exhaustive()
    }
}
