//! One token for many callers: single flight, early renewal, remembered failures, cancellation, clocks.

#![expect(non_snake_case, reason = "T01 and its like are ids of promises")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::support::{Endpoint, Reply, shift};
use skyflow_auth::{
    AccessToken, AuthError, AuthErrorKind, Cached, ServiceAccountTokens, TokenProvider, provider_fn,
};
use skyflow_http::{Clock, ManualClock};
use tokio::sync::Barrier;

const CALLERS: usize = 10_000;
const LIFE: Duration = Duration::from_secs(3600);

type Tokens = Arc<Cached<ServiceAccountTokens>>;

fn cached(endpoint: &Endpoint, clock: &ManualClock) -> Tokens {
    Arc::new(Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())).with_jitter(|| 0.0))
}

/// Runs `test` on a runtime with that many worker threads.
fn on_workers<F: Future<Output = ()> + Send + 'static>(threads: usize, test: F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
    runtime.block_on(runtime.spawn(test)).unwrap();
}

/// Lets all callers ask at once and returns what each got.
async fn ask_all(tokens: &Tokens, callers: usize) -> Vec<Result<AccessToken, AuthError>> {
    let start = Arc::new(Barrier::new(callers));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (tokens, start) = (Arc::clone(tokens), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                tokens.token().await
            })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(callers);
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// How many times the big races are run: `SKYFLOW_AUTH_REPEATS=100` for the figure in the documentation.
fn repeats() -> usize {
    std::env::var("SKYFLOW_AUTH_REPEATS").map_or(10, |text| text.parse().unwrap())
}

#[test]
fn rel_T01_one_expiry_makes_one_exchange() {
    for threads in [2, 16] {
        on_workers(threads, async {
            let clock = ManualClock::new();
            let endpoint = Endpoint::new(&clock);
            let tokens = cached(&endpoint, &clock);
            tokens.token().await.unwrap();
            for round in 1..=repeats() {
                clock.advance(LIFE);
                let got = ask_all(&tokens, CALLERS).await;
                assert_eq!(endpoint.exchanges(), 1 + round);
                let first = got[0].as_ref().unwrap();
                assert!(got.iter().all(|token| token.as_ref().unwrap().is_same(first)));
            }
        });
    }
}

#[test]
fn rel_T01_first_calls_make_one_exchange() {
    on_workers(4, async {
        for _ in 0..repeats() {
            let clock = ManualClock::new();
            let endpoint = Endpoint::new(&clock);
            let got = ask_all(&cached(&endpoint, &clock), CALLERS).await;
            assert!(got.iter().all(Result::is_ok));
            assert_eq!(endpoint.exchanges(), 1);
        }
    });
}

#[tokio::test]
async fn expired_new_token_serves_all_waiting_callers() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    endpoint.otherwise(Reply::Grant(0));
    endpoint.close();
    let tokens = cached(&endpoint, &clock);
    let asking = tokio::spawn(async move { ask_all(&tokens, 1000).await });
    while endpoint.exchanges() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    endpoint.open();
    assert!(asking.await.unwrap().iter().all(Result::is_ok));
    assert_eq!(endpoint.exchanges(), 1);
}

#[test]
fn rel_T02_callers_share_one_failed_exchange() {
    for threads in [2, 16] {
        on_workers(threads, async {
            for _ in 0..repeats() {
                let clock = ManualClock::auto_advancing();
                let endpoint = Endpoint::new(&clock);
                endpoint.otherwise(Reply::Status(503, ""));
                let got = ask_all(&cached(&endpoint, &clock), CALLERS).await;
                assert!(endpoint.exchanges() <= 3, "{}", endpoint.exchanges());
                let first = got[0].as_ref().unwrap_err();
                assert_eq!(first.kind(), AuthErrorKind::Unavailable);
                assert!(got.iter().all(|error| error.as_ref().unwrap_err().is_same(first)));
            }
        });
    }
}

#[tokio::test]
async fn rel_T01_late_poll_takes_the_refreshed_token() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    let early = tokens.token();
    let new = tokens.token().await.unwrap();
    assert!(early.await.unwrap().is_same(&new));
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn rel_T02_failure_is_shared_for_about_a_second() {
    for (jitter, remembered_ms) in [((|| 0.0) as fn() -> f64, 1000), (|| 0.999, 1500)] {
        let clock = ManualClock::new();
        let endpoint = Endpoint::new(&clock);
        endpoint.otherwise(Reply::Status(401, ""));
        let tokens = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())).with_jitter(jitter);
        let first = tokens.token().await.unwrap_err();
        clock.advance(Duration::from_millis(remembered_ms - 1));
        assert!(tokens.token().await.unwrap_err().is_same(&first));
        assert_eq!(endpoint.exchanges(), 1);
        clock.advance(Duration::from_millis(1));
        assert!(!tokens.token().await.unwrap_err().is_same(&first));
        assert_eq!(endpoint.exchanges(), 2);
    }
}

#[tokio::test]
async fn rel_T03_refresh_is_at_most_5_minutes_early() {
    for (life, fresh_until) in [(3600, 3300), (600, 540), (10, 9)] {
        let clock = ManualClock::new();
        let endpoint = Endpoint::new(&clock);
        endpoint.otherwise(Reply::Grant(life));
        let tokens = cached(&endpoint, &clock);
        tokens.token().await.unwrap();
        clock.advance(Duration::from_millis(fresh_until * 1000 - 1));
        tokens.token().await.unwrap();
        assert_eq!(endpoint.exchanges(), 1, "{life}");
        clock.advance(Duration::from_millis(1));
        tokens.token().await.unwrap();
        assert_eq!(endpoint.exchanges(), 2, "{life}");
    }
}

#[tokio::test]
async fn rel_T03_processes_refresh_at_different_times() {
    let refreshed_at = async |jitter: fn() -> f64| {
        let clock = ManualClock::new();
        let endpoint = Endpoint::new(&clock);
        let tokens = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())).with_jitter(jitter);
        tokens.token().await.unwrap();
        let mut second = 0;
        while endpoint.exchanges() == 1 {
            clock.advance(Duration::from_secs(1));
            second += 1;
            tokens.token().await.unwrap();
        }
        second
    };
    assert_eq!(refreshed_at(|| 0.0).await, 3300);
    assert_eq!(refreshed_at(|| 0.5).await, 3270);
    assert_eq!(refreshed_at(|| 0.999_999).await, 3241);
}

#[tokio::test]
async fn rel_T03_other_callers_keep_the_old_token() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    let old = tokens.token().await.unwrap();
    clock.advance(Duration::from_secs(3400));
    endpoint.close();
    for _ in 0..1000 {
        let mut call = std::pin::pin!(tokens.token());
        let Poll::Ready(got) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("a caller waits although the token is still good");
        };
        assert!(got.unwrap().is_same(&old));
    }
    endpoint.open();
    while tokens.token().await.unwrap().is_same(&old) {
        tokio::task::yield_now().await;
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn rel_T03_four_failing_minutes_fail_no_call() {
    let clock = ManualClock::auto_advancing();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    let received = clock.monotonic();
    let old = tokens.token().await.unwrap();
    clock.advance(Duration::from_secs(3301));
    endpoint.otherwise(Reply::Status(503, ""));
    while clock.monotonic() - received < Duration::from_secs(3301 + 240) {
        assert!(tokens.token().await.unwrap().is_same(&old));
        clock.advance(Duration::from_millis(100));
    }
    assert!(endpoint.exchanges() < 60, "{} requests in four minutes", endpoint.exchanges());
    endpoint.otherwise(Reply::Grant(3600));
    clock.advance(Duration::from_secs(46));
    assert!(!tokens.token().await.unwrap().is_same(&old));
}

#[tokio::test]
async fn rel_T03_refusal_keeps_the_old_token() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    let old = tokens.token().await.unwrap();
    endpoint.otherwise(Reply::Status(401, ""));
    for second in [3301, 3500, 3591, 3599] {
        clock.advance(Duration::from_secs(second) - (clock.monotonic() - (old.expires_at().unwrap() - LIFE)));
        assert!(tokens.token().await.unwrap().is_same(&old), "{second}");
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!(tokens.token().await.unwrap_err().kind(), AuthErrorKind::Rejected);
}

#[tokio::test]
async fn caller_dropped_at_any_poll_keeps_cache_usable() {
    for polls in 0..12 {
        let clock = ManualClock::new();
        let endpoint = Endpoint::new(&clock);
        let tokens = cached(&endpoint, &clock);
        let slow = {
            let endpoint = endpoint.tokens();
            Cached::with_clock(
                provider_fn(move || {
                    let endpoint = endpoint.clone();
                    async move {
                        for _ in 0..5 {
                            tokio::task::yield_now().await;
                        }
                        endpoint.token().await
                    }
                }),
                Arc::new(clock.clone()),
            )
        };
        {
            let mut call = std::pin::pin!(slow.token());
            for _ in 0..polls {
                if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
            }
        }
        slow.token().await.unwrap();
        tokens.token().await.unwrap();
    }
}

#[tokio::test]
async fn only_the_token_that_was_rejected_is_dropped() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    let first = tokens.token().await.unwrap();
    tokens.invalidate(&first);
    let second = tokens.token().await.unwrap();
    assert!(!second.is_same(&first));
    for _ in 0..1000 {
        tokens.invalidate(&first);
        assert!(tokens.token().await.unwrap().is_same(&second));
    }
    assert_eq!(endpoint.exchanges(), 2);
}

#[tokio::test]
async fn rel_T07_clock_jumps_cause_no_exchange() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = cached(&endpoint, &clock);
    tokens.token().await.unwrap();
    for jump in [3600, -7200, 86_400, -86_400 * 365] {
        clock.set_now(shift(clock.now(), jump));
        for _ in 0..100 {
            tokens.token().await.unwrap();
        }
    }
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn a_provider_without_expiry_is_asked_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let clock = ManualClock::new();
    let count = Arc::clone(&asked);
    let tokens = Cached::with_clock(
        provider_fn(move || {
            count.fetch_add(1, Ordering::Relaxed);
            async { Ok(AccessToken::new("forever")?) }
        }),
        Arc::new(clock.clone()),
    );
    for _ in 0..10 {
        tokens.token().await.unwrap();
        clock.advance(LIFE * 24);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
