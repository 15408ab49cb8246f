//! The types of `skyflow_http`'s `sync` module, made of loom's.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64};
pub(crate) use loom::sync::{Mutex, MutexGuard};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Swap<T>(Mutex<Option<Arc<T>>>);

impl<T> Swap<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn read<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
        read(self.load().as_deref())
    }

    pub(crate) fn load(&self) -> Option<Arc<T>> {
        lock(&self.0).clone()
    }

    pub(crate) fn store(&self, value: Option<Arc<T>>) {
        *lock(&self.0) = value;
    }
}

pub(crate) struct Once<T>(Mutex<Option<T>>);

impl<T: Clone> Once<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn set(&self, value: T) {
        lock(&self.0).get_or_insert(value);
    }

    pub(crate) fn get(&self) -> Option<T> {
        lock(&self.0).clone()
    }
}

pub(crate) struct Wake(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    rounds: u64,
    wakers: Vec<Waker>,
}

impl Wake {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Waiting::default()))
    }

    pub(crate) fn woken(&self) -> Woken<'_> {
        Woken { wake: self, round: lock(&self.0).rounds }
    }

    pub(crate) fn all(&self) {
        let wakers = {
            let mut waiting = lock(&self.0);
            waiting.rounds += 1;
            std::mem::take(&mut waiting.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

pub(crate) struct Woken<'a> {
    wake: &'a Wake,
    round: u64,
}

impl Future for Woken<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut waiting = lock(&self.wake.0);
        if waiting.rounds != self.round {
            return Poll::Ready(());
        }
        waiting.wakers.push(cx.waker().clone());
        Poll::Pending
    }
}
