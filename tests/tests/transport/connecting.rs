use std::sync::Arc;
use std::time::Duration;

use skyflow_http::{ErrorKind, ManualClock, Transport};
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, send};

#[tokio::test]
async fn refused_connection_proves_nothing_was_sent() {
    let nobody = ClosedPort::new().unwrap();
    let address = nobody.address();
    let client = Transport::new().into_service();
    for scheme in ["http", "https"] {
        let result = in_time(send(&client, insert(&format!("{scheme}://{address}/"), "{}"))).await;
        assert_kind(result, ErrorKind::Connect);
    }
}

#[tokio::test]
async fn unresolvable_name_proves_nothing_was_sent() {
    // A label of more than 63 characters: no resolver asks the network about it.
    let host = "a".repeat(64);
    let client = Transport::new().into_service();
    let result = in_time(send(&client, insert(&format!("https://{host}/"), "{}"))).await;
    assert_kind(result, ErrorKind::Connect);
}

#[tokio::test]
async fn target_without_scheme_or_host_is_an_error() {
    let client = Transport::new().into_service();
    for target in ["/v1/vaults", "*", "vault.example:443"] {
        let error = in_time(send(&client, get(target))).await.unwrap_err();
        assert!(!error.may_have_been_applied(), "{target}: {error:?}");
    }
}

#[tokio::test]
async fn rel_r07_stalled_tls_ends_with_connect_timeout() {
    let server = RawServer::start_broken_tls(|mut connection: Connection| async move {
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let clock = ManualClock::new();
    let client = Transport::builder().clock(Arc::new(clock.clone())).build().into_service();
    let call = {
        let url = server.url("/");
        tokio::spawn(async move { send(&client, insert(&url, "{}")).await })
    };
    until(|| server.connections() == 1 && clock.sleepers() == 1).await;
    assert_eq!(clock.slept(), [Duration::from_millis(3_100)]);
    clock.advance(Duration::from_millis(3_099));
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    clock.advance(Duration::from_millis(1));
    assert_kind(in_time(call).await.unwrap(), ErrorKind::Connect);
}

#[tokio::test]
async fn rel_r07_the_connect_timeout_can_be_set() {
    let server = RawServer::start_broken_tls(|mut connection: Connection| async move {
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let clock = ManualClock::auto_advancing();
    let client = Transport::builder()
        .clock(Arc::new(clock.clone()))
        .connect_timeout(Duration::from_millis(250))
        .build()
        .into_service();
    assert_kind(in_time(send(&client, get(&server.url("/")))).await, ErrorKind::Connect);
    assert_eq!(clock.slept(), [Duration::from_millis(250)]);
}

/// An address whose SYNs are dropped, because its queue of connections is full.
#[cfg(target_os = "linux")]
struct BlackHole {
    listener: std::net::TcpListener,
    queued: Vec<std::net::TcpStream>,
}

#[cfg(target_os = "linux")]
impl BlackHole {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut queued = Vec::new();
        // The queue has its default length; the first connection that does not fit into it is never established.
        while let Ok(stream) =
            std::net::TcpStream::connect_timeout(&listener.local_addr().unwrap(), Duration::from_millis(200))
        {
            queued.push(stream);
        }
        Self { listener, queued }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rel_r07_black_holed_syn_ends_after_3_seconds() {
    let hole = tokio::task::spawn_blocking(BlackHole::new).await.unwrap();
    assert!(!hole.queued.is_empty());
    let clock = ManualClock::new();
    let client = Transport::builder().clock(Arc::new(clock.clone())).build().into_service();
    let url = format!("http://{}/", hole.listener.local_addr().unwrap());
    let call = tokio::spawn(async move { send(&client, insert(&url, "{}")).await });
    until(|| clock.sleepers() == 1).await;
    clock.advance(Duration::from_millis(3_099));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!call.is_finished());
    clock.advance(Duration::from_millis(1));
    assert_kind(in_time(call).await.unwrap(), ErrorKind::Connect);
}

#[tokio::test]
async fn slow_handshake_does_not_delay_other_servers() {
    let stuck = RawServer::start_broken_tls(|mut connection: Connection| async move {
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let healthy = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let clock = ManualClock::new();
    let client = Transport::builder().clock(Arc::new(clock)).build().into_service();
    let waiting = {
        let (client, url) = (client.clone(), stuck.url("/"));
        tokio::spawn(async move { send(&client, get(&url)).await })
    };
    until(|| stuck.connections() == 1).await;
    assert_eq!(in_time(send(&client, get(&healthy.url("/")))).await.unwrap().status, 200);
    assert!(!waiting.is_finished());
    waiting.abort();
}
