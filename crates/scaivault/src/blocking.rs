//! The client for programs that are not asynchronous.
//!
//! It has the methods of [`crate::Client`], without `await`: each call waits for its result. A separate thread drives
//! the connections, so it may be used in any thread: a plain one, one of `spawn_blocking` or `block_in_place`, and, where
//! blocking the thread is acceptable, inside an asynchronous task.
//!
//! ```no_run
//! use scaivault::blocking::Client;
//!
//! let client = Client::from_env()?;
//! let secret = client.secrets().read("app/db/password").send()?;
//! println!("version {}", secret.version);
//! for item in client.secrets().list().prefix("app/").items() {
//!     println!("{}", item?.path);
//! }
//! # Ok::<(), scaivault::Error>(())
//! ```

use std::future::Future;

use futures_core::Stream;
use futures_util::StreamExt;
use skyflow_http::blocking::BlockingRuntime;

use crate::mode::{ItemStream, Mode};
use crate::tasks::Tasks;
use crate::{Error, ScaiVault};

/// A client whose calls wait for their results; cheap to clone.
pub type Client = ScaiVault<Blocking>;

/// Calls wait.
#[derive(Debug, Clone)]
pub struct Blocking {
    runtime: BlockingRuntime,
}

impl Blocking {
    /// Starts the thread that drives the connections.
    pub(crate) fn new() -> Result<Self, Error> {
        let runtime =
            BlockingRuntime::new("scaivault").map_err(|error| Error::Custom(std::sync::Arc::new(error)))?;
        Ok(Self { runtime })
    }

    pub(crate) fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Runs a future of any output.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> Result<T, Error> {
        self.runtime.block_on(future).map_err(|error| Error::Custom(std::sync::Arc::new(error)))
    }
}

impl Mode for Blocking {
    type Outcome<T: Send + 'static> = Result<T, Error>;
    type Items<T: Send + 'static> = Items<T>;

    fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.wait(call)?
    }

    fn items<T: Send + 'static>(
        &self,
        items: impl Stream<Item = Result<T, Error>> + Send + 'static,
    ) -> Items<T> {
        Items { stream: Some(Box::pin(items)), mode: self.clone() }
    }

    fn detach<F: Future<Output = ()> + Send + 'static>(&self, _: &Tasks, work: F) -> Result<(), F> {
        // On the background thread, in a layer of the client, the work is left to a task.
        let mut work = Some(work);
        let _ = self.wait(async {
            if let Some(work) = work.take() {
                work.await;
            }
        });
        if let Some(work) = work {
            self.handle().spawn(work);
        }
        Ok(())
    }
}

/// The iterator of a blocking client; each step waits for the next item.
#[must_use = "an iterator does nothing until it is used"]
pub struct Items<T> {
    stream: Option<ItemStream<T>>,
    mode: Blocking,
}

impl<T: Send + 'static> Iterator for Items<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut stream = self.stream.take()?;
        let item = match self.mode.wait(stream.next()) {
            Ok(item) => item?,
            Err(error) => return Some(Err(error)),
        };
        self.stream = Some(stream);
        Some(item)
    }
}

impl<T> std::fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Items")
    }
}
