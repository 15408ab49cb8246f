use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use super::super::{RetryCost, probe};
use super::*;
use crate::{Body, ErrorKind, Idempotency, ManualClock};

/// The server's reaction to one attempt.
#[derive(Clone, Copy, Debug)]
enum Step {
    Status(u16),
    StatusAfter(u16, &'static str),
    Fail(ErrorKind),
}
use Step::{Fail, Status, StatusAfter};

struct Outcome {
    requests: usize,
    pauses: Vec<Duration>,
    result: Result<u16, Error>,
    stop: Option<RetryStop>,
}

/// Sends `request` to a server that follows `script`, and repeats its last step; pauses have no jitter.
async fn run_script(script: &[Step], request: Request) -> Outcome {
    let clock = ManualClock::auto_advancing();
    let layer = RetryLayer::new(Arc::new(clock.clone())).backoff(Backoff::new().random(|| 1.0));
    run_with(layer, clock, script, request).await
}

async fn run_with(layer: RetryLayer, clock: ManualClock, script: &[Step], mut request: Request) -> Outcome {
    let progress = Progress::of(request.extensions_mut());
    let seen = Arc::new(Mutex::new(0_usize));
    let server = {
        let (seen, script) = (Arc::clone(&seen), script.to_vec());
        tower::service_fn(move |_: Request| {
            let mut seen = seen.lock().unwrap();
            let step = script[(*seen).min(script.len() - 1)];
            *seen += 1;
            async move {
                let mut response = Response::new(Body::empty());
                match step {
                    Fail(kind) => return Err(BoxError::from(Error::new(kind, None))),
                    Status(status) => *response.status_mut() = StatusCode::from_u16(status).unwrap(),
                    StatusAfter(status, after) => {
                        *response.status_mut() = StatusCode::from_u16(status).unwrap();
                        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(after));
                    }
                }
                Ok(response)
            }
        })
    };
    let result = layer.layer(server).oneshot(request).await;
    Outcome {
        requests: *seen.lock().unwrap(),
        pauses: clock.slept(),
        result: result
            .map(|response| response.status().as_u16())
            .map_err(|e| *e.downcast::<Error>().unwrap()),
        stop: progress.retry_stop(),
    }
}

#[tokio::test]
async fn rel_r02_the_retry_matrix_holds_in_every_cell() {
    use Idempotency::{Idempotent, NonIdempotent, Safe, Unknown};
    // (what happens, sent again when repeating does no harm, sent again when it does)
    let rows = [
        (Fail(ErrorKind::Connect), true, true),
        (Fail(ErrorKind::Tls), false, false),
        (Fail(ErrorKind::Proxy), false, false),
        (Fail(ErrorKind::Refused), true, true),
        (Status(429), true, true),
        (Fail(ErrorKind::Io), true, false),
        (Fail(ErrorKind::AttemptTimeout), true, false),
        (Fail(ErrorKind::Stalled), true, false),
        (Fail(ErrorKind::RequestBody), false, false),
        (Status(408), true, false),
        (Status(500), true, false),
        (Status(502), true, false),
        (Status(503), true, false),
        (Status(504), true, false),
        (Fail(ErrorKind::DeadlineExceeded), false, false),
        (Fail(ErrorKind::BodyTooLarge), false, false),
        (Status(200), false, false),
        (Status(207), false, false),
        (Status(301), false, false),
        (Status(400), false, false),
        (Status(401), false, false),
        (Status(403), false, false),
        (Status(404), false, false),
        (Status(409), false, false),
        (Status(413), false, false),
        (Status(501), false, false),
        (Status(505), false, false),
    ];
    for (step, harmless, harmful) in rows {
        let not_sent = matches!(step, Fail(ErrorKind::Connect | ErrorKind::Refused));
        for (idempotency, again) in
            [(Safe, harmless), (Idempotent, harmless), (NonIdempotent, harmful), (Unknown, not_sent)]
        {
            let outcome = run_script(&[step], probe::request_of(idempotency)).await;
            assert_eq!(outcome.requests, if again { 3 } else { 1 }, "{step:?} {idempotency:?}");
            let stop =
                if again { Some(RetryStop::Attempts) } else { harmless.then_some(RetryStop::NotIdempotent) };
            assert_eq!(outcome.stop, stop, "{step:?} {idempotency:?}");
        }
    }
}

#[tokio::test]
async fn unknown_operation_is_not_retried() {
    let request = http::Request::post("https://vault.example/").body(Body::empty()).unwrap();
    assert_eq!(run_script(&[Status(503)], request).await.requests, 1);
}

#[tokio::test]
async fn call_options_override_the_idempotency() {
    for (idempotency, says, requests) in
        [(Idempotency::NonIdempotent, true, 3), (Idempotency::Safe, false, 1), (Idempotency::Safe, true, 3)]
    {
        let mut request = probe::request_of(idempotency);
        CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().idempotent(says);
        assert_eq!(run_script(&[Status(503)], request).await.requests, requests);
    }
}

#[tokio::test]
async fn third_party_429_is_retried_only_on_request() {
    for (says, requests) in [(None, 1), (Some(false), 1), (Some(true), 3)] {
        for step in [Status(429), Status(503), Fail(ErrorKind::Io)] {
            let mut request = probe::request_of(Idempotency::Unknown);
            let mut options = CallOptions::new();
            options.idempotent = says;
            CallContext::of_mut(request.extensions_mut()).options = options;
            assert_eq!(run_script(&[step], request).await.requests, requests, "{says:?} {step:?}");
        }
    }
}

#[tokio::test]
async fn a_success_after_failures_is_returned() {
    let script = [Fail(ErrorKind::Io), Status(503), Status(200)];
    let outcome = run_script(&script, probe::request()).await;
    assert_eq!((outcome.requests, outcome.result.unwrap()), (3, 200));
    assert_eq!(outcome.pauses, [Duration::from_millis(50), Duration::from_millis(100)]);
}

#[tokio::test]
async fn rel_r05_retry_after_is_obeyed_within_slack() {
    for (after, pause) in
        [("0", 1_000), ("3", 3_000), ("6", 6_000), ("7", 6_000), ("9999999999", 6_000), ("x", 1_000)]
    {
        let outcome = run_script(&[StatusAfter(429, after), Status(200)], probe::request()).await;
        assert_eq!(outcome.pauses, [Duration::from_millis(pause)], "{after}");
    }
    let outcome = run_script(&[StatusAfter(503, "2"), Status(200)], probe::request()).await;
    assert_eq!(outcome.pauses, [Duration::from_secs(2)]);
}

#[tokio::test]
async fn retry_after_can_be_obeyed_in_full() {
    let clock = ManualClock::auto_advancing();
    let layer = RetryLayer::new(Arc::new(clock.clone())).backoff(Backoff::new().random(|| 1.0));
    let script = [StatusAfter(429, "120"), Status(200)];
    let patient = layer.retry_after_slack(Duration::MAX);
    let outcome = run_with(patient, clock, &script, probe::request_of(Idempotency::NonIdempotent)).await;
    assert_eq!(outcome.pauses, [Duration::from_secs(120)]);
    assert_eq!(outcome.result.unwrap(), 200);
}

#[tokio::test]
async fn internal_errors_have_a_limit_of_their_own() {
    for (retries, script, requests) in [
        (0, &[Status(500)][..], 1),
        (1, &[Status(500)], 2),
        (1, &[Status(500), Status(503), Status(500)], 3),
        (9, &[Status(500)], 3),
    ] {
        let clock = ManualClock::auto_advancing();
        let layer = RetryLayer::new(Arc::new(clock.clone())).internal_error_retries(retries);
        let outcome = run_with(layer, clock, script, probe::request_of(Idempotency::Safe)).await;
        assert_eq!((outcome.requests, outcome.stop), (requests, Some(RetryStop::Attempts)), "{retries}");
    }
}

#[tokio::test]
async fn pause_beyond_the_deadline_is_not_started() {
    let clock = ManualClock::auto_advancing();
    let layer = RetryLayer::new(Arc::new(clock.clone())).backoff(Backoff::new().random(|| 1.0));
    let mut request = probe::request();
    CallContext::of_mut(request.extensions_mut()).deadline = Some(clock.monotonic() + Duration::from_secs(1));
    let outcome = run_with(layer, clock, &[StatusAfter(429, "5")], request).await;
    assert_eq!((outcome.requests, outcome.result.unwrap()), (1, 429));
    assert_eq!(outcome.stop, Some(RetryStop::Deadline));
    assert!(outcome.pauses.is_empty());
}

#[tokio::test]
async fn rel_r06_streaming_body_is_sent_only_once() {
    let mut request = probe::request();
    *request.body_mut() = Body::from_stream(futures_util::stream::empty::<Result<bytes::Bytes, BoxError>>());
    let progress = Progress::of(request.extensions_mut());
    let seen = Arc::new(AtomicU32::new(0));
    let server = {
        let seen = Arc::clone(&seen);
        tower::service_fn(move |request: Request| {
            seen.fetch_add(1, Ordering::Relaxed);
            async move {
                request.into_body().collect(1_000).await?;
                Err::<Response, BoxError>(Error::new(ErrorKind::Io, None).into())
            }
        })
    };
    let layer = RetryLayer::new(Arc::new(ManualClock::auto_advancing()));
    layer.layer(server).oneshot(request).await.unwrap_err();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
    assert_eq!(progress.retry_stop(), Some(RetryStop::BodyIsStream));
}

#[tokio::test]
async fn unread_stream_is_sent_again() {
    for step in [Fail(ErrorKind::Connect), Fail(ErrorKind::Refused), Status(429)] {
        let mut request = probe::request_of(Idempotency::NonIdempotent);
        let chunks = futures_util::stream::iter([Ok::<_, BoxError>(bytes::Bytes::from_static(b"x"))]);
        *request.body_mut() = Body::from_stream(chunks);
        let outcome = run_script(&[step], request).await;
        assert_eq!((outcome.requests, outcome.stop), (3, Some(RetryStop::Attempts)), "{step:?}");
    }
}

#[tokio::test]
async fn usual_attempts_yield_to_every_setting() {
    let clock = || Arc::new(ManualClock::auto_advancing());
    let attempts = |n| NonZeroU32::new(n).unwrap();
    for (client, call, requests) in
        [(None, None, 2), (Some(4), None, 4), (None, Some(1), 1), (Some(4), Some(5), 5)]
    {
        let mut layer = RetryLayer::new(clock());
        if let Some(client) = client {
            layer = layer.max_attempts(attempts(client));
        }
        let mut options = CallOptions { usual_attempts: Some(attempts(2)), ..CallOptions::new() };
        options.max_attempts = call.map(attempts);
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options = options;
        let outcome = run_with(layer, ManualClock::new(), &[Status(503)], request).await;
        assert_eq!(outcome.requests, requests, "{client:?} {call:?}");
    }
}

#[tokio::test]
async fn rel_r06_all_attempts_send_the_same_bytes() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = {
        let seen = Arc::clone(&seen);
        tower::service_fn(move |request: Request| {
            let seen = Arc::clone(&seen);
            async move {
                let info = OperationInfo::of(request.extensions()).copied();
                let (parts, body) = request.into_parts();
                let body = body.collect(1_000).await?;
                seen.lock().unwrap().push((parts.method, parts.uri, parts.headers, body, info));
                Err::<Response, BoxError>(Error::new(ErrorKind::Io, None).into())
            }
        })
    };
    let mut request = probe::request();
    request.headers_mut().insert("x-test", HeaderValue::from_static("1"));
    let layer = RetryLayer::new(Arc::new(ManualClock::auto_advancing()));
    layer.layer(server).oneshot(request).await.unwrap_err();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| *request == seen[0] && request.4.is_some()));
}

#[tokio::test]
async fn rel_r03_last_failure_keeps_earlier_ambiguity() {
    let clock = ManualClock::auto_advancing();
    let steps = Arc::new(Mutex::new(vec![ErrorKind::Connect, ErrorKind::Io]));
    let server = tower::service_fn(move |_: Request| {
        let kind = steps.lock().unwrap().pop().unwrap();
        async move { Err::<Response, BoxError>(Error::new(kind, None).into()) }
    });
    let stack = super::super::ResponseMetaLayer::default().layer(server);
    let layer = RetryLayer::new(Arc::new(clock)).max_attempts(NonZeroU32::new(2).unwrap());
    let error = layer.layer(stack).oneshot(probe::request_of(Idempotency::Idempotent)).await.unwrap_err();
    let error = error.downcast::<Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(error.may_have_been_applied());
}

#[tokio::test]
async fn rel_r01_dead_server_gets_few_retries() {
    let clock = ManualClock::auto_advancing();
    let layer = RetryLayer::new(Arc::new(clock.clone()));
    let mut requests = 0;
    for _ in 0..10_000 {
        requests += run_with(layer.clone(), clock.clone(), &[Status(503)], probe::request()).await.requests;
    }
    assert!(requests <= 10_100, "{requests}");
}

#[tokio::test]
async fn rel_r01_amplification_stays_below_a_tenth() {
    for percent in [1, 10, 30, 50, 70, 90, 99] {
        let clock = ManualClock::auto_advancing();
        let layer = RetryLayer::new(Arc::new(clock));
        let requests = Arc::new(Mutex::new((0_u32, fastrand::Rng::with_seed(percent))));
        let server = {
            let requests = Arc::clone(&requests);
            tower::service_fn(move |_: Request| {
                let mut state = requests.lock().unwrap();
                state.0 += 1;
                let failed = state.1.u64(0..100) < percent;
                async move {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() =
                        if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                    Ok::<_, BoxError>(response)
                }
            })
        };
        let service = layer.layer(server);
        for _ in 0..10_000 {
            service.clone().oneshot(probe::request()).await.unwrap();
        }
        let sent = requests.lock().unwrap().0;
        assert!(sent <= 11_000, "{percent} %: {sent} requests for 10,000 calls");
    }
}

#[tokio::test]
async fn rel_r22_empty_budget_keeps_the_response() {
    let clock = ManualClock::auto_advancing();
    let layer = RetryLayer::new(Arc::new(clock.clone())).budget(RetryBudget::with_capacity(0));
    let outcome = run_with(layer, clock, &[Status(503)], probe::request()).await;
    assert_eq!((outcome.requests, outcome.result.unwrap()), (1, 503));
    assert_eq!(outcome.stop, Some(RetryStop::Budget));
}

#[tokio::test]
async fn retries_can_be_switched_off_per_call() {
    let mut request = probe::request();
    CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().no_retry();
    assert_eq!(run_script(&[Status(503)], request).await.requests, 1);
}

#[tokio::test]
async fn an_error_of_a_foreign_layer_is_not_retried() {
    let calls = Arc::new(Mutex::new(0));
    let server = {
        let calls = Arc::clone(&calls);
        tower::service_fn(move |_: Request| {
            *calls.lock().unwrap() += 1;
            async { Err::<Response, BoxError>("a layer of the user refused".into()) }
        })
    };
    let layer = RetryLayer::new(Arc::new(ManualClock::auto_advancing()));
    layer.layer(server).oneshot(probe::request()).await.unwrap_err();
    assert_eq!(*calls.lock().unwrap(), 1);
}

#[tokio::test]
async fn retry_calls_only_a_ready_service() {
    let layer = RetryLayer::new(Arc::new(ManualClock::auto_advancing()));
    probe::assert_respects_readiness(layer.clone()).await;
    let service = layer.layer(probe::Strict::responding(&[503, 503, 200]));
    assert_eq!(service.oneshot(probe::request()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn retries_cost_less_when_the_server_declined() {
    for (step, retries) in [
        (Fail(ErrorKind::Connect), 35),
        (Status(503), 35),
        (Fail(ErrorKind::Refused), 500),
        (Status(429), 100),
    ] {
        let layer = RetryLayer::new(Arc::new(ManualClock::auto_advancing()))
            .max_attempts(NonZeroU32::new(1_000).unwrap());
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().no_deadline();
        let outcome = run_with(layer, ManualClock::new(), &[step], request).await;
        assert_eq!((outcome.requests, outcome.stop), (retries + 1, Some(RetryStop::Budget)), "{step:?}");
    }
}

#[test]
fn budget_refills_by_successes_up_to_capacity() {
    let budget = RetryBudget::new();
    assert_eq!((0..100).filter(|_| budget.withdraw(RetryCost::Failed)).count(), 35);
    for _ in 0..1_000 {
        budget.deposit();
    }
    assert_eq!((0..1_000).filter(|_| budget.withdraw(RetryCost::Throttled)).count(), 100);
    assert!(!RetryBudget::with_capacity(0).withdraw(RetryCost::Throttled));
}

#[test]
fn budget_is_never_fuller_than_its_capacity() {
    for capacity in [0, 13, 14, 15, 500, u32::MAX] {
        let budget = RetryBudget::with_capacity(capacity);
        // A deposit into a full bucket changes nothing.
        budget.deposit();
        let affordable = capacity / 14;
        if affordable < 100 {
            for _ in 0..affordable {
                assert!(budget.withdraw(RetryCost::Failed), "{capacity}");
            }
            assert!(!budget.withdraw(RetryCost::Failed), "{capacity}");
        } else {
            assert!(budget.withdraw(RetryCost::Failed));
        }
    }
}

#[test]
fn partition_is_full_and_independent() {
    let budget = RetryBudget::with_capacity(19);
    assert!(
        budget.withdraw(RetryCost::Failed)
            && budget.withdraw(RetryCost::Throttled)
            && !budget.withdraw(RetryCost::Throttled)
    );
    let shared = budget.clone();
    let partition = budget.partition();
    assert!(partition.withdraw(RetryCost::Failed) && partition.withdraw(RetryCost::Throttled), "it is full");
    assert!(!partition.withdraw(RetryCost::Throttled), "it has the same size");
    assert!(!shared.withdraw(RetryCost::Throttled), "a clone shares the bucket");
    for _ in 0..5 {
        partition.deposit();
    }
    assert!(
        partition.withdraw(RetryCost::Throttled) && !shared.withdraw(RetryCost::Throttled),
        "deposits are not shared"
    );
}
