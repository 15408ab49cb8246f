//! Slow responses, on a clock that the test advances.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use skyflow_http::{
    Body, CallContext, CallOptions, Error, ErrorKind, HttpService, Idempotency, ManualClock, Request, Stack,
    Transport,
};
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{FullResponse, assert_kind, get, insert, request, send};
use tokio::task::JoinHandle;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn stack(clock: &ManualClock) -> HttpService {
    Stack::new(Arc::new(clock.clone())).build(Transport::new().into_service())
}

fn start(client: &HttpService, request: Request) -> JoinHandle<Result<FullResponse, Error>> {
    let client = client.clone();
    tokio::spawn(async move { send(&client, request).await })
}

/// Sends `before` on the first connection and then nothing; responds at once on every later one.
async fn silent_after(before: &'static str) -> RawServer {
    RawServer::start(move |mut connection: Connection| async move {
        connection.request().await;
        if connection.number() > 1 {
            connection.send(OK).await;
        } else {
            connection.send(before).await;
        }
        connection.closed_by_client().await;
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn rel_r09_stalled_response_ends_with_timeout() {
    for before in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"records\":[",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        let (clock, server) = (ManualClock::new(), silent_after(before).await);
        let call = start(&stack(&clock), insert(&server.url("/"), "{}"));
        in_time(server.received(1)).await;
        until(|| clock.sleepers() == 2).await;
        clock.advance(Duration::from_millis(29_999));
        tokio::task::yield_now().await;
        assert!(!call.is_finished(), "{before:?}");
        clock.advance(Duration::from_millis(1));
        assert_kind(in_time(call).await.unwrap(), ErrorKind::AttemptTimeout);
        assert_eq!(server.requests().len(), 1, "{before:?}: a write is not sent again");
    }
}

#[tokio::test]
async fn rel_r09_trickling_response_ends_with_timeout() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.request().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 60000000\r\n\r\n").await;
        loop {
            connection.send("x").await;
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let clock = ManualClock::new();
    let call = start(&stack(&clock), insert(&server.url("/"), "{}"));
    until(|| clock.sleepers() == 2).await;
    for _ in 0..30 {
        assert!(!call.is_finished());
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    assert_kind(in_time(call).await.unwrap(), ErrorKind::AttemptTimeout);
}

#[tokio::test]
async fn rel_r10_attempt_after_timeout_reconnects() {
    let (clock, server) =
        (ManualClock::new(), silent_after("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await);
    let safe = request(Method::POST, &server.url("/"), Idempotency::Safe, Body::from("{}"));
    let call = start(&stack(&clock), safe);
    in_time(server.received(1)).await;
    until(|| clock.sleepers() == 2).await;
    clock.advance(Duration::from_secs(30));
    // The pause before the retry: at most 50 ms.
    until(|| clock.slept().len() == 3).await;
    clock.advance(Duration::from_millis(50));
    assert_eq!(in_time(call).await.unwrap().unwrap(), FullResponse { status: 200, text: "ok".into() });
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn rel_r08_deadline_ends_a_partial_response() {
    let (clock, server) = (ManualClock::new(), silent_after("HTTP/1.1 200 OK\r\n").await);
    let mut safe = get(&server.url("/"));
    CallContext::of_mut(safe.extensions_mut()).options = CallOptions::new().deadline(Duration::from_secs(7));
    let call = start(&stack(&clock), safe);
    in_time(server.received(1)).await;
    until(|| clock.sleepers() == 2).await;
    clock.advance(Duration::from_secs(7));
    let error = assert_kind(in_time(call).await.unwrap(), ErrorKind::DeadlineExceeded);
    assert!(error.may_have_been_applied(), "the server has the request");
    assert_eq!(server.requests().len(), 1, "there is no time left for another attempt");
}

#[tokio::test]
async fn rel_r08_deadline_ends_a_connecting_call() {
    let server = RawServer::start_broken_tls(|mut connection: Connection| async move {
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let clock = ManualClock::new();
    let mut write = insert(&server.url("/"), "{}");
    CallContext::of_mut(write.extensions_mut()).options =
        CallOptions::new().deadline(Duration::from_secs(60)).max_attempts(NonZeroU32::MIN);
    // The transport has a separate stopped clock, so that its connect timeout never ends the attempt.
    let transport = Transport::builder().clock(Arc::new(ManualClock::new())).build();
    let client = Stack::new(Arc::new(clock.clone())).no_attempt_timeout().build(transport.into_service());
    let call = start(&client, write);
    until(|| server.connections() == 1 && clock.sleepers() == 2).await;
    clock.advance(Duration::from_secs(60));
    let error = in_time(call).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(server.requests().len(), 0);
}
