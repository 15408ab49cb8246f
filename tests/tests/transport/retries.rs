//! The retry decision over real sockets: what the server saw is what counts.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use skyflow_http::layers::{Backoff, RetryLayer};
use skyflow_http::{
    Body, CallContext, CallOptions, ErrorKind, HttpService, Idempotency, ManualClock, Progress, Request,
    RetryStop, Stack, Transport,
};
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection, RawServer};
use skyflow_tests::calls::{assert_kind, insert, request, send, typed};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The default stack without time limits, so that a clock that advances by itself counts pauses and nothing else.
fn stack(clock: &ManualClock) -> HttpService {
    let shared = Arc::new(clock.clone());
    Stack::new(shared.clone())
        .no_deadline()
        .no_attempt_timeout()
        .retry(RetryLayer::new(shared).backoff(Backoff::new().random(|| 1.0)))
        .build(Transport::new().into_service())
}

fn write(url: &str, idempotency: Idempotency) -> Request {
    request(Method::POST, url, idempotency, Body::from("{\"records\":[]}"))
}

/// A server that reads each request whole, as one that commits it, and then breaks the connection.
async fn commits_then_cuts(reset: bool) -> RawServer {
    RawServer::start(move |mut connection: Connection| async move {
        connection.request().await;
        if reset {
            connection.reset();
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn rel_r03_ambiguous_write_is_sent_once() {
    for reset in [false, true] {
        let (clock, server) = (ManualClock::auto_advancing(), commits_then_cuts(reset).await);
        let mut call = insert(&server.url("/"), "{}");
        let progress = Progress::of(call.extensions_mut());
        let error = assert_kind(in_time(send(&stack(&clock), call)).await, ErrorKind::Io);
        assert!(error.may_have_been_applied());
        assert_eq!((server.connections(), server.requests().len()), (1, 1));
        assert_eq!((progress.attempts(), progress.may_have_been_applied()), (1, true));
        assert_eq!(progress.retry_stop(), Some(RetryStop::NotIdempotent));
        assert!(clock.slept().is_empty());
    }
}

#[tokio::test]
async fn rel_r02_retries_send_the_same_bytes() {
    for idempotency in [Idempotency::Safe, Idempotency::Idempotent] {
        let (clock, server) = (ManualClock::auto_advancing(), commits_then_cuts(false).await);
        let mut call = write(&server.url("/v1/vaults/v/t?x=1"), idempotency);
        let progress = Progress::of(call.extensions_mut());
        assert_kind(in_time(send(&stack(&clock), call)).await, ErrorKind::Io);
        let requests = server.requests();
        assert_eq!(requests.len(), 3);
        for request in &requests {
            assert_eq!(request.method, requests[0].method);
            assert_eq!(request.target, "/v1/vaults/v/t?x=1");
            assert_eq!(request.headers, requests[0].headers, "rel_r06");
            assert_eq!(request.body, "{\"records\":[]}", "rel_r06: never an empty body");
        }
        assert_eq!((progress.attempts(), progress.retry_stop()), (3, Some(RetryStop::Attempts)));
        assert_eq!(clock.slept(), [50, 100].map(Duration::from_millis));
    }
}

#[tokio::test]
async fn rel_r02_call_option_overrides_idempotency() {
    for (idempotency, says, requests) in [
        (Idempotency::NonIdempotent, true, 3),
        (Idempotency::Idempotent, false, 1),
        (Idempotency::Safe, false, 1),
    ] {
        let (clock, server) = (ManualClock::auto_advancing(), commits_then_cuts(false).await);
        let mut call = write(&server.url("/"), idempotency);
        CallContext::of_mut(call.extensions_mut()).options = CallOptions::new().idempotent(says);
        assert_kind(in_time(send(&stack(&clock), call)).await, ErrorKind::Io);
        assert_eq!(server.requests().len(), requests, "{idempotency:?} {says}");
    }
}

#[tokio::test]
async fn rel_r20_retries_can_be_disabled_per_call() {
    let (clock, server) = (ManualClock::auto_advancing(), commits_then_cuts(false).await);
    let mut call = write(&server.url("/"), Idempotency::Safe);
    CallContext::of_mut(call.extensions_mut()).options = CallOptions::new().no_retry();
    assert_kind(in_time(send(&stack(&clock), call)).await, ErrorKind::Io);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn rel_r02_refused_write_is_sent_on_recovery() {
    let nobody = ClosedPort::new().unwrap();
    let address = nobody.address();
    let clock = ManualClock::new();
    let call = {
        let (client, call) = (stack(&clock), insert(&format!("http://{address}/"), "{}"));
        tokio::spawn(async move { send(&client, call).await })
    };
    until(|| clock.slept().len() == 1).await;
    let server = nobody.open(|mut connection| async move {
        connection.request().await;
        connection.send(OK).await;
    });
    let server = server.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(in_time(call).await.unwrap().unwrap().status, 200);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn rel_r02_lost_server_gets_three_attempts() {
    let server = RawServer::start_broken_tls(|mut connection: Connection| async move {
        connection.first_bytes().await;
    })
    .await
    .unwrap();
    let clock = ManualClock::auto_advancing();
    let error =
        assert_kind(in_time(send(&stack(&clock), insert(&server.url("/"), "{}"))).await, ErrorKind::Connect);
    assert!(!error.may_have_been_applied());
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn rel_r03_earlier_ambiguous_failure_is_kept() {
    // The first attempt is read and its connection closed; later attempts are refused.
    let server = Arc::new(commits_then_cuts(false).await);
    let clock = ManualClock::new();
    let call = {
        let (client, call) = (stack(&clock), write(&server.url("/"), Idempotency::Idempotent));
        tokio::spawn(async move { send(&client, call).await })
    };
    until(|| clock.slept().len() == 1).await;
    drop(server);
    for pauses in 2..=3 {
        // The abort of the accepting task takes effect when the runtime gets to it.
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
        until(|| clock.slept().len() >= pauses || call.is_finished()).await;
    }
    let error = in_time(call).await.unwrap().unwrap_err();
    assert!(error.may_have_been_applied(), "{error:?}");
}

/// Responds to the requests of all connections with these heads in turn and an empty body; the last one repeats.
async fn in_turn(heads: &'static [&'static str]) -> RawServer {
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    RawServer::start(move |mut connection: Connection| {
        let next = Arc::clone(&next);
        async move {
            while connection.request().await.is_some() {
                let turn = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(heads.len() - 1);
                connection.send(format!("HTTP/1.1 {}\r\ncontent-length: 0\r\n\r\n", heads[turn])).await;
            }
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn rel_r05_retry_after_pause_is_bounded() {
    for (heads, write_pauses, read_pauses) in [
        // Not idempotent: only a 429 proves that nothing happened.
        (&["503 Busy\r\nretry-after: 2", "200 OK"][..], &[][..], &[2_000_u64][..]),
        (&["429 Slow\r\nretry-after: 3", "200 OK"], &[3_000], &[3_000]),
        // Our own pause after a 429 is 1 s here.
        (&["429 Slow\r\nretry-after: 0", "200 OK"], &[1_000], &[1_000]),
        (&["429 Slow\r\nretry-after: 3600", "200 OK"], &[6_000], &[6_000]),
        (&["429 Slow\r\nretry-after: soon", "200 OK"], &[1_000], &[1_000]),
        (&["429 Slow", "429 Slow", "200 OK"], &[1_000, 2_000], &[1_000, 2_000]),
        (&["503 Busy\r\nretry-after: Mon, 01 Jan 1990 00:00:00 GMT", "200 OK"], &[], &[50]),
        (&["503 Busy\r\nretry-after: Mon, 01 Jan 9990 00:00:00 GMT", "200 OK"], &[], &[5_050]),
    ] {
        for (idempotency, pauses) in
            [(Idempotency::NonIdempotent, write_pauses), (Idempotency::Safe, read_pauses)]
        {
            let (clock, server) = (ManualClock::auto_advancing(), in_turn(heads).await);
            let response = in_time(send(&stack(&clock), write(&server.url("/"), idempotency))).await.unwrap();
            let expected: Vec<_> = pauses.iter().copied().map(Duration::from_millis).collect();
            assert_eq!(clock.slept(), expected, "{heads:?} {idempotency:?}");
            assert_eq!(server.requests().len(), pauses.len() + 1, "{heads:?} {idempotency:?}");
            assert_eq!(server.connections(), 1, "{heads:?}: a refusal is no reason to reconnect");
            assert_eq!(response.status == 200, !pauses.is_empty(), "{heads:?} {idempotency:?}");
        }
    }
}

#[tokio::test]
async fn rel_r01_retry_budget_adds_at_most_one_percent() {
    const CALLS: usize = 4_000;
    let server = in_turn(&["503 Busy"]).await;
    let clock = ManualClock::auto_advancing();
    let client = stack(&clock);
    let mut refused = 0;
    for _ in 0..CALLS {
        let mut call = write(&server.url("/"), Idempotency::Safe);
        let progress = Progress::of(call.extensions_mut());
        assert_eq!(in_time(send(&client, call)).await.unwrap().status, 503);
        refused += usize::from(progress.retry_stop() == Some(RetryStop::Budget));
    }
    let requests = server.requests().len();
    assert!(requests <= CALLS + CALLS / 100, "{requests}");
    assert!(requests > CALLS, "a healthy budget does allow retries");
    assert!(refused >= CALLS - 50, "rel_r22: the call can tell that the budget ended it ({refused})");
}

#[tokio::test]
async fn rel_r06_a_stream_is_sent_once() {
    let (clock, server) = (ManualClock::auto_advancing(), in_turn(&["503 Busy", "200 OK"]).await);
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>("part".into()), Ok(" two".into())]);
    let mut call = request(Method::POST, &server.url("/"), Idempotency::Safe, Body::from_stream(stream));
    let progress = Progress::of(call.extensions_mut());
    assert_eq!(in_time(send(&stack(&clock), call)).await.unwrap().status, 503);
    assert_eq!(progress.retry_stop(), Some(RetryStop::BodyIsStream));
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].body.as_ref()), (1, b"part two".as_slice()));
}

#[tokio::test]
async fn transport_error_keeps_its_type_in_the_stack() {
    let server = commits_then_cuts(false).await;
    let client = Stack::new(Arc::new(ManualClock::new())).build(Transport::new().into_service());
    let error = typed(in_time(client.send(insert(&server.url("/"), "{}"))).await.unwrap_err());
    assert!(std::error::Error::source(&error).is_some(), "the cause is kept");
    assert_eq!(error.to_string(), "the connection failed while the request was in flight");
}
