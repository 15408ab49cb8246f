//! How calls are waited for: by a task, or by a thread.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use futures_core::Stream;

use crate::Error;
use crate::tasks::Tasks;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Async {}
    #[cfg(feature = "blocking")]
    impl Sealed for crate::blocking::Blocking {}
}

/// Says whether calls return futures or wait.
///
/// Every method of this crate is written once for both: [`Client`](crate::Client) is the asynchronous client, and
/// `blocking::Client` has the same methods without `await`.
pub trait Mode: sealed::Sealed + Clone + Debug + Send + Sync + 'static {
    /// The result of a call: a future of `Result<T, Error>`, or the result itself.
    type Outcome<T: Send + 'static>;

    /// Many results, one after the other: a stream, or an iterator.
    type Items<T: Send + 'static>;

    #[doc(hidden)]
    fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Self::Outcome<T>;

    #[doc(hidden)]
    fn items<T: Send + 'static>(
        &self,
        items: impl Stream<Item = Result<T, Error>> + Send + 'static,
    ) -> Self::Items<T>;

    /// Finishes work that its caller has no time for: in a task, or at once where callers wait anyway. The work is
    /// returned where neither is possible.
    #[doc(hidden)]
    fn detach<F: Future<Output = ()> + Send + 'static>(&self, tasks: &Tasks, work: F) -> Result<(), F>;
}

/// Calls are futures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Async;

/// A call that is under way.
pub type CallFuture<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// The stream of an asynchronous client.
pub type ItemStream<T> = Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>;

impl Mode for Async {
    type Outcome<T: Send + 'static> = CallFuture<T>;
    type Items<T: Send + 'static> = ItemStream<T>;

    fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> CallFuture<T> {
        Box::pin(call)
    }

    fn items<T: Send + 'static>(
        &self,
        items: impl Stream<Item = Result<T, Error>> + Send + 'static,
    ) -> ItemStream<T> {
        Box::pin(items)
    }

    fn detach<F: Future<Output = ()> + Send + 'static>(&self, tasks: &Tasks, work: F) -> Result<(), F> {
        tasks.spawn(work)
    }
}
