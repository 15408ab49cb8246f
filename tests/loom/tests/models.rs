//! R18: no deadlock, no lost wake-up, and one exchange, in every interleaving.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use loom::future::block_on;
use loom::thread;
use skyflow_http::auth::{AccessToken, TokenError, TokenFuture, TokenProvider};
use skyflow_http::clock::{Sleep, SystemClock};
use skyflow_loom::auth::Cached;
use skyflow_loom::{Clock, RetryBudget, RetryCost};

/// A clock that is stopped.
#[derive(Debug)]
struct Stopped(Instant);

impl Clock for Stopped {
    fn monotonic(&self) -> Instant {
        self.0
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

/// Returns a new token after it has been polled twice.
#[derive(Debug, Default)]
struct Numbered(AtomicUsize);

impl TokenProvider for Numbered {
    fn token(&self) -> TokenFuture<'_> {
        TokenFuture::new(async {
            let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            let mut polled = false;
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            let token = AccessToken::new(format!("token-{number}"))?;
            Ok(token)
        })
    }
}

type Tokens = Arc<Cached<Numbered>>;

fn model(preemptions: Option<usize>, test: impl Fn(Tokens) + Send + Sync + 'static) {
    let clock: Arc<dyn Clock> = Arc::new(Stopped(SystemClock.monotonic()));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let tokens = Cached::with_clock(Numbered::default(), Arc::clone(&clock)).with_jitter(|| 0.0);
        test(Arc::new(tokens));
    });
}

fn exchanges(tokens: &Tokens) -> usize {
    tokens.get_ref().0.load(Ordering::Relaxed)
}

fn spawn(tokens: &Tokens) -> thread::JoinHandle<Result<AccessToken, TokenError>> {
    let tokens = Arc::clone(tokens);
    thread::spawn(move || block_on(tokens.token()))
}

#[test]
fn rel_r18_two_callers_share_one_exchange() {
    model(Some(3), |tokens| {
        let other = spawn(&tokens);
        let mine = block_on(tokens.token()).unwrap();
        assert!(other.join().unwrap().unwrap().is_same(&mine));
        assert_eq!(exchanges(&tokens), 1);
    });
}

#[test]
fn rel_r18_three_callers_share_one_exchange() {
    model(Some(2), |tokens| {
        let others = [spawn(&tokens), spawn(&tokens)];
        let mine = block_on(tokens.token()).unwrap();
        for other in others {
            assert!(other.join().unwrap().unwrap().is_same(&mine));
        }
        assert_eq!(exchanges(&tokens), 1);
    });
}

#[test]
fn rel_r18_dropped_driver_passes_the_exchange_on() {
    model(Some(3), |tokens| {
        let other = spawn(&tokens);
        {
            // It may be the one that drives the exchange, and is dropped in the middle.
            let mut dropped = pin!(tokens.token());
            let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        assert_eq!(other.join().unwrap().unwrap().expose(), "token-1");
        assert_eq!(exchanges(&tokens), 1);
    });
}

#[test]
fn rel_r18_rejected_token_is_replaced_once() {
    model(Some(2), |tokens| {
        let rejected = block_on(tokens.token()).unwrap();
        let reject = |tokens: Tokens, rejected: AccessToken| {
            tokens.invalidate(&rejected);
            block_on(tokens.token()).unwrap()
        };
        let (theirs, of_them) = (Arc::clone(&tokens), rejected.clone());
        let other = thread::spawn(move || reject(theirs, of_them));
        let mine = reject(Arc::clone(&tokens), rejected.clone());
        let other = other.join().unwrap();
        assert!(mine.is_same(&other) && !mine.is_same(&rejected));
        assert_eq!(exchanges(&tokens), 2);
    });
}

#[test]
fn rel_r18_budget_is_never_overdrawn() {
    loom::model(|| {
        // Two retries of 14 tokens, or one and a deposit, but not three.
        let budget = RetryBudget::with_capacity(28);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let budget = budget.clone();
                thread::spawn(move || budget.withdraw(RetryCost::Failed))
            })
            .collect();
        let mine = budget.withdraw(RetryCost::Failed);
        budget.deposit();
        let allowed =
            others.into_iter().map(|other| other.join().unwrap()).filter(|allowed| *allowed).count();
        assert_eq!(allowed + usize::from(mine), 2);
        assert!(!budget.withdraw(RetryCost::Throttled), "one token is left");
    });
}
