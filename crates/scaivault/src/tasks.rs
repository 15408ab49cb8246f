//! Work that outlives the call which began it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use skyflow_http::Clock;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::Error;

/// Counts tasks of a client that are under way.
#[derive(Debug, Clone)]
pub struct Tasks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The runtime of a blocking client; the current one otherwise.
    runtime: Option<Handle>,
    running: watch::Sender<usize>,
    /// The leases that no task has revoked: no runtime was there, it shut down, or the server refused.
    abandoned: Mutex<Vec<String>>,
}

/// Ends the count of a task.
struct Running(Arc<Inner>);

impl Running {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.running.send_modify(|count| *count += 1);
        Self(Arc::clone(inner))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Tasks {
    pub(crate) fn new(runtime: Option<Handle>) -> Self {
        Self(Arc::new(Inner { runtime, running: watch::Sender::new(0), abandoned: Mutex::default() }))
    }

    /// Starts a task on the current runtime; the future is returned when there is none.
    pub(crate) fn spawn<F>(&self, work: F) -> Result<(), F>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = self.0.runtime.clone().or_else(|| Handle::try_current().ok());
        let Some(runtime) = runtime else { return Err(work) };
        let running = Running::new(&self.0);
        runtime.spawn(async move {
            work.await;
            drop(running);
        });
        Ok(())
    }

    /// Remembers a lease that was not revoked.
    pub(crate) fn abandon(&self, lease_id: &str) {
        self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(lease_id.to_owned());
    }

    /// Waits until no task is under way.
    pub(crate) async fn drain(&self, clock: &Arc<dyn Clock>, limit: Duration) -> Result<(), Error> {
        let mut running = self.0.running.subscribe();
        let timeout = clock.sleep(limit);
        tokio::select! {
            biased;
            _ = running.wait_for(|count| *count == 0) => {}
            () = timeout => {
                let count = *self.0.running.borrow();
                return Err(Error::Poll(format!("drain: {count} task(s) are still under way")));
            }
        }
        let abandoned = self.0.abandoned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if abandoned.is_empty() {
            return Ok(());
        }
        Err(Error::Poll(format!("drain: these leases were not revoked: {}", abandoned.join(", "))))
    }
}
