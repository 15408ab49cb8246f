use std::fmt;
use std::future::Future;
use std::sync::Arc;

use skyflow_types::Secret as SecretText;
use tokio::sync::watch;

#[cfg(feature = "blocking")]
use super::LeaseGuard;
use super::guard::Revoking;
use super::renewal::{Ending, LeaseEnding, renew};
use super::{GenerateCredentials, Lease};
use crate::handle::Handle;
use crate::mode::{Async, Mode};
use crate::{Error, InvalidInput, SecretData, VaultDuration};

/// Credentials for the time of a closure, which are not generated yet.
#[must_use = "nothing happens until `with` is called"]
pub struct ScopedCredentials<M = Async> {
    generate: GenerateCredentials<M>,
    renews: bool,
}

/// The result of a closure, and how the revocation of its lease went.
#[derive(Debug)]
#[non_exhaustive]
pub struct ScopedOutput<T> {
    /// What the closure returned.
    pub output: T,
    /// Whether the lease was revoked. After a failure it is tried again in the background until the lease ends.
    pub revocation: Result<(), Error>,
}

/// The credentials of a closure; cheap to clone. They are of no use after the closure.
#[derive(Clone)]
pub struct Credentials {
    lease: Arc<Lease>,
    ending: Ending,
}

impl Credentials {
    /// Returns a member of the credentials, such as `connection_url`.
    pub fn get(&self, name: &str) -> Option<SecretText> {
        self.lease.data.as_ref()?.get(name)
    }

    /// Returns the credentials.
    pub fn data(&self) -> Option<&SecretData> {
        self.lease.data.as_ref()
    }

    /// Returns the lease.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Waits until the credentials end soon and cannot be renewed further; see [`ScopedCredentials::renewing`].
    ///
    /// A closure that outlives its credentials selects over this and its work, and gets new ones.
    pub async fn ending(&self) -> LeaseEnding {
        let mut ending = self.ending.subscribe();
        match ending.wait_for(Option::is_some).await.map(|found| *found) {
            Ok(Some(ending)) => ending,
            // The sender is a part of `self`.
            _ => std::future::pending().await,
        }
    }

    /// Returns whether the credentials end soon and cannot be renewed further, without waiting.
    pub fn is_ending(&self) -> Option<LeaseEnding> {
        *self.ending.borrow()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("lease_id", &self.lease.lease_id).finish_non_exhaustive()
    }
}

/// Credentials that were generated, and everything to renew and revoke them.
struct Scope {
    credentials: Credentials,
    handle: Handle,
    revoking: Revoking,
    ttl: Option<std::time::Duration>,
}

impl<M: Mode> ScopedCredentials<M> {
    pub(super) fn new(generate: GenerateCredentials<M>) -> Self {
        Self { generate, renews: false }
    }

    /// Asks for a lifetime; the maximum of role and engine may end it earlier.
    pub fn ttl<D>(mut self, duration: D) -> Self
    where
        D: TryInto<VaultDuration>,
        D::Error: Into<InvalidInput>,
    {
        self.generate = self.generate.ttl(duration);
        self
    }

    /// Renews the lease while the closure runs: when two thirds of its time have passed, and with growing pauses after
    /// failures. When the maximum is near, [`Credentials::ending`] tells the closure.
    pub fn renewing(mut self) -> Self {
        self.renews = true;
        self
    }

    async fn scope(generate: GenerateCredentials<M>) -> Result<Scope, Error> {
        let (handle, ttl) = (generate.handle.clone(), generate.ttl);
        let revoking = generate.armed().await?;
        let lease = Arc::new(revoking.lease().cloned().unwrap_or_else(Lease::absent));
        let credentials = Credentials { lease, ending: Arc::new(watch::Sender::new(None)) };
        Ok(Scope { credentials, handle, revoking, ttl })
    }
}

impl Scope {
    /// Renews the lease, and never ends.
    fn renewal(&self) -> impl Future<Output = std::convert::Infallible> + Send + 'static {
        let lease = Lease::clone(&self.credentials.lease);
        let renewal = renew(self.handle.clone(), lease, self.ttl, Arc::clone(&self.credentials.ending));
        async move {
            renewal.await;
            std::future::pending().await
        }
    }
}

impl ScopedCredentials<Async> {
    /// Generates credentials, runs the closure with them, and revokes them: when its future returns, panics or is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Fails when no credentials can be generated. The closure's result is returned as it is, also when the revocation
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future revokes the lease in a task; [`drain`](crate::ScaiVault::drain) waits for it.
    pub async fn with<F, Fut>(self, work: F) -> Result<ScopedOutput<Fut::Output>, Error>
    where
        F: FnOnce(Credentials) -> Fut,
        Fut: Future,
    {
        let renews = self.renews;
        let scope = Self::scope(self.generate).await?;
        let renewal = scope.renewal();
        let work = work(scope.credentials.clone());
        let output = if renews {
            tokio::select! {
                biased;
                output = work => output,
                never = renewal => match never {},
            }
        } else {
            work.await
        };
        Ok(ScopedOutput { output, revocation: scope.revoking.revoke().await })
    }
}

#[cfg(feature = "blocking")]
impl ScopedCredentials<crate::blocking::Blocking> {
    /// Generates credentials, runs the closure with them, and revokes them: when it returns or panics.
    ///
    /// # Errors
    ///
    /// Fails when no credentials can be generated. The closure's result is returned as it is, also when the revocation
    /// fails.
    pub fn with<F, T>(self, work: F) -> Result<ScopedOutput<T>, Error>
    where
        F: FnOnce(Credentials) -> T,
    {
        let renews = self.renews;
        let mode = self.generate.mode.clone();
        let scope = mode.wait(Self::scope(self.generate))??;
        let renewal = renews.then(|| AbortOnDrop(mode.handle().spawn(scope.renewal())));
        // A guard of a blocking client waits for the revocation, also when the closure panics.
        let guard = LeaseGuard::new(mode, scope.revoking);
        let output = work(scope.credentials);
        drop(renewal);
        Ok(ScopedOutput { output, revocation: guard.revoke() })
    }
}

/// Ends a renewal with the closure that it is for, also when that panics.
#[cfg(feature = "blocking")]
struct AbortOnDrop(tokio::task::JoinHandle<std::convert::Infallible>);

#[cfg(feature = "blocking")]
impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<M> fmt::Debug for ScopedCredentials<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedCredentials")
            .field("generate", &self.generate)
            .field("renews", &self.renews)
            .finish()
    }
}
