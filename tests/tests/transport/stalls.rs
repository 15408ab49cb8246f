//! Transfers that stand still, on a clock that the test advances.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::Response;
use skyflow_http::{
    Body, BoxError, Clock, Error, ErrorKind, HttpService, ManualClock, Transport, TransportBuilder,
};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{Connection, Io, RawServer};
use skyflow_tests::calls::{FullResponse, assert_kind, get, insert, send, typed};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const STEP: Duration = Duration::from_millis(100);
const TEN_SECONDS: Duration = Duration::from_secs(10);

type Call<T> = JoinHandle<Result<T, Error>>;
type H2 = h2::server::Connection<Io, Bytes>;

fn over(clock: &ManualClock, transport: TransportBuilder) -> HttpService {
    transport.clock(Arc::new(clock.clone())).build().into_service()
}

fn start(client: &HttpService, request: skyflow_http::Request) -> Call<FullResponse> {
    let client = client.clone();
    tokio::spawn(async move { send(&client, request).await })
}

/// Advances the clock in small steps until the call ends or `most` has passed; returns the time that has passed.
async fn advance<T>(clock: &ManualClock, call: &Call<T>, most: Duration) -> Duration {
    let began = clock.monotonic();
    loop {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let passed = clock.monotonic() - began;
        if call.is_finished() || passed >= most {
            return passed;
        }
        clock.advance(STEP);
    }
}

async fn assert_stalls<T: std::fmt::Debug>(clock: &ManualClock, call: Call<T>, after: Duration, what: &str) {
    let passed = advance(clock, &call, after * 3).await;
    assert!((after..=after + 10 * STEP).contains(&passed), "{what}: {passed:?}");
    let error = assert_kind(call.await.unwrap(), ErrorKind::Stalled);
    assert!(error.may_have_been_applied(), "{what}");
}

/// Runs HTTP/1 with and without TLS.
async fn http1<F, Fut>(tls: bool, transport: TransportBuilder, serve: F) -> (TransportBuilder, RawServer)
where
    F: Fn(Connection) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    if !tls {
        return (transport, RawServer::start(serve).await.unwrap());
    }
    let authority = Authority::new().unwrap();
    let identity = authority.issue("127.0.0.1").unwrap().offering(&["http/1.1"]);
    let server = RawServer::start_tls(identity, serve).await.unwrap();
    (transport.add_root_certificates_pem(authority.pem().as_bytes()).unwrap(), server)
}

async fn http2<F, Fut>(window: u32, serve: F) -> (TransportBuilder, RawServer)
where
    F: Fn(H2) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new().unwrap();
    let identity = authority.issue("127.0.0.1").unwrap().offering(&["h2"]);
    let server = RawServer::start_tls(identity, move |connection: Connection| {
        let serve = serve.clone();
        async move {
            let mut builder = h2::server::Builder::new();
            builder.initial_window_size(window);
            if let Ok(h2) = builder.handshake(connection.into_io()).await {
                serve(h2).await;
            }
        }
    })
    .await
    .unwrap();
    let transport = Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap();
    (transport, server)
}

const UNFINISHED: [&str; 5] = [
    "H",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"records\":[",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
];

#[tokio::test]
async fn rel_r09_response_that_has_begun_stalls() {
    for tls in [false, true] {
        for before in UNFINISHED {
            let serve = move |mut connection: Connection| async move {
                connection.request().await;
                connection.send(before).await;
                connection.closed_by_client().await;
            };
            let (transport, server) = http1(tls, Transport::builder(), serve).await;
            let clock = ManualClock::new();
            let call = start(&over(&clock, transport), insert(&server.url("/"), "{}"));
            assert_stalls(&clock, call, TEN_SECONDS, before).await;
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn rel_r09_stall_timeout_can_be_set_and_disabled() {
    let serve = |mut connection: Connection| async move {
        connection.request().await;
        connection.send(UNFINISHED[3]).await;
        connection.closed_by_client().await;
    };
    let three = Duration::from_secs(3);
    let (transport, server) = http1(false, Transport::builder().stall_timeout(three), serve).await;
    let clock = ManualClock::new();
    let call = start(&over(&clock, transport), get(&server.url("/")));
    assert_stalls(&clock, call, three, "3 s").await;

    let client = over(&clock, Transport::builder().no_stall_timeout());
    let call = start(&client, get(&server.url("/")));
    advance(&clock, &call, TEN_SECONDS * 6).await;
    assert!(!call.is_finished());
    call.abort();
}

#[tokio::test]
async fn rel_r09_server_that_thinks_does_not_stall() {
    // Interim responses are none yet.
    for before in ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"] {
        let done = Arc::new(Notify::new());
        let serve = {
            let done = Arc::clone(&done);
            move |mut connection: Connection| {
                let done = Arc::clone(&done);
                async move {
                    while connection.request().await.is_some() {
                        connection.send(before).await;
                        done.notified().await;
                        connection.send(OK).await;
                    }
                }
            }
        };
        let (transport, server) = http1(false, Transport::builder(), serve).await;
        let clock = ManualClock::new();
        let client = over(&clock, transport);
        // The second request follows a response on the same connection.
        for _ in 0..2 {
            let call = start(&client, insert(&server.url("/"), "{}"));
            advance(&clock, &call, TEN_SECONDS * 6).await;
            assert!(!call.is_finished(), "{before:?}");
            done.notify_one();
            assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");
        }
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn rel_r09_trickling_response_does_not_stall() {
    let clock = ManualClock::new();
    let serve = {
        let clock = clock.clone();
        move |mut connection: Connection| {
            let clock = clock.clone();
            async move {
                connection.request().await;
                for piece in ["HTTP/1.1 200 OK\r\n", "content-length: 3\r\n", "\r\n", "a", "b", "c"] {
                    clock.sleep(Duration::from_secs(9)).await;
                    connection.send(piece).await;
                }
                connection.closed_by_client().await;
            }
        }
    };
    let (transport, server) = http1(false, Transport::builder(), serve).await;
    let call = start(&over(&clock, transport), get(&server.url("/")));
    advance(&clock, &call, TEN_SECONDS * 20).await;
    assert_eq!(call.await.unwrap().unwrap().text, "abc");
}

/// More than the sockets of both sides hold.
const LARGE: usize = 48 * 1024 * 1024;

fn in_memory() -> Body {
    vec![b'x'; LARGE].into()
}

fn streamed() -> Body {
    let chunk = Bytes::from(vec![b'x'; 65_536]);
    let chunks = std::iter::repeat_n(chunk, LARGE / 65_536).map(Ok::<_, BoxError>);
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn rel_r09_upload_that_is_not_read_stalls() {
    for tls in [false, true] {
        for body in [in_memory(), streamed()] {
            let serve = |mut connection: Connection| async move {
                connection.head().await;
                std::future::pending::<()>().await;
            };
            let (transport, server) = http1(tls, Transport::builder(), serve).await;
            let clock = ManualClock::new();
            let call = start(&over(&clock, transport), insert(&server.url("/"), body));
            in_time(server.received(1)).await;
            assert_stalls(&clock, call, TEN_SECONDS, "upload").await;
        }
    }
}

#[tokio::test]
async fn rel_r09_slow_upload_does_not_stall() {
    let clock = ManualClock::new();
    let serve = {
        let clock = clock.clone();
        move |connection: Connection| {
            let clock = clock.clone();
            async move {
                let mut io = connection.into_io();
                let mut piece = vec![0; 4 * 1024 * 1024];
                for _ in 0..LARGE / piece.len() {
                    clock.sleep(Duration::from_secs(9)).await;
                    io.read_exact(&mut piece).await.unwrap();
                }
                tokio::io::AsyncWriteExt::write_all(&mut io, OK.as_bytes()).await.unwrap();
                let _ = io.read_to_end(&mut Vec::new()).await;
            }
        }
    };
    let (transport, server) = http1(false, Transport::builder(), serve).await;
    let call = start(&over(&clock, transport), insert(&server.url("/"), in_memory()));
    let passed = advance(&clock, &call, TEN_SECONDS * 20).await;
    assert_eq!(call.await.unwrap().unwrap().text, "ok");
    assert!(passed > TEN_SECONDS * 9, "{passed:?}");
}

/// A body whose second half comes when the test says so.
fn halves(second: &Arc<Notify>) -> Body {
    let second = Arc::clone(second);
    let first = stream::once(async { Ok::<_, BoxError>(Bytes::from_static(b"first ")) });
    let rest = stream::once(async move {
        second.notified().await;
        Ok(Bytes::from_static(b"second"))
    });
    Body::from_stream(stream::StreamExt::chain(first, rest))
}

#[tokio::test]
async fn rel_r09_slow_source_of_a_body_is_no_stall() {
    let (clock, second) = (ManualClock::new(), Arc::new(Notify::new()));
    let serve = |mut connection: Connection| async move {
        while let Some(request) = connection.request().await {
            assert_eq!(request.body, "first second");
            connection.send(OK).await;
        }
    };
    let (transport, server) = http1(false, Transport::builder(), serve).await;
    let call = start(&over(&clock, transport), insert(&server.url("/"), halves(&second)));
    advance(&clock, &call, TEN_SECONDS * 6).await;
    assert!(!call.is_finished());
    second.notify_one();
    assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");

    let (transport, server) = http2(65_535, |mut h2| async move {
        while let Some(Ok((request, mut respond))) = h2.accept().await {
            tokio::spawn(async move {
                let mut body = request.into_body();
                while let Some(Ok(data)) = body.data().await {
                    let _ = body.flow_control().release_capacity(data.len());
                }
                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                stream.send_data(Bytes::from_static(b"ok"), true).unwrap();
            });
        }
    })
    .await;
    let call = start(&over(&clock, transport), insert(&server.url("/"), halves(&second)));
    advance(&clock, &call, TEN_SECONDS * 6).await;
    assert!(!call.is_finished());
    second.notify_one();
    assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");
}

#[tokio::test]
async fn rel_r09_slow_reader_of_a_response_is_no_stall() {
    const CHUNKS: usize = 64;
    let serve = |mut connection: Connection| async move {
        connection.request().await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", CHUNKS * 1_048_576);
        connection.send(head).await;
        for _ in 0..CHUNKS {
            connection.send(vec![b'x'; 1_048_576]).await;
        }
        connection.closed_by_client().await;
    };
    let (transport, server) = http1(false, Transport::builder(), serve).await;
    let clock = ManualClock::new();
    let client = over(&clock, transport);
    let response = in_time(client.send(get(&server.url("/")))).await.map_err(typed).unwrap();
    let mut body = response.into_body();
    let mut length = 0;
    let mut rests = 0;
    while let Some(frame) = in_time(next_frame(&mut body)).await {
        length += frame.unwrap().into_data().unwrap().len();
        if rests < 20 {
            // The caller does something else for a minute.
            rests += 1;
            clock.advance(TEN_SECONDS * 6);
        }
    }
    assert_eq!(length, CHUNKS * 1_048_576);
    assert_eq!(rests, 20);
}

async fn next_frame(body: &mut Body) -> Option<Result<http_body::Frame<Bytes>, BoxError>> {
    std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut *body), cx)).await
}

#[tokio::test]
async fn rel_r09_http2_body_without_window_stalls() {
    for (window, body) in [(0, "{}".into()), (65_535, in_memory()), (65_535, streamed())] {
        let (transport, server) = http2(window, |mut h2| async move {
            let mut held = Vec::new();
            while let Some(Ok((request, mut respond))) = h2.accept().await {
                if request.method() == http::Method::GET {
                    respond.send_response(Response::new(()), true).unwrap();
                } else {
                    held.push((request, respond));
                }
            }
        })
        .await;
        let clock = ManualClock::new();
        let client = over(&clock, transport);
        // Afterwards the client knows the window of the server.
        in_time(send(&client, get(&server.url("/")))).await.unwrap();
        let call = start(&client, insert(&server.url("/"), body));
        assert_stalls(&clock, call, TEN_SECONDS, "window").await;
    }
}

#[tokio::test]
async fn rel_r09_http2_response_stalls_beside_others() {
    let clock = ManualClock::new();
    let serve = {
        let clock = clock.clone();
        move |mut h2: H2| {
            let clock = clock.clone();
            async move {
                while let Some(Ok((request, mut respond))) = h2.accept().await {
                    let clock = clock.clone();
                    tokio::spawn(async move {
                        match request.uri().path() {
                            "/stalls" => {
                                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                                stream.send_data(Bytes::from_static(b"{"), false).unwrap();
                                std::future::pending::<()>().await;
                            }
                            "/trickles" => {
                                let mut stream = respond.send_response(Response::new(()), false).unwrap();
                                for _ in 0..20 {
                                    clock.sleep(Duration::from_secs(1)).await;
                                    stream.send_data(Bytes::from_static(b"x"), false).unwrap();
                                }
                                stream.send_data(Bytes::new(), true).unwrap();
                            }
                            _ => std::future::pending().await,
                        }
                    });
                }
            }
        }
    };
    let (transport, server) = http2(65_535, serve).await;
    let client = over(&clock, transport);
    let thinks = start(&client, get(&server.url("/thinks")));
    let trickles = start(&client, get(&server.url("/trickles")));
    until(|| clock.sleepers() >= 3).await;
    let stalls = start(&client, get(&server.url("/stalls")));
    assert_stalls(&clock, stalls, TEN_SECONDS, "beside others").await;
    advance(&clock, &trickles, TEN_SECONDS * 3).await;
    assert_eq!(trickles.await.unwrap().unwrap().text, "x".repeat(20));
    assert!(!thinks.is_finished());
    thinks.abort();
    assert_eq!(server.connections(), 1);
}
