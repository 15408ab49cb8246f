//! Responses that violate HTTP or the limits of the client.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use skyflow_http::{Body, BoxError, ErrorKind, HttpService, ManualClock, Stack, Transport};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{FullResponse, assert_kind, get, insert, send};

/// Responds once on each connection and closes it in an orderly way.
async fn once(response: impl Into<Bytes>) -> RawServer {
    let response = response.into();
    RawServer::start(move |mut connection: Connection| {
        let response = response.clone();
        async move {
            connection.request().await;
            connection.send(response).await;
            connection.finish().await;
            connection.closed_by_client().await;
        }
    })
    .await
    .unwrap()
}

async fn call(response: impl Into<Bytes>) -> Result<FullResponse, skyflow_http::Error> {
    let server = once(response).await;
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
    assert_eq!(server.requests().len(), 1, "a request that was read is never sent again by the transport");
    result
}

#[tokio::test]
async fn rel_r15_invalid_http_is_a_typed_error() {
    let binary: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("a line end", b"\r\n".to_vec()),
        ("text", b"hello\r\n\r\n".to_vec()),
        ("binary", binary),
        ("zeros", vec![0; 4096]),
        ("HTML without a head", b"<html><body>502</body></html>".to_vec()),
        ("HTTP/0.9", b"ok".to_vec()),
        ("HTTP/3", b"HTTP/3.0 200 OK\r\n\r\n".to_vec()),
        ("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("HTTP/2 settings", vec![0, 0, 0, 4, 0, 0, 0, 0, 0]),
        ("a request", b"POST / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("only a status line, unfinished", b"HTTP/1.1 200 OK\r\n".to_vec()),
        ("a status of two digits", b"HTTP/1.1 20 OK\r\n\r\n".to_vec()),
        ("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n".to_vec()),
        ("a status of letters", b"HTTP/1.1 abc OK\r\n\r\n".to_vec()),
        ("status 0", b"HTTP/1.1 000 OK\r\n\r\n".to_vec()),
        ("a header without a name", b"HTTP/1.1 200 OK\r\n: x\r\n\r\n".to_vec()),
        ("a header without a colon", b"HTTP/1.1 200 OK\r\nx\r\n\r\n".to_vec()),
        ("a zero byte in a header", b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n".to_vec()),
        ("a length that is no number", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nxx".to_vec()),
        ("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nxx".to_vec()),
        ("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nxxx".to_vec()),
        (
            "a length over 64 bits",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nxx".to_vec(),
        ),
        (
            "a chunk size that is no number",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        ),
        (
            "a chunk size over 64 bits",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nx".to_vec(),
        ),
        (
            "a chunk longer than it says",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n".to_vec(),
        ),
    ];
    for (name, response) in rows {
        let error = call(response).await.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Io, "{name}: {error:?}");
        assert!(error.may_have_been_applied(), "{name}: the server had the whole request");
    }
}

#[tokio::test]
async fn rel_r15_endless_head_is_a_typed_error() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.request().await;
        connection.send("HTTP/1.1 200 OK\r\nx-long: ").await;
        // Ends only because the client hangs up.
        connection.send(vec![b'a'; 64 * 1024 * 1024]).await;
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    assert_kind(in_time(send(&client, get(&server.url("/")))).await, ErrorKind::Io);
}

#[tokio::test]
async fn rel_r15_too_many_headers_are_a_typed_error() {
    let headers: String = (0..1_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    let response = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
    assert_kind(call(response).await, ErrorKind::Io);
}

#[tokio::test]
async fn responses_without_a_body_are_accepted() {
    for (head, status) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", 204),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        ("HTTP/1.1 200 OK\r\n\r\n", 200),
        ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", 200),
        ("HTTP/1.0 200 OK\r\n\r\n", 200),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304),
        ("HTTP/1.1 999 Whatever\r\ncontent-length: 0\r\n\r\n", 999),
    ] {
        let response = call(head).await.unwrap_or_else(|error| panic!("{head}: {error:?}"));
        assert_eq!(response, FullResponse { status, text: String::new() }, "{head}");
    }
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
    ] {
        let response =
            call(format!("{interim}HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")).await.unwrap();
        assert_eq!(response, FullResponse { status: 201, text: "ok".into() }, "{interim}");
    }
    assert_kind(call("HTTP/1.1 100 Continue\r\n\r\n").await, ErrorKind::Io);
}

#[tokio::test]
async fn unrequested_protocol_switch_is_no_success() {
    let result = call("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n").await;
    match result {
        Ok(response) => assert_eq!(response, FullResponse { status: 101, text: String::new() }),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
    }
}

#[tokio::test]
async fn trailing_bytes_are_not_the_next_response() {
    let server = RawServer::start(|mut connection: Connection| async move {
        let number = connection.number();
        while connection.request().await.is_some() {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n";
            connection
                .send(format!("{head}{number}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"))
                .await;
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    for expected in ["1", "2", "3"] {
        let response = in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap();
        assert_eq!(response.text, expected, "an response belongs to the request that was sent");
    }
}

fn limited(limit: usize) -> HttpService {
    Stack::new(Arc::new(ManualClock::new())).response_limit(limit).build(Transport::new().into_service())
}

#[tokio::test]
async fn rel_r13_length_over_the_limit_is_refused() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.request().await;
        connection.send("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let error = assert_kind(
        in_time(send(&limited(1024), insert(&server.url("/"), "{}"))).await,
        ErrorKind::BodyTooLarge,
    );
    assert!(error.may_have_been_applied(), "the server responded, so it acted");
}

#[tokio::test]
async fn rel_r13_body_over_the_limit_is_not_read_whole() {
    let chunk = [b"400\r\n".as_slice(), &[b'x'; 1024], b"\r\n"].concat();
    let server = RawServer::start(move |mut connection: Connection| {
        let chunk = chunk.clone();
        async move {
            connection.request().await;
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            // 1 GiB, unless the client hangs up.
            for _ in 0..1024 * 1024 {
                connection.send(&chunk).await;
            }
        }
    })
    .await
    .unwrap();
    let result = in_time(send(&limited(10_000), insert(&server.url("/"), "{}"))).await;
    assert_kind(result, ErrorKind::BodyTooLarge);
    assert_eq!(server.requests().len(), 1, "a larger response would come again, so nothing is sent again");
}

#[tokio::test]
async fn rel_r13_body_of_exactly_the_limit_is_accepted() {
    let server = once(format!("HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n{}", "x".repeat(1024))).await;
    assert_eq!(in_time(send(&limited(1024), get(&server.url("/")))).await.unwrap().text.len(), 1024);
    assert_kind(in_time(send(&limited(1023), get(&server.url("/")))).await, ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn response_before_the_request_is_read_is_used() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.head().await;
        let head = "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 9\r\n\r\n";
        connection.send(format!("{head}too large")).await;
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    // The body never ends, so only the response can end the call.
    let endless =
        stream::iter(std::iter::repeat_with(|| Ok::<_, BoxError>(Bytes::from_static(&[b'x'; 65_536]))));
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), Body::from_stream(endless)))).await;
    assert_eq!(result.unwrap(), FullResponse { status: 413, text: "too large".into() });
}

#[tokio::test]
async fn failing_request_body_is_an_error() {
    let server = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(BoxError::from("the file went away"))]);
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), Body::from_stream(broken)))).await;
    assert_kind(result, ErrorKind::RequestBody);
    assert_eq!(server.requests().len(), 0, "the server never saw the end of the body");
}
