//! HTTP/2: refusals that prove a request was not processed, and failures that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::Response;
use skyflow_http::{ErrorKind, HttpService, ManualClock, Stack, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{Connection, Io, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, send};
use tokio::io::AsyncWriteExt;

type H2 = h2::server::Connection<Io, Bytes>;

/// A server that speaks HTTP/2 and hands each connection to `serve`.
async fn http2<F, Fut>(serve: F) -> (HttpService, RawServer)
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
                if let Ok(h2) = h2::server::handshake(connection.into_io()).await {
                    serve(h2, number).await;
                }
            }
        },
    )
    .await
    .unwrap();
    let transport =
        Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap().build();
    (transport.into_service(), server)
}

fn response(respond: &mut SendResponse<Bytes>, body: &'static str) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
}

async fn drain(mut h2: H2) {
    while let Some(Ok(_)) = h2.accept().await {}
}

#[tokio::test]
async fn parallel_calls_share_one_connection() {
    let (client, server) = http2(|mut h2, _| async move {
        let mut waiting = Vec::new();
        while let Some(Ok((request, mut respond))) = h2.accept().await {
            if request.uri().path() == "/first" {
                response(&mut respond, "ok");
                continue;
            }
            // All sixteen are in flight before the first response.
            waiting.push(respond);
            if waiting.len() == 16 {
                waiting.iter_mut().for_each(|respond| response(respond, "ok"));
            }
        }
    })
    .await;
    in_time(send(&client, get(&server.url("/first")))).await.unwrap();
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let (client, url) = (client.clone(), server.url("/"));
            tokio::spawn(async move { send(&client, insert(&url, "{}")).await })
        })
        .collect();
    for call in calls {
        assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn rel_r11_refused_stream_proves_not_executed() {
    let (client, server) = http2(|mut h2, _| async move {
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            respond.send_reset(Reason::REFUSED_STREAM);
        }
    })
    .await;
    let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
    assert_kind(result, ErrorKind::Refused);
}

#[tokio::test]
async fn rel_r11_any_other_reset_proves_nothing() {
    for reason in [
        Reason::NO_ERROR,
        Reason::PROTOCOL_ERROR,
        Reason::INTERNAL_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::STREAM_CLOSED,
        Reason::CANCEL,
        Reason::ENHANCE_YOUR_CALM,
        Reason::INADEQUATE_SECURITY,
        Reason::HTTP_1_1_REQUIRED,
    ] {
        let (client, server) = http2(move |mut h2, _| async move {
            while let Some(Ok((_, mut respond))) = h2.accept().await {
                respond.send_reset(reason);
            }
        })
        .await;
        let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
        assert_kind(result, ErrorKind::Io);
    }
}

#[tokio::test]
async fn rel_r11_reset_in_a_response_is_an_error() {
    for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let (client, server) = http2(move |mut h2, _| async move {
            while let Some(Ok((_, mut respond))) = h2.accept().await {
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data(Bytes::from_static(b"{\"records\":["), false).unwrap();
                body.send_reset(reason);
            }
        })
        .await;
        let error = in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap_err();
        assert!(error.may_have_been_applied(), "{reason:?}: an response had begun, so the server had acted");
    }
}

/// An HTTP/2 server by hand: what `h2` would not send.
mod by_hand {
    use skyflow_testkit::raw_server::{Connection, Io};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    pub(super) const SETTINGS: u8 = 4;
    pub(super) const GOAWAY: u8 = 7;

    pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    pub(super) fn goaway(last_stream: u32, reason: u32) -> Vec<u8> {
        frame(GOAWAY, 0, 0, &[last_stream.to_be_bytes(), reason.to_be_bytes()].concat())
    }

    /// Reads the preface and frames up to the end of the first request.
    pub(super) async fn first_request(connection: Connection) -> Option<Io> {
        let mut io = connection.into_io();
        let mut preface = [0; 24];
        io.read_exact(&mut preface).await.ok()?;
        io.write_all(&frame(SETTINGS, 0, 0, &[])).await.ok()?;
        loop {
            let mut head = [0; 9];
            io.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            io.read_exact(&mut payload).await.ok()?;
            let (kind, ends_stream) = (head[3], head[4] & 1 == 1);
            if kind <= 1 && ends_stream {
                return Some(io);
            }
        }
    }
}

/// Sends a write to a server that reads it, says GOAWAY with each last stream and reason in turn, and closes.
async fn after_goaway(says: &'static [(u32, Reason)]) -> Result<(), skyflow_http::Error> {
    let authority = Authority::new().unwrap();
    let tls = authority.issue("127.0.0.1").unwrap().offering(&["h2"]);
    let server = RawServer::start_tls(tls, move |connection: Connection| async move {
        let Some(mut io) = by_hand::first_request(connection).await else { return };
        for &(last_stream, reason) in says {
            let _ = io.write_all(&by_hand::goaway(last_stream, reason.into())).await;
        }
        let _ = io.shutdown().await;
    })
    .await
    .unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    in_time(send(&client, insert(&server.url("/"), "{}"))).await.map(drop)
}

#[tokio::test]
async fn rel_r11_goaway_before_stream_not_executed() {
    assert_kind(after_goaway(&[(0, Reason::NO_ERROR)]).await, ErrorKind::Refused);
    let announced = &[(u32::MAX >> 1, Reason::NO_ERROR), (0, Reason::NO_ERROR)];
    assert_kind(after_goaway(announced).await, ErrorKind::Refused);
}

#[tokio::test]
async fn request_above_a_goaway_moves_at_once() {
    let authority = Authority::new().unwrap();
    let tls = authority.issue("127.0.0.1").unwrap().offering(&["h2"]);
    let server = RawServer::start_tls(tls, move |connection: Connection| async move {
        if connection.number() <= 8 {
            let Some(mut io) = by_hand::first_request(connection).await else { return };
            let _ = io.write_all(&by_hand::goaway(0, Reason::NO_ERROR.into())).await;
            let _ = io.shutdown().await;
        } else if let Ok(mut h2) = h2::server::handshake(connection.into_io()).await {
            while let Some(Ok((_, mut respond))) = h2.accept().await {
                response(&mut respond, "ok");
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    // Neither retry layer nor budget: the transport alone moves the request, eight times.
    assert_eq!(in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap().text, "ok");
    assert_eq!(server.connections(), 9);
}

#[tokio::test]
async fn rel_r11_goaway_after_stream_proves_nothing() {
    const LATEST: u32 = u32::MAX >> 1;
    let rows: [&[(u32, Reason)]; 5] = [
        &[(1, Reason::NO_ERROR)],
        &[(LATEST, Reason::NO_ERROR)],
        &[(LATEST, Reason::NO_ERROR), (1, Reason::NO_ERROR)],
        &[(1, Reason::INTERNAL_ERROR)],
        &[(1, Reason::NO_ERROR), (1, Reason::INTERNAL_ERROR)],
    ];
    for says in rows {
        assert_kind(after_goaway(says).await, ErrorKind::Io);
    }
}

#[tokio::test]
async fn rel_r11_graceful_goaway_lets_calls_finish() {
    let (client, server) = http2(|mut h2, number| async move {
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            response(&mut respond, if number == 1 { "one" } else { "two" });
            if number == 1 {
                h2.graceful_shutdown();
            }
        }
    })
    .await;
    assert_eq!(in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap().text, "one");
    for _ in 0..10 {
        let response = in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap();
        assert!(matches!(response.text.as_str(), "one" | "two"));
    }
    assert!(server.connections() <= 2, "{}", server.connections());
}

#[tokio::test]
async fn rel_r11_refused_write_is_retried_applied_once() {
    let applied = Arc::new(AtomicUsize::new(0));
    let (client, server) = http2({
        let (applied, seen) = (Arc::clone(&applied), Arc::new(AtomicUsize::new(0)));
        move |mut h2, _| {
            let (applied, seen) = (Arc::clone(&applied), Arc::clone(&seen));
            async move {
                while let Some(Ok((_, mut respond))) = h2.accept().await {
                    if seen.fetch_add(1, Ordering::SeqCst) < 2 {
                        respond.send_reset(Reason::REFUSED_STREAM);
                    } else {
                        applied.fetch_add(1, Ordering::SeqCst);
                        response(&mut respond, "ok");
                    }
                }
            }
        }
    })
    .await;
    let clock = ManualClock::new();
    let stack = Stack::new(Arc::new(clock.clone())).build(client);
    let call = {
        let call = insert(&server.url("/"), "{}");
        tokio::spawn(async move { send(&stack, call).await })
    };
    while !call.is_finished() {
        tokio::task::yield_now().await;
        clock.advance(std::time::Duration::from_millis(1));
    }
    assert_eq!(in_time(call).await.unwrap().unwrap().text, "ok");
    assert_eq!(applied.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn rel_r10_cancelled_call_keeps_the_connection() {
    let (client, server) = http2(|mut h2, _| async move {
        let mut kept = Vec::new();
        while let Some(Ok((request, mut respond))) = h2.accept().await {
            match request.uri().path() {
                "/hang" => kept.push(respond),
                _ => response(&mut respond, "ok"),
            }
        }
    })
    .await;
    in_time(send(&client, get(&server.url("/")))).await.unwrap();
    let hanging = {
        let (client, url) = (client.clone(), server.url("/hang"));
        tokio::spawn(async move { send(&client, get(&url)).await })
    };
    tokio::task::yield_now().await;
    hanging.abort();
    until(|| hanging.is_finished()).await;
    for _ in 0..10 {
        assert_eq!(in_time(send(&client, get(&server.url("/")))).await.unwrap().text, "ok");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn rel_r15_huge_http_2_headers_are_a_typed_error() {
    let (client, server) = http2(|mut h2, _| async move {
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            let mut head = Response::builder();
            for n in 0..200 {
                head = head.header(format!("x-{n}"), "a".repeat(1_000));
            }
            let _ = respond.send_response(head.body(()).unwrap(), true);
        }
    })
    .await;
    assert_kind(in_time(send(&client, insert(&server.url("/"), "{}"))).await, ErrorKind::Io);
}

#[tokio::test]
async fn rel_r12_http_2_length_mismatch_is_an_error() {
    for length in ["1", "5", "1000"] {
        let (client, server) = http2(move |mut h2, _| async move {
            while let Some(Ok((_, mut respond))) = h2.accept().await {
                let head = Response::builder().header("content-length", length).body(()).unwrap();
                if let Ok(mut body) = respond.send_response(head, false) {
                    let _ = body.send_data(Bytes::from_static(b"{}"), true);
                }
            }
        })
        .await;
        assert_kind(in_time(send(&client, insert(&server.url("/"), "{}"))).await, ErrorKind::Io);
    }
}

#[tokio::test]
async fn dropped_call_closes_a_silent_connection() {
    let (client, server) = http2(|h2, _| drain(h2)).await;
    let call = {
        let (client, url) = (client.clone(), server.url("/"));
        tokio::spawn(async move { send(&client, get(&url)).await })
    };
    until(|| server.connections() == 1).await;
    call.abort();
    assert!(in_time(call).await.unwrap_err().is_cancelled());
}
