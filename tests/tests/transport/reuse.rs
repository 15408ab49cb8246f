//! Connections: kept while they are good, and what happens when a kept one has gone away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use skyflow_http::{Body, ErrorKind, Idempotency, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, request, send};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn rel_r10_sequential_calls_share_one_connection() {
    let server = RawServer::repeating(OK).await.unwrap();
    let client = Transport::new().into_service();
    for _ in 0..50 {
        assert_eq!(in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap().status, 200);
    }
    // A clone shares the pool.
    in_time(send(&client.clone(), get(&server.url("/")))).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (1, 51));
}

#[tokio::test]
async fn rel_r10_error_responses_keep_the_connection() {
    let server = RawServer::repeating("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy")
        .await
        .unwrap();
    let client = Transport::new().into_service();
    for _ in 0..10 {
        in_time(send(&client, get(&server.url("/")))).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn rel_r10_parallel_connections_are_reused() {
    let barrier = Arc::new(tokio::sync::Barrier::new(4));
    let server = RawServer::start({
        let first_round = Arc::new(AtomicUsize::new(0));
        move |mut connection: Connection| {
            let (barrier, first_round) = (Arc::clone(&barrier), Arc::clone(&first_round));
            async move {
                while connection.request().await.is_some() {
                    // The first four responses wait for each other, so that four connections are needed.
                    if first_round.fetch_add(1, Ordering::SeqCst) < 4 {
                        barrier.wait().await;
                    }
                    connection.send(OK).await;
                }
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let (client, url) = (client.clone(), server.url("/"));
            tokio::spawn(async move { send(&client, get(&url)).await })
        })
        .collect();
    for call in calls {
        in_time(call).await.unwrap().unwrap();
    }
    for _ in 0..20 {
        in_time(send(&client, get(&server.url("/")))).await.unwrap();
    }
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn connection_close_causes_a_new_connection() {
    let server = RawServer::repeating("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        .await
        .unwrap();
    let client = Transport::new().into_service();
    for _ in 0..5 {
        in_time(send(&client, insert(&server.url("/"), "{}"))).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests().len()), (5, 5));
}

#[tokio::test]
async fn rel_r10_unread_body_does_not_leak() {
    let server = RawServer::start(|mut connection: Connection| async move {
        let number = connection.number();
        while connection.request().await.is_some() {
            let body = number.to_string().repeat(100_000);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            connection.send(head).await;
            connection.send(body).await;
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    // The response is dropped with its body unread.
    drop(in_time(client.send(get(&server.url("/")))).await.unwrap());
    let response = in_time(send(&client, get(&server.url("/")))).await.unwrap();
    assert!(["1", "2"].iter().any(|n| response.text == n.repeat(100_000)));
}

#[tokio::test]
async fn closed_connection_is_replaced_for_a_write() {
    let gone = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start({
        let gone = Arc::clone(&gone);
        move |mut connection: Connection| {
            let gone = Arc::clone(&gone);
            async move {
                connection.request().await;
                connection.send(OK).await;
                connection.finish().await;
                connection.closed_by_client().await;
                gone.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    for round in 1..=10 {
        let response = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
        assert_eq!(response.unwrap().status, 200, "round {round}");
        // The client has noticed that the connection is over.
        until(|| gone.load(Ordering::SeqCst) == round).await;
    }
    assert_eq!((server.connections(), server.requests().len()), (10, 10));
}

#[tokio::test]
async fn rel_r03_broken_write_is_ambiguous_not_retried() {
    let server = RawServer::start(|mut connection: Connection| async move {
        connection.request().await;
        connection.send(OK).await;
        // The second request of the connection is read, so it may be applied, and gets no response.
        connection.request().await;
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    in_time(send(&client, get(&server.url("/")))).await.unwrap();
    let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
    let error = assert_kind(result, ErrorKind::Io);
    assert!(error.may_have_been_applied());
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}

/// The server closes while the client sends. The order is not deterministic, so the test asserts what holds in both.
#[tokio::test]
async fn rel_r03_close_race_applies_a_write_once() {
    let server = RawServer::start(|mut connection: Connection| async move {
        for responded in 1.. {
            if connection.request().await.is_none() {
                return;
            }
            connection.send(OK).await;
            if responded == 1 + connection.number() % 3 {
                return;
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    let (mut told_done, mut told_unsure) = (0, 0);
    for n in 0..500 {
        let write = request(
            Method::POST,
            &server.url(&format!("/{n}")),
            Idempotency::NonIdempotent,
            Body::from("{}"),
        );
        match in_time(send(&client, write)).await {
            Ok(_) => told_done += 1,
            Err(error) if error.may_have_been_applied() => told_unsure += 1,
            Err(error) => panic!("the connection was never refused: {error:?}"),
        }
    }
    let mut applied: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    applied.sort();
    let total = applied.len();
    applied.dedup();
    assert_eq!(applied.len(), total, "no write was applied twice");
    assert!(told_done <= total && total <= told_done + told_unsure, "{told_done} + {told_unsure} of {total}");
    assert!(told_done > 400, "most calls go through: {told_done}");
}

#[tokio::test]
async fn transport_outlives_its_first_runtime() {
    // Connections belong to a runtime; the transport does not.
    let client = Transport::new().into_service();
    let (first, second) = tokio::task::spawn_blocking(move || {
        let one_call = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = RawServer::repeating(OK).await.unwrap();
                in_time(send(&client, get(&server.url("/")))).await
            })
        };
        (one_call(), one_call())
    })
    .await
    .unwrap();
    assert_eq!((first.unwrap().status, second.unwrap().status), (200, 200));
}

#[test]
fn a_transport_is_built_without_a_runtime() {
    let authority = Authority::new().unwrap();
    drop(
        Transport::builder()
            .add_root_certificates_pem(authority.pem().as_bytes())
            .unwrap()
            .build()
            .into_service(),
    );
}
