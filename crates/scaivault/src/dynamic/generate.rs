use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::guard::Revoking;
use super::lease::GenerateOperation;
use super::{Dynamic, Lease, LeaseGuard};
use crate::api::{dynamic_leases, types};
use crate::handle::Handle;
use crate::mode::{Async, CallFuture, Mode};
use crate::syntax::duration_of;
use crate::{Error, InvalidInput, VaultDuration};

/// A generation of credentials that is not sent yet.
///
/// The request runs in a separate task: when the caller is dropped while it is under way, the lease that it makes is
/// revoked.
#[must_use = "a call does nothing until it is sent"]
pub struct GenerateCredentials<M = Async> {
    pub(super) mode: M,
    pub(super) handle: Handle,
    operation: Result<dynamic_leases::GenerateCredentials, Error>,
    engine: String,
    role: String,
    pub(super) ttl: Option<Duration>,
}

impl<M: Mode> GenerateCredentials<M> {
    pub(super) fn new(area: &Dynamic<M>, engine: String, role: String) -> Self {
        let operation = dynamic_leases::GenerateCredentials::new(engine.as_str(), role.as_str());
        Self {
            mode: area.mode.clone(),
            handle: area.handle.clone(),
            operation: Ok(operation.body(types::CredsRequest::default())),
            engine,
            role,
            ttl: None,
        }
    }

    /// Asks for a lifetime; the maximum of role and engine may end it earlier.
    pub fn ttl<D>(mut self, duration: D) -> Self
    where
        D: TryInto<VaultDuration>,
        D::Error: Into<InvalidInput>,
    {
        self.operation = self.operation.and_then(|operation| {
            let ttl = duration_of("ttl", duration)?;
            self.ttl = Some(ttl.as_duration());
            Ok(operation.body(types::CredsRequest::default().ttl(ttl.to_string())))
        });
        self
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// Fails as a call does. A lost response is [`Error::OutcomeUnknown`]: a lease may exist until its time ends, and the
    /// message names engine and role.
    ///
    /// # Cancel safety
    ///
    /// No lease remains when the future is dropped: one that the server makes nevertheless is revoked.
    pub fn send(self) -> M::Outcome<Lease> {
        let mode = self.mode.clone();
        mode.run(async move { self.armed().await.map(Revoking::disarm) })
    }

    pub(super) async fn guarded(self) -> Result<LeaseGuard<M>, Error> {
        let mode = self.mode.clone();
        Ok(LeaseGuard::new(mode, self.armed().await?))
    }

    /// Sends the request in a separate task. The lease that it returns revokes itself unless it is disarmed.
    pub(super) async fn armed(self) -> Result<Revoking, Error> {
        let Self { handle, operation, engine, role, .. } = self;
        let operation = operation?;
        let tasks = handle.shared.tasks.clone();
        let (send, receive) = oneshot::channel();
        let work = async move {
            let outcome = generate(&handle, operation).await.map(|lease| Revoking::new(handle, lease));
            // A lease that its caller does not take is revoked when it is dropped here.
            drop(send.send(outcome));
        };
        if let Err(work) = tasks.spawn(work) {
            // Without a runtime the request lives as long as its caller.
            work.boxed().await;
        }
        let lost = || {
            Error::Poll("the runtime ended while credentials were generated: a lease may exist".to_owned())
        };
        let outcome = receive.await.map_err(|_| lost())?;
        let hint = format!("a lease of role {role} of engine {engine} may exist until its time ends");
        outcome.map_err(|error| error.with_hint(&hint))
    }
}

async fn generate(handle: &Handle, operation: dynamic_leases::GenerateCredentials) -> Result<Lease, Error> {
    let response = handle.send(GenerateOperation(operation)).await?;
    let (lease, body) = response.body;
    crate::secret_data::wipe(body);
    let clock = handle.clock();
    Ok(lease.received(clock.monotonic(), clock.now()))
}

impl IntoFuture for GenerateCredentials<Async> {
    type Output = Result<Lease, Error>;
    type IntoFuture = CallFuture<Lease>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl<M> fmt::Debug for GenerateCredentials<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateCredentials")
            .field("engine", &self.engine)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
