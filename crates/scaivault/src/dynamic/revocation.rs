//! The revocation of a lease.

use std::future::Future;
use std::time::Duration;

use skyflow_types::LogLevel;

use super::Lease;
use crate::Error;
use crate::api::dynamic_leases;
use crate::handle::Handle;

/// Revokes a lease; one that is gone is revoked.
pub(super) async fn revoke(handle: &Handle, lease_id: &str) -> Result<(), Error> {
    match handle.send(dynamic_leases::Revoke::new(lease_id)).await {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Revokes a lease, again and again until that succeeds, is refused for good, or the lease has ended by itself. A lease
/// that stays alive is reported, also when the future is dropped before it has ended.
pub(super) fn revoke_until_end(handle: Handle, lease: Lease) -> impl Future<Output = ()> + Send + 'static {
    let alive = Alive { handle, lease, is_settled: false };
    async move {
        let clock = alive.handle.clock().clone();
        let mut pause = Duration::from_secs(1);
        while let Err(error) = revoke(&alive.handle, &alive.lease.lease_id).await {
            let remaining = alive.lease.remaining(clock.monotonic()).unwrap_or_default();
            if !error.is_retryable() {
                return alive.refused(&error);
            }
            if remaining.is_zero() {
                break;
            }
            clock.sleep(pause.mul_f64(0.75 + 0.5 * fastrand::f64()).min(remaining)).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        alive.settled();
    }
}

/// A lease that is not revoked yet. Dropping it reports the id, and never the credentials.
struct Alive {
    handle: Handle,
    lease: Lease,
    is_settled: bool,
}

impl Alive {
    fn settled(mut self) {
        self.is_settled = true;
    }

    fn refused(mut self, error: &Error) {
        self.is_settled = true;
        self.report(&error.to_string());
    }

    /// Logs the id for someone to revoke, and lets `drain` name it.
    fn report(&self, reason: &str) {
        let (shared, lease_id) = (&self.handle.shared, self.lease.lease_id.as_str());
        shared.tasks.abandon(lease_id);
        if shared.log.permits(LogLevel::Error) {
            let product = shared.log.product();
            tracing::error!(target: skyflow_http::TARGET, product, lease_id, reason, "a lease was not revoked");
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if !self.is_settled {
            self.report("there is no runtime, or it has shut down");
        }
    }
}
