use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::Lease;
use crate::Error;
use crate::api::dynamic_leases;
use crate::handle::Handle;
use crate::mode::{Async, Mode};

/// A lease that is revoked in a task when it is dropped.
pub(super) struct Revoking(Option<(Handle, Lease)>);

impl Revoking {
    pub(super) fn new(handle: Handle, lease: Lease) -> Self {
        Self(Some((handle, lease)))
    }

    pub(super) fn take(&mut self) -> Option<(Handle, Lease)> {
        self.0.take()
    }

    pub(super) fn lease(&self) -> Option<&Lease> {
        self.0.as_ref().map(|(_, lease)| lease)
    }

    /// Hands the lease to the caller, who revokes it.
    pub(super) fn disarm(mut self) -> Lease {
        match self.take() {
            Some((_, lease)) => lease,
            // A lease is taken by `self` only, which is consumed here.
            None => Lease::absent(),
        }
    }

    /// Revokes the lease now. When that fails, it is tried in the background until the lease ends.
    pub(super) async fn revoke(mut self) -> Result<(), Error> {
        let Some((handle, lease)) = self.0.clone() else { return Ok(()) };
        match revoke(&handle, &lease.lease_id).await {
            Ok(()) => {
                self.0 = None;
                Ok(())
            }
            // The drop of `self` tries again.
            Err(error) => Err(error),
        }
    }
}

/// Revokes a lease; one that is gone is revoked.
pub(super) async fn revoke(handle: &Handle, lease_id: &str) -> Result<(), Error> {
    match handle.send(dynamic_leases::Revoke::new(lease_id)).await {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Revokes a lease, again and again until that succeeds, is refused for good, or the lease has ended by itself.
pub(super) async fn revoke_until_end(handle: Handle, lease: Lease) {
    let clock = handle.clock().clone();
    let mut pause = Duration::from_secs(1);
    while let Err(error) = revoke(&handle, &lease.lease_id).await {
        let ends = lease.remaining(clock.monotonic()).unwrap_or_default();
        if !error.is_retryable() || ends <= pause {
            let lease_id = lease.lease_id.as_str();
            tracing::warn!(target: skyflow_http::TARGET, product = "scaivault", lease_id, %error, "a lease was not revoked");
            return;
        }
        clock.sleep(pause.mul_f64(0.75 + 0.5 * fastrand::f64())).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// A lease that is revoked when the guard is dropped.
///
/// Dropping cannot wait: the revocation is handed to a task of the current runtime, and
/// [`drain`](crate::ScaiVault::drain) waits for it. Without a runtime the id of the lease is logged, and `drain` names it.
/// The guard of a blocking client waits for the revocation. [`revoke`](Self::revoke) waits in both cases, and reports
/// failures.
#[must_use = "the lease is revoked when the guard is dropped"]
pub struct LeaseGuard<M: Mode = Async> {
    mode: M,
    lease: Option<Revoking>,
    /// What the guard shows; the same lease.
    shown: Lease,
}

impl<M: Mode> LeaseGuard<M> {
    pub(super) fn new(mode: M, lease: Revoking) -> Self {
        let shown = lease.lease().cloned().unwrap_or_else(Lease::absent);
        Self { mode, lease: Some(lease), shown }
    }

    /// Revokes the lease now.
    ///
    /// # Errors
    ///
    /// Fails when the server cannot be reached or refuses; it is then tried again in the background until the lease ends.
    pub fn revoke(mut self) -> M::Outcome<()> {
        let lease = self.lease.take();
        self.mode.run(async move {
            match lease {
                Some(lease) => lease.revoke().await,
                None => Ok(()),
            }
        })
    }

    /// Returns the lease, which the caller revokes.
    pub fn keep(mut self) -> Lease {
        self.lease.take().map_or_else(|| self.shown.clone(), Revoking::disarm)
    }
}

impl<M: Mode> Deref for LeaseGuard<M> {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.shown
    }
}

impl<M: Mode> Drop for LeaseGuard<M> {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        let Some((handle, inner)) = lease.take() else { return };
        let tasks = handle.shared.tasks.clone();
        let again = (handle.clone(), inner.clone());
        if self.mode.detach(&tasks, revoke_until_end(handle, inner)).is_err() {
            // It logs the id, because no runtime is there.
            drop(Revoking::new(again.0, again.1));
        }
    }
}

impl<M: Mode> fmt::Debug for LeaseGuard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseGuard").field("lease_id", &self.shown.lease_id).finish_non_exhaustive()
    }
}
