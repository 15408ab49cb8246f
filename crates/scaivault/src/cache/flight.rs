//! The one fetch of a secret that many readers share.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot;

use super::entry::{Entry, Key};
use super::{Inner, State};
use skyflow_http::rest::Operation as _;

use crate::Error;
use crate::api::secrets;
use crate::handle::Handle;
use crate::model::FromWire;
use crate::secrets::{ReadOperation, Secret};

type Outcome = Result<Arc<Secret>, Error>;

/// A fetch under way; clones wait for the same one.
pub(super) type Flight = Shared<Pin<Box<dyn Future<Output = Outcome> + Send>>>;

impl Inner {
    /// Starts a fetch in a separate task, which survives its readers.
    pub(super) fn start(self: &Arc<Self>, state: &mut State, handle: &Handle, key: &Key) -> Flight {
        state.epochs += 1;
        let epoch = state.epochs;
        let (send, receive) = oneshot::channel();
        let work = {
            let (inner, handle, key) = (Arc::clone(self), handle.clone(), key.clone());
            async move {
                let outcome = fetch(&handle, &key).await;
                inner.finish(&handle, &key, epoch, &outcome);
                // No reader waits for a refresh in the background.
                let _ = send.send(outcome);
            }
        };
        let ended = || Error::Poll("the runtime ended during a read".to_owned());
        let result = async move { receive.await.unwrap_or_else(|_| Err(ended())) };
        let flight = match handle.shared.tasks.spawn(work) {
            Ok(()) => result.boxed(),
            // Without a runtime the readers drive the fetch.
            Err(work) => async move {
                work.await;
                result.await
            }
            .boxed(),
        };
        let flight = flight.shared();
        state.entry(key).take_off(epoch, flight.clone(), handle.clock().monotonic());
        flight
    }

    /// Records how a fetch ended.
    fn finish(&self, handle: &Handle, key: &Key, epoch: u64, outcome: &Outcome) {
        let now = handle.clock().monotonic();
        let mut state = self.lock();
        let entry = state.entry(key);
        entry.land(epoch);
        match outcome {
            Ok(secret) => entry.keep(epoch, secret, now, self.fresh_until(now)),
            Err(error @ Error::NotFound(_)) => {
                entry.drop_value(self.options.not_found.map(|time| (now + time, error.clone())));
            }
            Err(Error::Authentication(_) | Error::AccessDenied(_)) => entry.drop_value(None),
            Err(_) => {}
        }
        self.evict(&mut state);
        // Paths that do not exist must not fill the memory.
        if state.entries.get(key).is_some_and(Entry::is_idle) {
            state.entries.remove(key);
        }
    }
}

async fn fetch(handle: &Handle, key: &Key) -> Outcome {
    let response = handle.send(ReadOperation::new(&key.path)).await?;
    let read =
        Secret::from_wire(response.body).map_err(|_| Error::incomplete(&secrets::Read::INFO, "a secret"))?;
    let secret = match read.remaining {
        Some(_) => read,
        // Without a `Date` the clock of this machine has to do.
        None => read.received_at(handle.clock().now()),
    };
    Ok(Arc::new(secret))
}
