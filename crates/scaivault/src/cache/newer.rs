//! The wait for a newer version of a secret.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Key;
use super::{CachedSecret, Inner};
use crate::handle::Handle;
use crate::{Error, SecretPath};

/// The pause between two polls of [`SecretCache::newer_than`]; it grows by half.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two polls.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Polls until there is a version above this one.
pub(super) async fn newer_than(
    handle: &Handle,
    inner: &Arc<Inner>,
    path: &SecretPath,
    version: u64,
    wait: Duration,
) -> Result<CachedSecret, Error> {
    let key = Key::new(handle.tenant(), path);
    let clock = handle.clock();
    let end = clock.monotonic() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let (flight, next) = {
            let now = clock.monotonic();
            let mut state = inner.lock();
            let entry = state.entry(&key);
            if let Some(secret) = entry.usable(now).filter(|secret| secret.version > version) {
                return Ok(CachedSecret { secret, is_stale: false });
            }
            let next = entry.fetched_at().map_or(now, |at| at + pause);
            match entry.flight() {
                Some(flight) => (Some(flight), next),
                None if now >= next => (Some(inner.start(&mut state, handle, &key)), next),
                None => (None, next),
            }
        };
        let left = end.saturating_duration_since(clock.monotonic());
        let outcome = match flight {
            Some(flight) => tokio::select! {
                biased;
                outcome = flight => Some(outcome),
                () = clock.sleep(left) => None,
            },
            None => {
                clock.sleep(next.saturating_duration_since(clock.monotonic()).min(left)).await;
                None
            }
        };
        match outcome {
            Some(Ok(secret)) if secret.version > version => {
                return Ok(CachedSecret { secret, is_stale: false });
            }
            Some(Ok(_)) => pause = pause.mul_f64(1.5).min(LONGEST_PAUSE),
            Some(Err(error)) if !error.is_outage() => return Err(error),
            _ => {}
        }
        if clock.monotonic() >= end {
            let seconds = wait.as_secs_f64();
            return Err(Error::Poll(format!("{path} has no version after {version} within {seconds} s")));
        }
    }
}
