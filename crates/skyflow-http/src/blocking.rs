//! Futures for callers that are not asynchronous.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A runtime on a thread of its own, which runs futures for callers that wait for them.
///
/// The thread drives the runtime all the time: connections in a pool are kept alive, and a server's `GOAWAY` is read,
/// between two calls. A caller may be any thread: a plain one, one of `spawn_blocking` or `block_in_place`, or a task of
/// an asynchronous runtime, which is blocked meanwhile. Clones share the thread; it ends with the last clone.
///
/// ```
/// use skyflow_http::blocking::BlockingRuntime;
///
/// let runtime = BlockingRuntime::new("example")?;
/// assert_eq!(runtime.run(async { 1 + 1 }), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct BlockingRuntime(Arc<Inner>);

struct Inner {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BlockingRuntime {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// Fails when the operating system starts no thread, or provides no event queue.
    pub fn new(thread_name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(thread_name.to_owned()).spawn(move || {
            // The runtime is dropped on this thread, where it may be: in a task it would panic.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self(Arc::new(Inner { handle, stop: Some(stop), thread: Some(thread) })))
    }

    /// Runs a future on the runtime, and waits for its result.
    ///
    /// # Panics
    ///
    /// Panics when the future does.
    pub fn run<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (send, receive) = mpsc::sync_channel(1);
        let task = self.0.handle.spawn(async move {
            let _ = send.send(future.await);
        });
        if let Ok(output) = receive.recv() {
            return output;
        }
        // The sender is gone without an output: the future panicked. The task has ended, so this does not wait.
        let (send, receive) = mpsc::sync_channel(1);
        self.0.handle.spawn(async move {
            let _ = send.send(task.await);
        });
        match receive.recv() {
            Ok(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            _ => resume_unwind(Box::new("the runtime of a blocking client has ended")),
        }
    }

    /// Returns the handle of the runtime, to start tasks on it.
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else { return };
        // A task of this runtime may hold the last clone: a thread cannot wait for itself.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for BlockingRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingRuntime")
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn runtime() -> BlockingRuntime {
        BlockingRuntime::new("test").unwrap()
    }

    #[test]
    fn futures_run_from_plain_threads() {
        let runtime = runtime();
        let threads: Vec<_> = (0..8_u32)
            .map(|n| {
                let runtime = runtime.clone();
                std::thread::spawn(move || runtime.run(async move { n * 2 }))
            })
            .collect();
        let sum: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 56);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn futures_run_inside_asynchronous_tasks() {
        let runtime = runtime();
        let inside = runtime.clone();
        assert_eq!(tokio::spawn(async move { inside.run(async { 1 }) }).await.unwrap(), 1);
        let blocking = runtime.clone();
        assert_eq!(tokio::task::spawn_blocking(move || blocking.run(async { 2 })).await.unwrap(), 2);
        assert_eq!(tokio::task::block_in_place(|| runtime.run(async { 3 })), 3);
        // The last clone is dropped inside a task.
        drop(runtime);
    }

    #[tokio::test]
    async fn single_threaded_task_is_no_deadlock() {
        let runtime = runtime();
        let output = runtime.run(async {
            tokio::task::yield_now().await;
            7
        });
        assert_eq!(output, 7);
    }

    #[test]
    fn panic_of_a_future_reaches_the_caller() {
        let runtime = runtime();
        let caught = catch_unwind(AssertUnwindSafe(|| runtime.run(async { assert_eq!(1, 2, "the cause") })));
        let message = *caught.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("the cause"), "{message}");
        assert_eq!(runtime.run(async { 1 }), 1);
    }

    #[test]
    fn last_clone_may_end_on_the_runtime_itself() {
        let runtime = runtime();
        let last = runtime.clone();
        let (send, receive) = mpsc::channel();
        let started = runtime.handle().spawn(async move {
            tokio::task::yield_now().await;
            drop(last);
            send.send(()).unwrap();
        });
        receive.recv().unwrap();
        drop(started);
        drop(runtime);
    }
}
