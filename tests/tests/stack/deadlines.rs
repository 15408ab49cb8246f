//! R08: whatever a server does, a call is over when its deadline has passed.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use http::header::RETRY_AFTER;
use http::{Method, StatusCode};
use skyflow_http::auth::AuthLayer;
use skyflow_http::layers::{Backoff, RetryLayer};
use skyflow_http::{
    Body, BoxError, CallContext, CallOptions, Clock, Error, ErrorKind, HttpService, Idempotency, ManualClock,
    Progress, Request, Response, Stack,
};
use skyflow_testkit::polling::Stepped;
use skyflow_tests::calls::{auth_after, request};

const STEP: Duration = Duration::from_millis(100);

/// What a server does with one attempt, after a delay.
fn outcome(random: &mut Rng) -> Result<Response, BoxError> {
    let statuses = [200, 200, 400, 401, 404, 408, 429, 429, 500, 501, 502, 503, 504];
    let kinds =
        [ErrorKind::Connect, ErrorKind::Tls, ErrorKind::Refused, ErrorKind::Io, ErrorKind::BodyTooLarge];
    if random.u8(..) < 64 {
        return Err(Error::new(kinds[random.usize(..kinds.len())], None).into());
    }
    let mut response = Response::new(Body::from("{}"));
    *response.status_mut() = StatusCode::from_u16(statuses[random.usize(..statuses.len())]).unwrap();
    if random.bool() {
        response.headers_mut().insert(RETRY_AFTER, random.u16(..100).into());
    }
    Ok(response)
}

fn delay(random: &mut Rng) -> Duration {
    match random.u8(..4) {
        0 => Duration::ZERO,
        1 => Duration::from_millis(random.u64(..1_000)),
        2 => Duration::from_millis(random.u64(..40_000)),
        _ => Duration::from_secs(3_600),
    }
}

fn server(seed: u64, clock: &ManualClock) -> HttpService {
    let random = Arc::new(Mutex::new(Rng::with_seed(seed)));
    let clock = clock.clone();
    HttpService::new(tower::service_fn(move |_: Request| {
        let mut random = random.lock().unwrap();
        let (clock, delay, outcome) = (clock.clone(), delay(&mut random), outcome(&mut random));
        async move {
            clock.sleep(delay).await;
            outcome
        }
    }))
}

/// Makes attempts wait before they start, as for a token: no attempt timeout runs there.
fn waiting(seed: u64, clock: &ManualClock) -> AuthLayer {
    let random = Mutex::new(Rng::with_seed(!seed));
    let clock = clock.clone();
    auth_after(move || {
        let mut random = random.lock().unwrap();
        let delay = if random.u8(..4) == 0 { delay(&mut random) } else { Duration::ZERO };
        clock.sleep(delay)
    })
}

#[test]
fn rel_r08_random_calls_end_by_their_deadline() {
    let (mut ended, mut passed) = (0, 0);
    for seed in 0..1_000 {
        let mut random = Rng::with_seed(seed);
        let clock = ManualClock::new();
        let shared = Arc::new(clock.clone());
        let jitter = Mutex::new(random.fork());
        let retry = RetryLayer::new(shared.clone())
            .max_attempts(NonZeroU32::new(random.u32(1..10)).unwrap())
            .backoff(Backoff::new().random(move || jitter.lock().unwrap().f64()));
        let stack = Stack::new(shared).retry(retry).auth(waiting(seed, &clock)).build(server(seed, &clock));
        let idempotency = if random.bool() { Idempotency::Safe } else { Idempotency::NonIdempotent };
        let mut call = request(Method::POST, "https://vault.example/", idempotency, Body::from("{}"));
        let total = Duration::from_millis(random.u64(0..90_000));
        CallContext::of_mut(call.extensions_mut()).options = CallOptions::new().deadline(total);
        let progress = Progress::of(call.extensions_mut());

        let started = clock.monotonic();
        let mut call = Stepped::new(async move { stack.send(call).await });
        let result = loop {
            if let Poll::Ready(result) = call.step() {
                break result;
            }
            let elapsed = clock.monotonic() - started;
            assert!(elapsed <= total + STEP, "seed {seed}: {elapsed:?} of {total:?}");
            clock.advance(STEP);
        };
        ended += 1;
        if let Err(error) = result {
            let error = error.downcast::<Error>().unwrap();
            if error.kind() == ErrorKind::DeadlineExceeded {
                passed += 1;
                assert!(clock.monotonic() - started >= total, "seed {seed}: not before its time");
                assert_eq!(error.may_have_been_applied(), progress.may_have_been_applied(), "seed {seed}");
            }
        }
        drop(call);
        assert_eq!(clock.sleepers(), 0, "seed {seed}: nobody waits for a call that is over");
    }
    assert_eq!(ended, 1_000);
    assert!((200..800).contains(&passed), "the scripts are a mixture: {passed}");
}
