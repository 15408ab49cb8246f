//! A runtime for synchronous clients: a background thread that is always driven, and calls that block their thread.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::{fmt, io};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Drives the connections and timers of synchronous calls on a background thread; cheap to clone.
///
/// The thread runs whether or not a call is under way. So a connection that the server closes between two calls is
/// noticed when it happens, and not by the next request. The thread ends when the last clone is dropped; connections
/// that were opened on it end with it.
#[derive(Clone)]
pub struct BlockingRuntime(Arc<Inner>);

struct Inner {
    handle: Handle,
    thread: ThreadId,
    /// Dropping it stops the thread.
    _running: oneshot::Sender<()>,
}

impl BlockingRuntime {
    /// Starts the background thread, with the name that debuggers show.
    ///
    /// # Errors
    ///
    /// Fails when the operating system refuses the thread or the means to wait for sockets.
    pub fn new(thread_name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(thread_name.to_owned()).spawn(move || {
            // The sender sends nothing: its end is the message.
            let _ = runtime.block_on(stopped);
            // A file that is being read must not delay the end of the thread.
            runtime.shutdown_background();
        })?;
        Ok(Self(Arc::new(Inner { handle, thread: thread.thread().id(), _running: running })))
    }

    /// Returns the handle of the runtime, to start tasks on the background thread.
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Runs a future to its end on the current thread, and blocks the thread meanwhile.
    ///
    /// It works on any thread: a plain one, one of `spawn_blocking`, one inside `block_in_place`, and inside a task of
    /// another runtime, whose worker it then blocks. What the future opens or spawns belongs to the background thread.
    ///
    /// # Errors
    ///
    /// Fails with [`WouldDeadlock`] on the background thread itself, as in a layer of the client: the thread would wait
    /// for what only it can do.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, WouldDeadlock> {
        if thread::current().id() == self.0.thread {
            return Err(WouldDeadlock(()));
        }
        let _entered = self.0.handle.enter();
        // The budget of the task that this may run in would never be renewed while its thread is blocked.
        let mut future = pin!(tokio::task::unconstrained(future));
        let parked = Arc::new(Parked { thread: thread::current(), is_woken: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&parked));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            // A thread can be unparked for other reasons.
            while !parked.is_woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

impl fmt::Debug for BlockingRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingRuntime")
    }
}

/// A thread that waits for a future.
struct Parked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Reports a synchronous call on the background thread that would have to drive it.
#[derive(Debug)]
pub struct WouldDeadlock(());

impl fmt::Display for WouldDeadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a synchronous call inside a layer, token source or callback of the same client would never end",
        )
    }
}

impl StdError for WouldDeadlock {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::SystemClock;

    #[test]
    fn future_runs_on_threads_of_all_kinds() {
        let runtime = BlockingRuntime::new("test").unwrap();
        let call = {
            let runtime = runtime.clone();
            move || {
                let word = String::from("borrowed");
                let borrowed = &word;
                runtime
                    .block_on(async {
                        SystemClock::shared().sleep(Duration::from_millis(1)).await;
                        tokio::spawn(async { 7 }).await.unwrap() + borrowed.len()
                    })
                    .unwrap()
            }
        };
        assert_eq!(call(), 15);
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let outer = builder.worker_threads(2).enable_all().build().unwrap();
            let (inside, spawned) = (call.clone(), call.clone());
            assert_eq!(outer.block_on(async move { inside() }), 15);
            assert_eq!(outer.block_on(outer.spawn(async move { spawned() })).unwrap(), 15);
            assert_eq!(outer.block_on(outer.spawn_blocking(call.clone())).unwrap(), 15);
        }
        let outer = Builder::new_multi_thread().enable_all().build().unwrap();
        let in_place = call.clone();
        assert_eq!(outer.block_on(outer.spawn(async { tokio::task::block_in_place(in_place) })).unwrap(), 15);
    }

    /// A task may await 128 times before tokio makes it yield, which a blocked one never does.
    #[test]
    fn budget_of_the_outer_task_ends_no_call() {
        let runtime = BlockingRuntime::new("test").unwrap();
        let outer = Builder::new_current_thread().enable_all().build().unwrap();
        let received = outer.block_on(async move {
            runtime.block_on(async {
                let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
                (0..1_000).for_each(|number| sender.send(number).unwrap());
                let mut received = 0;
                while received < 1_000 && receiver.recv().await.is_some() {
                    received += 1;
                }
                received
            })
        });
        assert_eq!(received.unwrap(), 1_000);
    }

    #[test]
    fn call_on_the_background_thread_is_refused() {
        let runtime = BlockingRuntime::new("test").unwrap();
        let inner = runtime.clone();
        let task = async move { tokio::spawn(async move { inner.block_on(async {}).is_err() }).await };
        assert!(runtime.block_on(task).unwrap().unwrap());
    }

    #[test]
    fn thread_ends_with_the_last_clone() {
        let runtime = BlockingRuntime::new("test").unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        runtime
            .block_on(async {
                drop(tokio::spawn(async move {
                    std::future::pending::<()>().await;
                    drop(sender);
                }));
            })
            .unwrap();
        let clone = runtime.clone();
        drop(runtime);
        assert!(receiver.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty));
        // In a task, where dropping a runtime would panic.
        Builder::new_current_thread().build().unwrap().block_on(async move { drop(clone) });
        assert!(receiver.recv().is_err(), "the task ends, and drops the sender, with the thread");
    }
}
