//! The renewal of a lease while its credentials are in use.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Lease;
use crate::Error;
use crate::api::{dynamic_leases, types};
use crate::handle::{Handle, complete};
use crate::model::FromWire;

/// Says that the credentials of a lease end soon, because it cannot be renewed further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseEnding {
    /// How long the credentials were still valid when this was found.
    pub remaining: Duration,
}

/// Where the end of a lease is announced.
pub(super) type Ending = Arc<watch::Sender<Option<LeaseEnding>>>;

/// A lease is renewed when this share of its time has passed, give or take a twentieth.
const RENEW_AT: f64 = 2.0 / 3.0;

/// Failed renewals: the first pause is this share of the lifetime, and each further one is twice as long.
const FIRST_PAUSE: f64 = 1.0 / 32.0;

/// Renews a lease until it cannot be renewed further, and announces its end once. It never returns before that.
pub(super) async fn renew(handle: Handle, lease: Lease, ttl: Option<Duration>, ending: Ending) {
    let clock = handle.clock().clone();
    let now = clock.monotonic();
    let lifetime = lease.remaining(now).unwrap_or_default();
    let ttl = ttl.unwrap_or(lifetime);
    let mut end = now + lifetime;
    let mut granted = lifetime;
    let mut pause = jittered(granted.mul_f64(RENEW_AT));
    let mut failures = 0_u32;
    let announce = |remaining| {
        ending.send_replace(Some(LeaseEnding { remaining }));
    };
    if lease.renewable == Some(false) {
        clock.sleep(pause).await;
        return announce(end.saturating_duration_since(clock.monotonic()));
    }
    loop {
        clock.sleep(pause).await;
        let now = clock.monotonic();
        let remaining = end.saturating_duration_since(now);
        if remaining.is_zero() {
            return announce(Duration::ZERO);
        }
        match renewed(&handle, &lease.lease_id, ttl).await {
            Ok(next) => {
                failures = 0;
                granted = next;
                end = clock.monotonic() + granted;
                lease.extend(end);
                // Less than was asked for: the maximum is near, and further renewals add nothing.
                if granted < ttl.mul_f64(0.9) {
                    return announce(granted);
                }
                pause = jittered(granted.mul_f64(RENEW_AT));
            }
            Err(error) if error.is_retryable() || matches!(error, Error::OutcomeUnknown(_)) => {
                // It may have been applied.
                lease.extend(clock.monotonic() + ttl);
                let wait = granted.mul_f64(FIRST_PAUSE * f64::from(1_u32 << failures.min(8)));
                failures += 1;
                pause = jittered(wait).min(remaining);
            }
            Err(_) => return announce(remaining),
        }
    }
}

/// Sends one renewal, without retries: the loop has pauses that fit the lease.
async fn renewed(handle: &Handle, lease_id: &str, ttl: Duration) -> Result<Duration, Error> {
    let mut body = types::LeaseRenew::default();
    if let Ok(ttl) = crate::VaultDuration::try_from(Duration::from_secs(ttl.as_secs().max(1))) {
        body = body.ttl(ttl.to_string());
    }
    let operation = dynamic_leases::Renew::new(lease_id).body(body);
    let response = handle.send_with(operation, handle.options.no_retry()).await?;
    let clock = handle.clock();
    let lease = complete::<dynamic_leases::Renew, _>(
        (response.status, response.request_id),
        Lease::from_wire(response.body),
    )?;
    let now = clock.monotonic();
    Ok(lease.received(now, clock.now()).remaining(now).unwrap_or_default())
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.95 + 0.1 * fastrand::f64())
}
