//! The synchronization of the token cache and of the retry budget.
//!
//! The models in `tests/loom` compile the same code with another `sync` module, whose types loom controls.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};
pub(crate) use std::sync::{Mutex, MutexGuard};

/// A shared value that is read without a lock and replaced as a whole.
pub(crate) struct Swap<T>(ArcSwapOption<T>);

impl<T> Swap<T> {
    pub(crate) fn new() -> Self {
        Self(ArcSwapOption::empty())
    }

    /// Reads the value without a copy of its `Arc`.
    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.0.load().as_deref())
    }

    pub(crate) fn load(&self) -> Option<Arc<T>> {
        self.0.load_full()
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        self.0.store(value);
    }
}

/// A value that is set once.
pub(crate) struct Once<T>(OnceLock<T>);

impl<T: Clone> Once<T> {
    pub(crate) fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Sets the value, unless it is set.
    pub(crate) fn set(&self, value: T) {
        let _ = self.0.set(value);
    }

    pub(crate) fn get(&self) -> Option<T> {
        self.0.get().cloned()
    }
}

/// Wakes all tasks that wait.
pub(crate) struct Wake(Notify);

impl Wake {
    pub(crate) fn new() -> Self {
        Self(Notify::new())
    }

    /// Returns a future that ends with the next [`Wake::all`] after this call, also if it is not polled before.
    pub(crate) fn woken(&self) -> Notified<'_> {
        self.0.notified()
    }

    pub(crate) fn all(&self) {
        self.0.notify_waiters();
    }
}
