//! R17: a call may be dropped at any await point, and holds no resources afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::{Method, StatusCode};
use skyflow_http::layers::{Backoff, RetryLayer};
use skyflow_http::{Body, BoxError, HttpService, Idempotency, ManualClock, Request, Response, Stack};
use skyflow_testkit::polling::Stepped;
use skyflow_tests::calls::{auth_after, request};
use tokio::sync::Semaphore;

const PERMITS: usize = 2;

/// Counts what is under way, and stops counting it when it is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn wait(polls: usize) {
    for _ in 0..polls {
        tokio::task::yield_now().await;
    }
}

struct Bench {
    clock: ManualClock,
    permits: Arc<Semaphore>,
    under_way: Arc<AtomicUsize>,
    attempts: Arc<AtomicUsize>,
    stack: HttpService,
}

/// Makes the default stack with a limit, a waiting auth layer and a waiting transport that fails twice first.
fn bench() -> Bench {
    let clock = ManualClock::new();
    let shared = Arc::new(clock.clone());
    let (permits, under_way) = (Arc::new(Semaphore::new(PERMITS)), Arc::new(AtomicUsize::new(0)));
    let attempts = Arc::new(AtomicUsize::new(0));
    let transport = {
        let (under_way, attempts) = (Arc::clone(&under_way), Arc::clone(&attempts));
        HttpService::new(tower::service_fn(move |_: Request| {
            let (under_way, attempts) = (Arc::clone(&under_way), Arc::clone(&attempts));
            async move {
                let _under_way = UnderWay::new(&under_way);
                let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                wait(3).await;
                let status = if attempt < 2 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                let chunks = [Ok::<_, BoxError>("{}".into())];
                let body = futures_util::StreamExt::then(futures_util::stream::iter(chunks), |chunk| async {
                    wait(2).await;
                    chunk
                });
                let mut response = Response::new(Body::from_stream(body));
                *response.status_mut() = status;
                Ok::<_, BoxError>(response)
            }
        }))
    };
    let stack = Stack::new(shared.clone())
        .retry(RetryLayer::new(shared).backoff(Backoff::new().random(|| 1.0)))
        .in_flight(Arc::clone(&permits))
        .auth(auth_after(|| wait(2)))
        .build(transport);
    Bench { clock, permits, under_way, attempts, stack }
}

impl Bench {
    fn call(&self) -> Stepped<impl Future<Output = Result<Response, BoxError>> + use<>> {
        let stack = self.stack.clone();
        let call = request(Method::POST, "https://vault.example/", Idempotency::Safe, Body::from("{}"));
        Stepped::new(async move { stack.send(call).await })
    }

    /// Polls up to `polls` times, moving the clock between polls so that pauses between attempts pass.
    fn step(
        &self,
        call: &mut Stepped<impl Future<Output = Result<Response, BoxError>>>,
        polls: usize,
    ) -> bool {
        for _ in 0..polls {
            if let Poll::Ready(result) = call.step() {
                assert_eq!(result.unwrap().status(), StatusCode::OK);
                return true;
            }
            self.clock.advance(Duration::from_millis(10));
        }
        false
    }

    fn assert_nothing_left(&self, dropped_after: usize) {
        assert_eq!(self.permits.available_permits(), PERMITS, "dropped after {dropped_after} polls");
        assert_eq!(self.under_way.load(Ordering::SeqCst), 0, "dropped after {dropped_after} polls");
        assert_eq!(self.clock.sleepers(), 0, "dropped after {dropped_after} polls");
    }
}

#[test]
fn rel_r17_dropped_call_leaves_nothing_behind() {
    let mut most_attempts = 0;
    for polls in 0.. {
        let bench = bench();
        let mut call = bench.call();
        let finished = bench.step(&mut call, polls);
        drop(call);
        bench.assert_nothing_left(polls);
        most_attempts = most_attempts.max(bench.attempts.load(Ordering::SeqCst));
        assert!(bench.step(&mut bench.call(), 1_000), "after {polls} polls the next call works");
        bench.assert_nothing_left(polls);
        if finished {
            assert!(polls > 20, "the sweep saw the pauses and the waits of three attempts: {polls}");
            assert_eq!(most_attempts, 3);
            return;
        }
        assert!(polls < 1_000, "a call ends");
    }
}

#[test]
fn rel_r17_dropped_waiting_call_takes_no_permit() {
    let mut waited = 0;
    for polls in 0.. {
        let bench = bench();
        let (mut first, mut second, mut third) = (bench.call(), bench.call(), bench.call());
        let mut finished = false;
        for _ in 0..polls {
            // Two hold the permits while the third waits.
            finished = first.step().is_ready() || second.step().is_ready() || third.step().is_ready();
            if finished {
                break;
            }
            waited += usize::from(bench.permits.available_permits() == 0);
        }
        drop(third);
        assert!(bench.permits.available_permits() <= PERMITS);
        drop(first);
        drop(second);
        bench.assert_nothing_left(polls);
        for _ in 0..PERMITS {
            assert!(bench.step(&mut bench.call(), 1_000), "after {polls} polls");
        }
        if finished {
            break;
        }
    }
    assert!(waited > 10, "the sweep saw the permits taken: {waited}");
}

#[test]
fn rel_r17_dropped_call_does_not_affect_others() {
    for polls in 1..60 {
        let bench = bench();
        let (mut dropped, mut kept) = (bench.call(), bench.call());
        let mut finished = false;
        for _ in 0..polls {
            let _ = dropped.step();
            finished = finished || bench.step(&mut kept, 1);
            if finished {
                break;
            }
        }
        drop(dropped);
        assert!(finished || bench.step(&mut kept, 1_000), "{polls}");
    }
}
