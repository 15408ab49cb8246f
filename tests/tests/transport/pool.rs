//! How many connections are opened, who waits for one, and what happens when a server retires one.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::Response;
use skyflow_http::{ErrorKind, HttpService, ManualClock, Transport, TransportBuilder};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{Stepped, in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection, Io, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, send};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

type H2 = h2::server::Connection<Io, Bytes>;

/// Serves HTTP/2 with a limit of streams.
async fn http2<F, Fut>(streams: u32, transport: TransportBuilder, serve: F) -> (HttpService, RawServer)
where
    F: Fn(H2, usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let authority = Authority::new().unwrap();
    let server = RawServer::start_tls(
        authority.issue("127.0.0.1").unwrap().offering(&["h2"]),
        move |connection: Connection| {
            let (serve, number) = (serve.clone(), connection.number());
            async move {
                let mut builder = h2::server::Builder::new();
                builder.max_concurrent_streams(streams);
                if let Ok(h2) = builder.handshake(connection.into_io()).await {
                    serve(h2, number).await;
                }
            }
        },
    )
    .await
    .unwrap();
    let transport = transport.add_root_certificates_pem(authority.pem().as_bytes()).unwrap().build();
    (transport.into_service(), server)
}

/// Responds, unless the connection has ended.
fn respond(mut to: SendResponse<Bytes>) {
    if let Ok(mut stream) = to.send_response(Response::new(()), false) {
        let _ = stream.send_data(Bytes::from_static(b"ok"), true);
    }
}

fn at_once(client: &HttpService, url: &str, calls: usize) -> JoinSet<Result<String, skyflow_http::Error>> {
    (0..calls)
        .map(|_| {
            let (client, url) = (client.clone(), url.to_owned());
            async move { send(&client, insert(&url, "{}")).await.map(|response| response.text) }
        })
        .collect()
}

async fn all_succeed(mut calls: JoinSet<Result<String, skyflow_http::Error>>) {
    while let Some(call) = in_time(calls.join_next()).await {
        assert_eq!(call.unwrap().unwrap(), "ok");
    }
}

#[tokio::test]
async fn http1_connections_are_capped_per_server() {
    let open = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start({
        let (open, most) = (Arc::clone(&open), Arc::clone(&most));
        move |mut connection: Connection| {
            let (open, most) = (Arc::clone(&open), Arc::clone(&most));
            async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                while connection.request().await.is_some() {
                    tokio::task::yield_now().await;
                    connection.send(OK).await;
                }
                open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    })
    .await
    .unwrap();
    let five = NonZeroUsize::new(5).unwrap();
    let client = Transport::builder().max_http1_connections(five).build().into_service();
    all_succeed(at_once(&client, &server.url("/"), 300)).await;
    assert_eq!(most.load(Ordering::SeqCst), 5);
    assert_eq!((server.connections(), server.requests().len()), (5, 300));
}

#[tokio::test]
async fn default_cap_is_64_http1_connections() {
    let release = Arc::new(tokio::sync::Semaphore::new(0));
    let server = RawServer::start({
        let release = Arc::clone(&release);
        move |mut connection: Connection| {
            let release = Arc::clone(&release);
            async move {
                while connection.request().await.is_some() {
                    release.acquire().await.unwrap().forget();
                    connection.send(OK).await;
                }
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    let calls = at_once(&client, &server.url("/"), 200);
    until(|| server.requests().len() == 64).await;
    release.add_permits(200);
    all_succeed(calls).await;
    assert_eq!(server.connections(), 64);
}

#[tokio::test]
async fn waiting_calls_are_served_in_order() {
    let release = Arc::new(tokio::sync::Semaphore::new(0));
    let server = RawServer::start({
        let release = Arc::clone(&release);
        move |mut connection: Connection| {
            let release = Arc::clone(&release);
            async move {
                while connection.request().await.is_some() {
                    release.acquire().await.unwrap().forget();
                    connection.send(OK).await;
                }
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::builder().max_http1_connections(NonZeroUsize::MIN).build().into_service();
    let mut calls: Vec<_> = (0..10)
        .map(|n| {
            let (client, url) = (client.clone(), server.url(&format!("/{n}")));
            Stepped::new(async move { send(&client, get(&url)).await })
        })
        .collect();
    for call in &mut calls {
        assert!(call.step().is_pending());
    }
    // Two calls that wait are given up; the others keep their order.
    drop(calls.remove(7));
    drop(calls.remove(3));
    let calls: JoinSet<_> = calls.into_iter().map(Stepped::into_inner).collect();
    release.add_permits(10);
    in_time(calls.join_all()).await.into_iter().for_each(|call| assert_eq!(call.unwrap().text, "ok"));
    let order: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(order, ["/0", "/1", "/2", "/4", "/5", "/6", "/8", "/9"]);
}

#[tokio::test]
async fn cold_http2_calls_open_one_connection() {
    let (client, server) = http2(200, Transport::builder(), |mut h2, _| async move {
        while let Some(Ok((_, to))) = h2.accept().await {
            respond(to);
        }
    })
    .await;
    all_succeed(at_once(&client, &server.url("/"), 100)).await;
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn failed_attempt_makes_way_for_the_next_call() {
    let port = ClosedPort::new().unwrap();
    let client = Transport::new().into_service();
    let url = format!("http://{}/", port.address());
    let mut calls = at_once(&client, &url, 50);
    // An attempt that is refused fails the call that it was made for, and the next call makes its own.
    while let Some(call) = in_time(calls.join_next()).await {
        assert_kind(call.unwrap(), ErrorKind::Connect);
    }
    let server = port
        .open(|mut connection: Connection| async move {
            while connection.request().await.is_some() {
                connection.send(OK).await;
            }
        })
        .unwrap();
    assert_eq!(in_time(send(&client, get(&url))).await.unwrap().text, "ok");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn full_http2_connections_get_another_one() {
    for (limit, expected) in [(1, 1), (3, 3), (8, 5)] {
        let release = Arc::new(tokio::sync::Semaphore::new(0));
        let received = Arc::new(AtomicUsize::new(0));
        let transport = Transport::builder().max_http2_connections(NonZeroUsize::new(limit).unwrap());
        let (client, server) = http2(4, transport, {
            let (release, received) = (Arc::clone(&release), Arc::clone(&received));
            move |mut h2, _| {
                let (release, received) = (Arc::clone(&release), Arc::clone(&received));
                async move {
                    while let Some(Ok((_, to))) = h2.accept().await {
                        received.fetch_add(1, Ordering::SeqCst);
                        let release = Arc::clone(&release);
                        tokio::spawn(async move {
                            release.acquire().await.unwrap().forget();
                            respond(to);
                        });
                    }
                }
            }
        })
        .await;
        let calls = at_once(&client, &server.url("/"), 20);
        until(|| received.load(Ordering::SeqCst) == 20.min(limit * 4)).await;
        assert_eq!(server.connections(), expected);
        release.add_permits(20);
        all_succeed(calls).await;
        assert_eq!(server.connections(), expected);
    }
}

#[tokio::test]
async fn retired_http2_connections_lose_no_call() {
    for (streams, per_connection) in [(1, 50), (8, 50), (100, 50), (100, 7)] {
        let executed = Arc::new(AtomicUsize::new(0));
        let (client, server) = http2(streams, Transport::builder(), {
            let executed = Arc::clone(&executed);
            move |mut h2, _| {
                let executed = Arc::clone(&executed);
                async move {
                    let mut served = 0;
                    while let Some(Ok((request, to))) = h2.accept().await {
                        served += 1;
                        let executed = Arc::clone(&executed);
                        tokio::spawn(async move {
                            let mut body = request.into_body();
                            while let Some(Ok(_)) = body.data().await {}
                            executed.fetch_add(1, Ordering::SeqCst);
                            respond(to);
                        });
                        if served == per_connection {
                            // What has not been accepted is above the last stream that the server names.
                            h2.graceful_shutdown();
                        }
                    }
                }
            }
        })
        .await;
        all_succeed(at_once(&client, &server.url("/"), 1_000)).await;
        assert_eq!(executed.load(Ordering::SeqCst), 1_000, "{streams} {per_connection}");
    }
}

#[tokio::test]
async fn goaway_with_a_reason_refuses_without_moving() {
    let (client, server) = http2(100, Transport::builder(), |mut h2, _| async move {
        h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        while let Some(Ok(_)) = h2.accept().await {}
    })
    .await;
    let error = in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused | ErrorKind::Io), "{error:?}");
    assert!(server.connections() <= 2);
}

#[test]
fn closed_idle_connection_is_seen_before_sending() {
    // The usual recipe of synchronous code: the runtime runs only while a call does.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server_runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    for http2 in [false, true] {
        for tls in [false, true] {
            if http2 && !tls {
                continue;
            }
            let authority = Authority::new().unwrap();
            let closed = Arc::new(AtomicUsize::new(0));
            let after_close = Arc::new(AtomicUsize::new(0));
            let serve = {
                let (closed, after_close) = (Arc::clone(&closed), Arc::clone(&after_close));
                move |mut connection: Connection| {
                    let (closed, after_close) = (Arc::clone(&closed), Arc::clone(&after_close));
                    async move {
                        if http2 {
                            let Ok(mut h2) = h2::server::handshake(connection.into_io()).await else {
                                return;
                            };
                            if let Some(Ok((request, to))) = h2.accept().await {
                                let mut body = request.into_body();
                                respond(to);
                                h2.graceful_shutdown();
                                let drive = async { while let Some(Ok(_)) = h2.accept().await {} };
                                tokio::join!(drive, async { while let Some(Ok(_)) = body.data().await {} });
                            }
                            closed.fetch_add(1, Ordering::SeqCst);
                            return;
                        }
                        if connection.request().await.is_some() {
                            connection.send(OK).await;
                            let mut io = connection.into_io();
                            io.shutdown().await.unwrap();
                            closed.fetch_add(1, Ordering::SeqCst);
                            let mut rest = Vec::new();
                            let read = tokio::io::AsyncReadExt::read_to_end(&mut io, &mut rest).await;
                            after_close.fetch_add(read.unwrap_or_default(), Ordering::SeqCst);
                        }
                    }
                }
            };
            let server = server_runtime.block_on(async {
                let protocols: &[&str] = if http2 { &["h2"] } else { &["http/1.1"] };
                match tls {
                    true => {
                        RawServer::start_tls(authority.issue("127.0.0.1").unwrap().offering(protocols), serve)
                            .await
                            .unwrap()
                    }
                    false => RawServer::start(serve).await.unwrap(),
                }
            });
            let client = Transport::builder()
                .add_root_certificates_pem(authority.pem().as_bytes())
                .unwrap()
                .build()
                .into_service();
            for call in 0..200 {
                let response = runtime.block_on(send(&client, insert(&server.url("/"), "{}")));
                assert_eq!(response.unwrap().text, "ok", "{http2} {tls} {call}");
                if !http2 {
                    while closed.load(Ordering::SeqCst) <= call {
                        std::thread::yield_now();
                    }
                }
            }
            assert_eq!(after_close.load(Ordering::SeqCst), 0, "{http2} {tls}");
            drop(client);
        }
    }
}

#[tokio::test]
async fn response_before_the_upload_is_read_is_kept() {
    const REJECTED: &str =
        "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno";
    for tls in [false, true] {
        let serve = |mut connection: Connection| async move {
            if connection.head().await.is_some() {
                connection.send(REJECTED).await;
            }
            // Bytes that were not read make the close a reset.
        };
        let authority = Authority::new().unwrap();
        let server = match tls {
            true => {
                RawServer::start_tls(authority.issue("127.0.0.1").unwrap().offering(&["http/1.1"]), serve)
                    .await
                    .unwrap()
            }
            false => RawServer::start(serve).await.unwrap(),
        };
        let client = Transport::builder()
            .add_root_certificates_pem(authority.pem().as_bytes())
            .unwrap()
            .build()
            .into_service();
        let body = Bytes::from(vec![b'x'; 8 << 20]);
        for _ in 0..24 {
            let response = in_time(send(&client, insert(&server.url("/"), body.clone()))).await;
            assert_eq!(response.unwrap().status, 413);
        }
    }
}

#[test]
fn call_outside_a_runtime_is_a_typed_error() {
    let client = Transport::new().into_service();
    let mut call = Stepped::new(send(&client, get("http://127.0.0.1:9/")));
    let std::task::Poll::Ready(result) = call.step() else {
        panic!("it waits for a runtime that is not there")
    };
    assert_kind(result, ErrorKind::Refused);
}

#[tokio::test]
async fn idle_connections_close_after_their_timeout() {
    let clock = ManualClock::new();
    let server = RawServer::start(|mut connection: Connection| async move {
        while connection.request().await.is_some() {
            connection.send(OK).await;
        }
    })
    .await
    .unwrap();
    let client = Transport::builder()
        .pool_idle_timeout(Duration::from_secs(7))
        .clock(Arc::new(clock.clone()))
        .build()
        .into_service();
    in_time(send(&client, get(&server.url("/")))).await.unwrap();
    clock.advance(Duration::from_millis(6_999));
    in_time(send(&client, get(&server.url("/")))).await.unwrap();
    assert_eq!(server.connections(), 1, "it is still within its timeout");
    until(|| clock.sleepers() > 0).await;
    clock.advance(Duration::from_secs(7));
    tokio::task::yield_now().await;
    in_time(send(&client, get(&server.url("/")))).await.unwrap();
    assert_eq!(server.connections(), 2, "its timeout has passed");
}

#[tokio::test]
async fn surplus_idle_connections_are_closed() {
    let barrier = Arc::new(tokio::sync::Barrier::new(6));
    let gone = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start({
        let gone = Arc::clone(&gone);
        move |mut connection: Connection| {
            let (barrier, gone) = (Arc::clone(&barrier), Arc::clone(&gone));
            async move {
                if connection.request().await.is_some() {
                    barrier.wait().await;
                    connection.send(OK).await;
                }
                connection.closed_by_client().await;
                gone.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::builder().pool_max_idle_per_host(2).build().into_service();
    all_succeed(at_once(&client, &server.url("/"), 6)).await;
    until(|| gone.load(Ordering::SeqCst) == 4).await;
}
