//! Third parties that hang, trickle, cut or point elsewhere; the clock is the test's.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use skyflow::{
    CallOptions, Connection, ConnectionConfig, Credentials, Error, ErrorKind, InvokeConnectionRequest,
    Skyflow,
};
use skyflow_http::ManualClock;
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection as Socket, RawServer};
use tokio::task::JoinHandle;

fn connection(clock: &ManualClock, url: String) -> Connection {
    let config = ConnectionConfig::new("c", url).credentials(Credentials::api_key(API_KEY).unwrap());
    let client = Skyflow::builder().connection(config).clock(Arc::new(clock.clone())).build().unwrap();
    client.default_connection().unwrap()
}

fn start(connection: Connection) -> JoinHandle<Error> {
    tokio::spawn(async move {
        let request = InvokeConnectionRequest::post().body(&json!({"amount": 1}));
        connection.invoke(request).await.unwrap_err()
    })
}

/// Sends `before` and then nothing.
async fn silent_after(before: &'static str) -> RawServer {
    RawServer::start(move |mut socket: Socket| async move {
        socket.request().await;
        socket.send(before).await;
        socket.closed_by_client().await;
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn slow_third_party_is_called_once() {
    for before in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"ch_",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        for (options, limit) in [
            (CallOptions::new().deadline(Duration::from_secs(5)), Duration::from_secs(5)),
            (CallOptions::new(), Duration::from_secs(30)),
        ] {
            let (clock, server) = (ManualClock::new(), silent_after(before).await);
            let call = start(connection(&clock, server.url("/pay")).with_options(options));
            in_time(server.received(1)).await;
            until(|| clock.sleepers() >= 1).await;
            clock.advance(limit - Duration::from_millis(1));
            tokio::task::yield_now().await;
            assert!(!call.is_finished(), "{before:?}");
            clock.advance(Duration::from_millis(1));
            let error = in_time(call).await.unwrap();
            assert_eq!(error.kind(), ErrorKind::Timeout, "{before:?}");
            assert!(error.may_have_been_applied());
            assert_eq!((server.requests().len(), error.attempts()), (1, 1), "{before:?}");
        }
    }
}

#[tokio::test]
async fn truncated_third_party_response_is_an_error() {
    for before in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"ch_1\"}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "not HTTP at all\r\n\r\n",
    ] {
        for resets in [false, true] {
            let server = RawServer::start(move |mut socket: Socket| async move {
                socket.request().await;
                socket.send(before).await;
                if resets {
                    socket.reset();
                } else {
                    socket.finish().await;
                }
            })
            .await
            .unwrap();
            let clock = ManualClock::auto_advancing();
            let options = CallOptions::new().no_attempt_timeout().no_deadline();
            let error =
                in_time(start(connection(&clock, server.url("/pay")).with_options(options))).await.unwrap();
            assert_eq!(error.kind(), ErrorKind::Transport, "{before:?} {resets}");
            assert!(error.may_have_been_applied());
            assert_eq!(server.requests().len(), 1, "{before:?}: what may be a charge is not sent again");
        }
    }
}

#[tokio::test]
async fn rel_r16_third_party_redirect_is_not_followed() {
    let elsewhere = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    for status in [301, 302, 303, 307, 308] {
        for target in [elsewhere.url("/stolen"), "/other".to_owned(), "//evil.example/x".to_owned()] {
            let response =
                format!("HTTP/1.1 {status} Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
            let server = RawServer::repeating(response).await.unwrap();
            let clock = ManualClock::new();
            let error = in_time(start(connection(&clock, server.url("/pay")))).await.unwrap();
            assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(status)));
            assert_eq!(server.requests().len(), 1);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn unreachable_third_party_is_retried_safely() {
    let nobody = ClosedPort::new().unwrap();
    let url = format!("http://{}/pay", nobody.address());
    let clock = ManualClock::new();
    let call = start(connection(&clock, url));
    let mut slept = 0;
    while !call.is_finished() {
        if clock.sleepers() > 0 && clock.slept().len() > slept {
            slept = clock.slept().len();
            clock.advance(Duration::from_millis(500));
        }
        tokio::task::yield_now().await;
    }
    let error = in_time(call).await.unwrap();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 3));
    assert!(!error.may_have_been_applied());
}

#[tokio::test]
async fn calls_share_one_connection_to_the_third_party() {
    let server = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    let connection = connection(&ManualClock::new(), server.url("/pay"));
    for _ in 0..20 {
        in_time(connection.invoke(InvokeConnectionRequest::get())).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 1));
}
