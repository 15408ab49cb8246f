//! An exchange outlives the calls that wait for it, and ends with its own time limit or its runtime.

#![expect(non_snake_case, reason = "T01 and its like are ids of promises")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use skyflow_auth::{AccessToken, AuthError, AuthErrorKind, Cached, TokenFuture, TokenProvider, provider_fn};
use skyflow_http::{Clock, ManualClock};
use skyflow_testkit::polling::{Stepped, in_time, until};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

type Tokens = Arc<dyn TokenProvider>;

/// A provider that counts its exchanges, each of which waits for `wait`.
fn counting<F, W>(clock: &ManualClock, wait: F) -> (Tokens, Arc<AtomicUsize>)
where
    F: Fn() -> W + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let exchanges = Arc::new(AtomicUsize::new(0));
    let (count, now) = (Arc::clone(&exchanges), clock.clone());
    let provider = provider_fn(move || {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let (wait, now) = (wait(), now.clone());
        async move {
            wait.await;
            let token = AccessToken::new(format!("token-{number}"))?;
            Ok(token.with_lifetime(now.monotonic(), Duration::from_secs(3600)))
        }
    });
    (Arc::new(Cached::with_clock(provider, Arc::new(clock.clone())).with_jitter(|| 0.0)), exchanges)
}

/// A provider whose exchanges take that long on the clock.
fn slow(clock: &ManualClock, milliseconds: u64) -> (Tokens, Arc<AtomicUsize>) {
    let sleeper = clock.clone();
    counting(clock, move || sleeper.sleep(Duration::from_millis(milliseconds)))
}

/// A provider whose exchanges wait for a permit.
fn gated(clock: &ManualClock) -> (Tokens, Arc<AtomicUsize>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let (tokens, exchanges) = counting(clock, move || {
        let gate = Arc::clone(&permits);
        async move { gate.acquire().await.unwrap().forget() }
    });
    (tokens, exchanges, gate)
}

fn of(exchanges: &AtomicUsize) -> usize {
    exchanges.load(Ordering::SeqCst)
}

async fn let_tasks_run() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Makes a call with a deadline of a second at each `interval` for `total`; tells for each when it started and whether
/// it got a token.
async fn calls(tokens: &Tokens, clock: &ManualClock, interval: u64, total: u64) -> Vec<(u64, bool)> {
    let mut under_way = Vec::new();
    for start in (0..total + 2_000).step_by(50) {
        if start % interval == 0 && start < total {
            let (tokens, deadline) = (Arc::clone(tokens), clock.sleep(Duration::from_secs(1)));
            let call = tokio::spawn(async move {
                tokio::select! {
                    biased;
                    outcome = tokens.token() => outcome.is_ok(),
                    () = deadline => false,
                }
            });
            under_way.push((start, call));
        }
        let_tasks_run().await;
        clock.advance(Duration::from_millis(50));
        let_tasks_run().await;
    }
    let mut ended = Vec::new();
    for (start, call) in under_way {
        ended.push((start, in_time(call).await.unwrap()));
    }
    ended
}

#[tokio::test]
async fn rel_T01_slow_endpoint_fails_only_first_calls() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = slow(&clock, 1_200);
    let ended = calls(&tokens, &clock, 50, 15_000).await;
    assert_eq!(ended.len(), 300);
    assert_eq!(of(&exchanges), 1);
    assert!(ended.iter().all(|(start, ok)| *ok || *start < 300), "{ended:?}");
    assert!(ended.iter().filter(|(_, ok)| *ok).count() >= 293);
    assert!(!ended[0].1, "the first call reaches its deadline before the token is there");
}

#[tokio::test]
async fn rel_T01_rare_calls_share_a_slow_exchange() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = slow(&clock, 1_200);
    let ended = calls(&tokens, &clock, 2_000, 20_000).await;
    assert_eq!(ended.iter().filter(|(_, ok)| !ok).count(), 1, "only the first: {ended:?}");
    assert_eq!(of(&exchanges), 1);
}

#[test]
fn rel_R17_callers_dropped_at_any_poll_end_nothing() {
    for threads in [2, 16] {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        let test = runtime.spawn(async {
            for polls in 1..12 {
                let clock = ManualClock::new();
                let (tokens, exchanges) = counting(&clock, || async {
                    for _ in 0..200 {
                        tokio::task::yield_now().await;
                    }
                });
                for _ in 0..50 {
                    let tokens = Arc::clone(&tokens);
                    let leader = tokio::spawn(async move {
                        let mut call = std::pin::pin!(tokens.token());
                        for _ in 0..polls {
                            let polled =
                                std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready()))
                                    .await;
                            if polled {
                                return;
                            }
                            tokio::task::yield_now().await;
                        }
                    });
                    leader.await.unwrap();
                }
                in_time(tokens.token()).await.unwrap();
                assert_eq!(of(&exchanges), 1, "{polls} polls");
            }
        });
        runtime.block_on(test).unwrap();
    }
}

#[tokio::test]
async fn rel_R17_dropped_leader_leaves_one_exchange() {
    let clock = ManualClock::new();
    let (tokens, exchanges, gate) = gated(&clock);
    let call = || {
        let tokens = Arc::clone(&tokens);
        tokio::spawn(async move { tokens.token().await })
    };
    let leader = call();
    until(|| of(&exchanges) == 1).await;
    let followers: Vec<_> = (0..1000).map(|_| call()).collect();
    let_tasks_run().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    for follower in followers {
        assert_eq!(in_time(follower).await.unwrap().unwrap().expose(), "token-1");
    }
    assert_eq!(of(&exchanges), 1);
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Starts an exchange on a runtime and gives up waiting for it.
fn start_on(runtime: &Runtime, tokens: &Tokens) {
    runtime.block_on(async {
        let mut call = std::pin::pin!(tokens.token());
        assert!(std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await);
        let_tasks_run().await;
    });
}

#[test]
fn exchange_of_an_ended_runtime_starts_again() {
    for multi_thread in [false, true] {
        let clock = ManualClock::new();
        let (tokens, exchanges, gate) = gated(&clock);
        let first = match multi_thread {
            true => Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
            false => current_thread(),
        };
        start_on(&first, &tokens);
        let second = current_thread();
        // It waits for the exchange on the first runtime when that ends.
        let waiting = second.spawn({
            let tokens = Arc::clone(&tokens);
            async move { tokens.token().await }
        });
        second.block_on(let_tasks_run());
        assert_eq!(of(&exchanges), 1);
        drop(first);
        gate.add_permits(1);
        let token = second.block_on(in_time(waiting)).unwrap().unwrap();
        assert_eq!(token.expose(), "token-2", "{multi_thread}");
        assert_eq!(second.block_on(tokens.token()).unwrap().expose(), "token-2");
    }
}

#[test]
fn early_refresh_of_an_ended_runtime_starts_again() {
    let clock = ManualClock::new();
    let (tokens, exchanges, gate) = gated(&clock);
    let first = current_thread();
    gate.add_permits(1);
    first.block_on(tokens.token()).unwrap();
    clock.advance(Duration::from_secs(3_301));
    assert_eq!(first.block_on(tokens.token()).unwrap().expose(), "token-1");
    assert_eq!(of(&exchanges), 2);
    drop(first);
    gate.add_permits(1);
    let second = current_thread();
    assert_eq!(second.block_on(tokens.token()).unwrap().expose(), "token-3", "at once, without a wait");
}

#[test]
fn exchange_of_an_idle_runtime_is_replaced_after_5_s() {
    let clock = ManualClock::new();
    let (tokens, exchanges, gate) = gated(&clock);
    // Nothing drives this runtime from here on, so its exchange makes no progress.
    let idle = current_thread();
    start_on(&idle, &tokens);
    let second = current_thread();
    let waiting = second.spawn({
        let tokens = Arc::clone(&tokens);
        async move { tokens.token().await }
    });
    gate.add_permits(2);
    second.block_on(async {
        let_tasks_run().await;
        clock.advance(Duration::from_millis(4_999));
        let_tasks_run().await;
        assert!(!waiting.is_finished());
        assert_eq!(of(&exchanges), 1);
        clock.advance(Duration::from_millis(1));
        assert_eq!(in_time(waiting).await.unwrap().unwrap().expose(), "token-2");
    });
    assert_eq!(of(&exchanges), 2);
}

#[test]
fn old_exchange_that_fails_is_tried_again() {
    for (age, outcomes_of_first) in [(4_999, false), (5_000, true)] {
        let clock = ManualClock::new();
        let gate = Arc::new(Semaphore::new(0));
        let (permits, exchanges) = (Arc::clone(&gate), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&exchanges);
        let provider = provider_fn(move || {
            let (permits, number) = (Arc::clone(&permits), count.fetch_add(1, Ordering::SeqCst));
            async move {
                permits.acquire().await.unwrap().forget();
                match number {
                    0 => Err(AuthError::new(AuthErrorKind::Unavailable, "it was not driven for too long")),
                    _ => Ok(AccessToken::new("t")?),
                }
            }
        });
        let tokens: Tokens = Arc::new(Cached::with_clock(provider, Arc::new(clock.clone())));
        // A runtime that is driven only during calls.
        let runtime = current_thread();
        start_on(&runtime, &tokens);
        clock.advance(Duration::from_millis(age));
        gate.add_permits(2);
        assert_eq!(runtime.block_on(in_time(tokens.token())).is_ok(), outcomes_of_first, "{age}");
        assert_eq!(of(&exchanges), 1 + usize::from(outcomes_of_first));
    }
}

#[test]
fn old_exchanges_that_fail_make_no_storm() {
    let clock = ManualClock::new();
    let (permits, exchanges) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gate, count) = (Arc::clone(&permits), Arc::clone(&exchanges));
    let provider = provider_fn(move || {
        let gate = Arc::clone(&gate);
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            gate.acquire().await.unwrap().forget();
            Err::<AccessToken, _>(AuthError::new(AuthErrorKind::Unavailable, "down"))
        }
    });
    let tokens: Tokens = Arc::new(Cached::with_clock(provider, Arc::new(clock.clone())));
    let runtime = current_thread();
    start_on(&runtime, &tokens);
    clock.advance(Duration::from_secs(6));
    runtime.block_on(async {
        let calls: Vec<_> = (0..1_000)
            .map(|_| {
                let tokens = Arc::clone(&tokens);
                tokio::spawn(async move { tokens.token().await })
            })
            .collect();
        let_tasks_run().await;
        permits.add_permits(1_000);
        for call in calls {
            assert_eq!(in_time(call).await.unwrap().unwrap_err().kind(), AuthErrorKind::Unavailable);
        }
    });
    assert_eq!(of(&exchanges), 2);
}

#[test]
fn call_on_an_ended_runtime_fails_and_ends() {
    let clock = ManualClock::new();
    let (tokens, exchanges, gate) = gated(&clock);
    let runtime = current_thread();
    let handle = runtime.handle().clone();
    drop(runtime);
    {
        let _entered = handle.enter();
        let mut call = Stepped::new(tokens.token());
        let Poll::Ready(outcome) = call.step() else { panic!("the call waits for a runtime that has ended") };
        assert_eq!(outcome.unwrap_err().kind(), AuthErrorKind::Unavailable);
    }
    let tried = of(&exchanges);
    assert!(tried <= 4, "{tried}");
    gate.add_permits(1);
    assert!(current_thread().block_on(tokens.token()).is_ok(), "the failure is not remembered");
}

#[test]
fn callers_without_a_runtime_drive_the_exchange() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = counting(&clock, || async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    // Each caller polls twice and is dropped; the exchange goes on from where it was.
    for _ in 0..4 {
        let mut call = Stepped::new(tokens.token());
        assert!(call.step().is_pending() && call.step().is_pending());
    }
    let mut last = Stepped::new(tokens.token());
    let polls = (1..20).find(|_| last.step().is_ready());
    assert!(polls.is_some_and(|polls| polls <= 4), "{polls:?}");
    assert_eq!(of(&exchanges), 1);
}

#[test]
fn early_refresh_without_a_runtime_makes_progress() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = counting(&clock, || async {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    });
    let mut first = Stepped::new(tokens.token());
    assert!((0..20).any(|_| first.step().is_ready()));
    clock.advance(Duration::from_secs(3_301));
    let mut served = Vec::new();
    for _ in 0..8 {
        let Poll::Ready(token) = Stepped::new(tokens.token()).step() else {
            panic!("the old token is valid")
        };
        served.push(token.unwrap().expose().to_owned());
    }
    assert_eq!((served[0].as_str(), served[7].as_str()), ("token-1", "token-2"));
    assert_eq!(of(&exchanges), 2);
}

/// Waits until a call has to wait, for at most that long on the clock; the call is dropped then.
async fn error_after(tokens: &Tokens, clock: &ManualClock, limit: Duration) -> AuthError {
    let call = tokio::spawn({
        let tokens = Arc::clone(tokens);
        async move { tokens.token().await }
    });
    let_tasks_run().await;
    clock.advance(limit - Duration::from_millis(1));
    let_tasks_run().await;
    assert!(!call.is_finished(), "the limit is not reached");
    clock.advance(Duration::from_millis(1));
    in_time(call).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn hanging_exchange_ends_at_its_time_limit() {
    for limit in [None, Some(3)] {
        let clock = ManualClock::new();
        let hanging = provider_fn(std::future::pending::<Result<AccessToken, AuthError>>);
        let mut cached = Cached::with_clock(hanging, Arc::new(clock.clone()));
        if let Some(seconds) = limit {
            cached = cached.exchange_timeout(Duration::from_secs(seconds));
        }
        let tokens: Tokens = Arc::new(cached);
        let error = error_after(&tokens, &clock, Duration::from_secs(limit.unwrap_or(60))).await;
        assert_eq!(error.kind(), AuthErrorKind::Unavailable);
        assert_eq!(error.to_string(), "the token exchange did not end in time");
        assert_eq!(clock.sleepers(), 0);
    }
}

#[tokio::test]
async fn rel_T03_no_caller_waits_for_an_early_refresh() {
    let clock = ManualClock::new();
    let (tokens, exchanges, gate) = gated(&clock);
    gate.add_permits(1);
    let old = tokens.token().await.unwrap();
    clock.advance(Duration::from_secs(3_301));
    for second in 3_301..3_600 {
        let mut call = Stepped::new(tokens.token());
        let Poll::Ready(got) = call.step() else { panic!("a call waits at {second} s") };
        assert!(got.unwrap().is_same(&old));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
    }
    assert!((2..8).contains(&of(&exchanges)), "each exchange has its 60 s: {}", of(&exchanges));
    let mut after = Stepped::new(tokens.token());
    assert!(after.step().is_pending(), "the old token has expired");
    gate.add_permits(8);
    assert!(!in_time(after.into_inner()).await.unwrap().is_same(&old));
}

#[tokio::test]
async fn rel_T03_early_refresh_needs_no_further_call() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = slow(&clock, 500);
    let first = tokio::spawn({
        let tokens = Arc::clone(&tokens);
        async move { tokens.token().await }
    });
    let_tasks_run().await;
    clock.advance(Duration::from_millis(500));
    let old = in_time(first).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(3_301));
    assert!(tokens.token().await.unwrap().is_same(&old));
    assert!(tokens.peek().unwrap().is_same(&old), "the next calls do not even take a lock");
    clock.advance(Duration::from_millis(500));
    let_tasks_run().await;
    assert_eq!(tokens.peek().unwrap().expose(), "token-2");
    assert_eq!(of(&exchanges), 2);
}

#[tokio::test]
async fn panic_of_a_provider_fails_all_waiting_calls() {
    let clock = ManualClock::new();
    let panics = Arc::new(AtomicBool::new(true));
    let still = Arc::clone(&panics);
    let provider = provider_fn(move || {
        let still = Arc::clone(&still);
        async move {
            tokio::task::yield_now().await;
            assert!(!still.load(Ordering::SeqCst), "a panic of the caller's own provider");
            Ok(AccessToken::new("t")?)
        }
    });
    let tokens: Tokens = Arc::new(Cached::with_clock(provider, Arc::new(clock.clone())));
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let tokens = Arc::clone(&tokens);
            tokio::spawn(async move { tokens.token().await })
        })
        .collect();
    for call in calls {
        assert_eq!(in_time(call).await.unwrap().unwrap_err().kind(), AuthErrorKind::Provider);
    }
    panics.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(2));
    assert!(in_time(tokens.token()).await.is_ok());
}

/// Sets a flag when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn exchange_ends_with_the_cache_it_belongs_to() {
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let provider = provider_fn(move || {
        let guard = Dropped(Arc::clone(&flag));
        async move {
            let _guard = guard;
            std::future::pending::<Result<AccessToken, AuthError>>().await
        }
    });
    let tokens = Cached::with_clock(provider, Arc::new(ManualClock::new()));
    assert!(Stepped::new(tokens.token()).step().is_pending());
    let_tasks_run().await;
    assert!(!dropped.load(Ordering::SeqCst), "the exchange outlives its caller");
    drop(tokens);
    until(|| dropped.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn expired_tokens_are_minted_once_a_second() {
    for life in [0, 1, 100, 999] {
        let clock = ManualClock::new();
        let now = clock.clone();
        let minted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&minted);
        let provider = provider_fn(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let token =
                AccessToken::new("t").map(|t| t.with_lifetime(now.monotonic(), Duration::from_millis(life)));
            async move { Ok(token?) }
        });
        let tokens = Cached::with_clock(provider, Arc::new(clock.clone()));
        for call in 0..200 {
            tokens.token().await.unwrap();
            assert_eq!(of(&minted), 1 + call / 20, "{life} ms, call {call}");
            clock.advance(Duration::from_millis(50));
        }
    }
}

#[tokio::test]
async fn rejected_tokens_are_replaced_at_a_limited_rate() {
    let clock = ManualClock::new();
    let (tokens, exchanges) = counting(&clock, || async {});
    for _ in 0..100 {
        let rejected = tokens.token().await.unwrap();
        tokens.invalidate(&rejected);
    }
    assert_eq!(of(&exchanges), 11);
    let last = tokens.token().await.unwrap();
    tokens.invalidate(&last);
    assert!(tokens.token().await.unwrap().is_same(&last), "the call gets the server's 401");
    clock.advance(Duration::from_secs(1));
    tokens.invalidate(&last);
    assert!(!tokens.token().await.unwrap().is_same(&last));
}

/// Tokens of credentials that may have changed.
#[derive(Debug, Default)]
struct Rotating {
    changed: Arc<AtomicBool>,
    checks: Arc<AtomicUsize>,
    exchanges: Arc<AtomicUsize>,
}

impl TokenProvider for Rotating {
    fn token(&self) -> TokenFuture<'_> {
        self.changed.store(false, Ordering::SeqCst);
        let number = self.exchanges.fetch_add(1, Ordering::SeqCst);
        TokenFuture::ready(AccessToken::new(format!("token-{number}")).map_err(Into::into))
    }

    fn changed(&self) -> Option<skyflow_http::auth::ChangeFuture<'_>> {
        Some(Box::pin(async {
            self.checks.fetch_add(1, Ordering::SeqCst);
            self.changed.load(Ordering::SeqCst)
        }))
    }
}

#[tokio::test]
async fn rel_T08_changed_credentials_refresh_the_token() {
    let clock = ManualClock::new();
    let tokens = Cached::with_clock(Rotating::default(), Arc::new(clock.clone()));
    let of_cache = tokens.get_ref();
    let first = tokens.token().await.unwrap();
    for second in 1..=100 {
        clock.advance(Duration::from_secs(1));
        assert!(tokens.token().await.unwrap().is_same(&first));
        assert_eq!(of(&of_cache.checks), second / 30, "{second}");
    }
    of_cache.changed.store(true, Ordering::SeqCst);
    clock.advance(Duration::from_secs(30));
    assert!(!tokens.token().await.unwrap().is_same(&first));
    assert_eq!(of(&of_cache.exchanges), 2);
}
