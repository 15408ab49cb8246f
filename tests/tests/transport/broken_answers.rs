//! Answers that are not what HTTP allows, or not what the client allows.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use skyflow_http::{Body, BoxError, ErrorKind, HttpService, ManualClock, Stack, Transport};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{Answer, assert_kind, get, insert, send};

/// Answers each connection once and closes it in good order.
async fn once(answer: impl Into<Bytes>) -> RawServer {
    let answer = answer.into();
    RawServer::start(move |mut connection: Connection| {
        let answer = answer.clone();
        async move {
            connection.request().await;
            connection.send(answer).await;
            connection.finish().await;
            connection.closed_by_client().await;
        }
    })
    .await
    .unwrap()
}

async fn call(answer: impl Into<Bytes>) -> Result<Answer, skyflow_http::Error> {
    let server = once(answer).await;
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
    assert_eq!(server.requests().len(), 1, "a request that was read is never sent again by the transport");
    result
}

#[tokio::test]
async fn rel_r15_what_is_not_http_is_a_typed_error() {
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
    for (name, answer) in rows {
        let error = call(answer).await.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Io, "{name}: {error:?}");
        assert!(error.may_have_been_applied(), "{name}: the server had the whole request");
    }
}

#[tokio::test]
async fn rel_r15_a_head_without_an_end_is_a_typed_error_in_bounded_memory() {
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
async fn rel_r15_more_headers_than_anyone_needs_are_a_typed_error() {
    let headers: String = (0..1_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n");
    assert_kind(call(answer).await, ErrorKind::Io);
}

#[tokio::test]
async fn answers_without_a_body_are_answers() {
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
        let answer = call(head).await.unwrap_or_else(|error| panic!("{head}: {error:?}"));
        assert_eq!(answer, Answer { status, text: String::new() }, "{head}");
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
    ] {
        let answer =
            call(format!("{interim}HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")).await.unwrap();
        assert_eq!(answer, Answer { status: 201, text: "ok".into() }, "{interim}");
    }
    assert_kind(call("HTTP/1.1 100 Continue\r\n\r\n").await, ErrorKind::Io);
}

#[tokio::test]
async fn a_switch_of_protocols_that_nobody_asked_for_is_no_success() {
    let result = call("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n").await;
    match result {
        Ok(answer) => assert_eq!(answer, Answer { status: 101, text: String::new() }),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
    }
}

#[tokio::test]
async fn what_follows_the_answer_is_not_taken_for_the_next_one() {
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
        let answer = in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap();
        assert_eq!(answer.text, expected, "an answer belongs to the request that was sent");
    }
}

fn limited(limit: usize) -> HttpService {
    Stack::new(Arc::new(ManualClock::new())).response_limit(limit).build(Transport::new().into_service())
}

#[tokio::test]
async fn rel_r13_an_announced_length_over_the_limit_is_refused_before_the_body_comes() {
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
    assert!(error.may_have_been_applied(), "the server answered, so it acted");
}

#[tokio::test]
async fn rel_r13_a_body_over_the_limit_is_refused_without_reading_it_to_its_end() {
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
    assert_eq!(server.requests().len(), 1, "a larger answer would come again, so nothing is sent again");
}

#[tokio::test]
async fn rel_r13_a_body_of_exactly_the_limit_is_an_answer() {
    let server = once(format!("HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n{}", "x".repeat(1024))).await;
    assert_eq!(in_time(send(&limited(1024), get(&server.url("/")))).await.unwrap().text.len(), 1024);
    assert_kind(in_time(send(&limited(1023), get(&server.url("/")))).await, ErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn an_answer_that_comes_before_the_request_was_read_is_the_answer() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.head().await;
        let head = "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 9\r\n\r\n";
        connection.send(format!("{head}too large")).await;
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    // A body that never ends: the call can only end because the answer ends it.
    let endless =
        stream::iter(std::iter::repeat_with(|| Ok::<_, BoxError>(Bytes::from_static(&[b'x'; 65_536]))));
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), Body::from_stream(endless)))).await;
    assert_eq!(result.unwrap(), Answer { status: 413, text: "too large".into() });
}

#[tokio::test]
async fn a_request_body_that_fails_is_an_error_and_no_shorter_request() {
    let server = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err(BoxError::from("the file went away"))]);
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&server.url("/"), Body::from_stream(broken)))).await;
    assert_kind(result, ErrorKind::Io);
    assert_eq!(server.requests().len(), 0, "the server never saw the end of the body");
}
