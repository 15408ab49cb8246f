use std::fmt;
use std::ops::Deref;

use super::Lease;
use super::revocation::{revoke, revoke_until_end};
use crate::Error;
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

impl Drop for Revoking {
    fn drop(&mut self) {
        let Some((handle, lease)) = self.take() else { return };
        let tasks = handle.shared.tasks.clone();
        // Where no runtime is, the work reports the lease when it is dropped here.
        drop(tasks.spawn(revoke_until_end(handle, lease)));
    }
}

/// A lease that is revoked when the guard is dropped.
///
/// Dropping cannot wait: the revocation is handed to a task of the current runtime, and
/// [`drain`](crate::ScaiVault::drain) waits for it. Without a runtime, or when it shuts down before the lease is revoked,
/// the id of the lease is logged, and `drain` names it. The guard of a blocking client waits for the revocation.
/// [`revoke`](Self::revoke) waits in both cases, and reports failures.
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
        let Some((handle, lease)) = self.lease.take().and_then(|mut lease| lease.take()) else { return };
        let tasks = handle.shared.tasks.clone();
        // Where no runtime is, the work reports the lease when it is dropped here.
        drop(self.mode.detach(&tasks, revoke_until_end(handle, lease)));
    }
}

impl<M: Mode> fmt::Debug for LeaseGuard<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseGuard").field("lease_id", &self.shown.lease_id).finish_non_exhaustive()
    }
}
