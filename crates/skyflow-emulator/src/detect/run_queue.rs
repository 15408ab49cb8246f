use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Threads that work at once, at most.
const WORKERS: usize = 4;

type Work = Box<dyn FnOnce() + Send>;

/// Works on runs: separate threads do it, as many as there is work for within bounds, and end when there is none.
/// So it needs no runtime, and the end of one does not wait for it.
#[derive(Default)]
pub(crate) struct RunQueue {
    state: Mutex<Queue>,
    ended: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(String, Work)>,
    unfinished: HashSet<String>,
    workers: usize,
}

impl RunQueue {
    /// Has the work on a run done soon.
    pub(crate) fn push(self: &Arc<Self>, run_id: String, work: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        queue.unfinished.insert(run_id.clone());
        queue.waiting.push_back((run_id, Box::new(work)));
        if queue.workers == WORKERS {
            return;
        }
        queue.workers += 1;
        drop(queue);
        let worker = Arc::clone(self);
        let spawned = thread::Builder::new().name("detect-run".to_owned()).spawn(move || worker.work());
        if spawned.is_err() {
            // No thread is to be had, so the caller's does it.
            self.work();
        }
    }

    fn work(&self) {
        let mut queue = self.lock();
        while let Some((run_id, work)) = queue.waiting.pop_front() {
            drop(queue);
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!(run_id, "the work on a run of the embedded Detect panicked");
            }
            queue = self.lock();
            queue.unfinished.remove(&run_id);
            self.ended.notify_all();
        }
        queue.workers -= 1;
        self.ended.notify_all();
    }

    /// Waits for the end of the work on a run; false when it goes on after all of the time.
    pub(crate) fn wait(&self, run_id: &str, time: Duration) -> bool {
        let waited =
            self.ended.wait_timeout_while(self.lock(), time, |queue| queue.unfinished.contains(run_id));
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !queue.unfinished.contains(run_id)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn at_most_four_threads_work_and_end_when_idle() {
        let queue = Arc::new(RunQueue::default());
        let (started, is_started) = mpsc::channel();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        for number in 0..9 {
            let (started, gate) = (started.clone(), Arc::clone(&gate));
            queue.push(number.to_string(), move || {
                started.send(()).unwrap();
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
            });
        }
        for _ in 0..WORKERS {
            is_started.recv_timeout(LONG).unwrap();
        }
        // Every thread has taken its work, so what waits is what no thread is there for.
        assert_eq!((queue.lock().waiting.len(), WORKERS), (9 - WORKERS, 4));
        assert!(!queue.wait("8", Duration::ZERO));
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        for number in 0..9 {
            assert!(queue.wait(&number.to_string(), LONG));
        }
        assert!(queue.wait("unknown", Duration::ZERO));
        let (queue, waited) =
            queue.ended.wait_timeout_while(queue.lock(), LONG, |queue| queue.workers > 0).unwrap();
        assert!(!waited.timed_out() && queue.unfinished.is_empty());
    }

    #[test]
    fn work_that_panics_ends_and_the_rest_goes_on() {
        let queue = Arc::new(RunQueue::default());
        queue.push("1".to_owned(), || panic!("planned"));
        assert!(queue.wait("1", LONG));
        let (done, is_done) = mpsc::channel();
        queue.push("2".to_owned(), move || done.send(()).unwrap());
        is_done.recv_timeout(LONG).unwrap();
    }
}
