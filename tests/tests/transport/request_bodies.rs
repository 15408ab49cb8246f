//! Request bodies that cannot be sent whole, and streams that can be sent again.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::{Frame, SizeHint};
use skyflow_http::{
    Body, BodyProblem, BoxError, Error, ErrorKind, HttpService, Idempotency, ManualClock, SendBodyError,
    Stack, Transport,
};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, request, send};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A body that announces one length and has another.
struct Lying {
    announced: u64,
    chunks: Vec<Result<&'static str, &'static str>>,
}

impl http_body::Body for Lying {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.chunks.is_empty() {
            return Poll::Ready(None);
        }
        let next = self.chunks.remove(0);
        Poll::Ready(Some(next.map(|text| Frame::data(text.into())).map_err(Into::into)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

fn lying() -> Vec<(Body, BodyProblem)> {
    let body = |announced, chunks: &[Result<&'static str, &'static str>]| {
        Body::new(Lying { announced, chunks: chunks.to_vec() })
    };
    let two = [Ok("one "), Ok("two")];
    vec![
        (body(3, &two), BodyProblem::TooLong),
        (body(4, &two), BodyProblem::TooLong),
        (body(6, &two), BodyProblem::TooLong),
        (body(8, &two), BodyProblem::TooShort { actual: 7 }),
        (body(100, &[]), BodyProblem::TooShort { actual: 0 }),
        (body(7, &[Ok("one "), Err("cut")]), BodyProblem::Unreadable),
        (
            Body::from_stream(stream::iter([Ok(Bytes::from("one ")), Err(BoxError::from("cut"))])),
            BodyProblem::Unreadable,
        ),
    ]
}

fn problem_of(error: &Error) -> BodyProblem {
    assert!(!error.may_have_been_applied());
    let source = std::error::Error::source(error).unwrap();
    source.downcast_ref::<SendBodyError>().unwrap().problem()
}

#[tokio::test]
async fn http1_body_of_another_length_is_never_whole() {
    let serve = |mut connection: Connection| async move {
        while connection.request().await.is_some() {
            connection.send(OK).await;
        }
    };
    let server = RawServer::start(serve).await.unwrap();
    let client = Transport::new().into_service();
    for (body, problem) in lying() {
        let result = in_time(send(&client, insert(&server.url("/"), body))).await;
        assert_eq!(problem_of(&assert_kind(result, ErrorKind::RequestBody)), problem);
        assert_eq!(server.requests().len(), 0, "the server never gets a whole request");
    }
    assert_eq!(in_time(send(&client, get(&server.url("/")))).await.unwrap().text, "ok");
}

#[tokio::test]
async fn http2_body_of_another_length_is_never_whole() {
    let authority = Authority::new().unwrap();
    let whole = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let serve = {
        let whole = Arc::clone(&whole);
        move |connection: Connection| {
            let whole = Arc::clone(&whole);
            async move {
                let Ok(mut h2) = h2::server::handshake(connection.into_io()).await else { return };
                while let Some(Ok((request, mut respond))) = h2.accept().await {
                    let whole = Arc::clone(&whole);
                    tokio::spawn(async move {
                        let mut body = request.into_body();
                        loop {
                            match body.data().await {
                                Some(Ok(data)) => drop(body.flow_control().release_capacity(data.len())),
                                Some(Err(_)) => return,
                                None => break,
                            }
                        }
                        whole.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        drop(respond.send_response(http::Response::new(()), true));
                    });
                }
            }
        }
    };
    let identity = authority.issue("127.0.0.1").unwrap().offering(&["h2"]);
    let server = RawServer::start_tls(identity, serve).await.unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    for (body, problem) in lying() {
        let result = in_time(send(&client, insert(&server.url("/"), body))).await;
        assert_eq!(problem_of(&assert_kind(result, ErrorKind::RequestBody)), problem);
    }
    assert_eq!(whole.load(std::sync::atomic::Ordering::SeqCst), 0);
    // A body that fits its length, and one larger than a frame.
    let fits = Body::new(Lying { announced: 7, chunks: vec![Ok("one "), Ok(""), Ok("two")] });
    for body in [fits, vec![b'x'; 100_000].into()] {
        in_time(send(&client, insert(&server.url("/"), body))).await.unwrap();
    }
    assert_eq!(whole.load(std::sync::atomic::Ordering::SeqCst), 2);
    assert_eq!(server.connections(), 1, "a failed body ends its stream only");
}

fn stack(clock: &ManualClock) -> HttpService {
    let shared = Arc::new(clock.clone());
    Stack::new(shared).no_deadline().no_attempt_timeout().build(Transport::new().into_service())
}

fn once() -> Body {
    Body::from_stream(stream::iter([Ok::<_, BoxError>(Bytes::from("one ")), Ok(Bytes::from("two"))]))
}

#[tokio::test]
async fn refused_stream_is_sent_on_recovery() {
    let closed = ClosedPort::new().unwrap();
    let address = closed.address();
    let clock = ManualClock::new();
    let client = stack(&clock);
    let call =
        tokio::spawn(async move { send(&client, insert(&format!("http://{address}/"), once())).await });
    until(|| clock.sleepers() == 1).await;
    let server = closed
        .open(|mut connection| async move {
            while connection.request().await.is_some() {
                connection.send(OK).await;
            }
        })
        .unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");
    assert_eq!(server.requests()[0].body, "one two");
}

#[tokio::test]
async fn retries_open_a_reopenable_body_again() {
    let server = RawServer::repeating("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let reopenable = || Body::reopenable(once);
    for (body, requests) in [(reopenable(), 3), (once(), 1)] {
        let before = server.requests().len();
        let call = request(http::Method::PUT, &server.url("/"), Idempotency::Idempotent, body);
        let response = in_time(send(&stack(&ManualClock::auto_advancing()), call)).await.unwrap();
        assert_eq!(response.status, 503);
        let received = server.requests().split_off(before);
        assert_eq!(received.len(), requests);
        assert!(received.iter().all(|request| request.body == "one two"));
    }
}
