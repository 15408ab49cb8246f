//! The vault on a port, and its faults.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode};
use serde_json::json;
use skyflow_emulator::{EmbeddedVault, Fault, Operation, ServeError};
use skyflow_http::{Body, ErrorKind, ManualClock};
use support::{Client, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::ServiceExt;

/// Sends one request over a socket and reads until the server closes it.
async fn raw(vault: &EmbeddedVault, addr: std::net::SocketAddr, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "POST /v1/vaults/{}/table1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        vault.vault_id(),
        vault.api_key().expose(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    // A server that breaks the connection may do so with a reset.
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8_lossy(&response).into_owned()
}

const INSERT: &str = r#"{"records": [{"fields": {"name": "x"}}]}"#;

#[tokio::test]
async fn server_responds_on_loopback_until_shutdown() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    assert!(server.addr().ip().is_loopback());
    assert!(server.base_url().starts_with("http://127.0.0.1:"));
    assert!(server.credentials_json().expose().contains(&server.token_uri()));
    let response = raw(&vault, server.addr(), INSERT).await;
    assert!(
        response.starts_with("HTTP/1.1 200 OK\r\n") && response.contains("\r\nx-request-id: "),
        "{response}"
    );

    let addr = server.addr();
    server.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn dropping_the_server_stops_it() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let addr = server.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    drop(server);
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
    // The port is free again: another server can take it.
    let again = vault.serve().bind(addr).await.unwrap();
    assert_eq!(again.addr(), addr);
}

#[tokio::test]
async fn reachable_addresses_need_permission() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let refused = vault.serve().bind((Ipv4Addr::UNSPECIFIED, 0)).await;
    assert!(matches!(refused, Err(ServeError::NotLoopback { .. })));
    vault.serve().bind((Ipv4Addr::UNSPECIFIED, 0)).allow_remote().await.unwrap();
}

#[tokio::test]
async fn fault_closes_connection_before_or_after_work() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    vault.inject(Fault::close_before_response().times(1));
    vault.inject(Fault::commit_then_close().times(1));
    assert_eq!(raw(&vault, server.addr(), INSERT).await, "");
    let records =
        || async { Client::new(&vault).get("/table1").await.ok()["records"].as_array().unwrap().len() };
    vault.inject(Fault::status(StatusCode::IM_A_TEAPOT).operation(Operation::RecordsUpdate));
    assert_eq!(raw(&vault, server.addr(), INSERT).await, "");
    assert_eq!(records().await, 1);
    let last = vault.journal().into_iter().rev().nth(1).unwrap();
    assert_eq!((last.status, last.fault, last.records), (None, Some("commit_then_close"), 0));
}

#[tokio::test]
async fn fault_truncates_a_response() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    vault.inject(Fault::truncate_body().times(1));
    let response = raw(&vault, server.addr(), INSERT).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let length: usize =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert!(body.len() < length, "{} of {length}", body.len());
}

#[tokio::test]
async fn in_process_close_may_have_been_applied() {
    let vault = EmbeddedVault::builder().build().unwrap();
    vault.inject(Fault::close_before_response().times(1));
    let error = vault.service().oneshot(Request::new(Body::empty())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.may_have_been_applied());

    vault.inject(Fault::truncate_body().times(1));
    let response = vault.service().oneshot(Request::new(Body::empty())).await.unwrap();
    assert!(response.into_body().collect(1 << 20).await.is_err());
}

#[tokio::test]
async fn faults_change_the_response_as_scripted() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = Client::new(&vault);
    for (fault, status, content_type) in [
        (Fault::html_502(), 502, "text/html"),
        (Fault::empty_body(), 200, "application/json"),
        (Fault::bad_json(), 200, "application/json"),
        (Fault::wrong_shape(), 200, "application/json"),
        (Fault::status(StatusCode::SERVICE_UNAVAILABLE).body("text/plain", "busy"), 503, "text/plain"),
    ] {
        vault.inject(fault.times(1));
        let response = client.get("/table1").await;
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(response.headers["content-type"], content_type);
        assert!(response.body.get("records").is_none());
        assert_eq!(response.headers["x-request-id"].len(), 36);
    }
    vault.inject(
        Fault::status(StatusCode::TOO_MANY_REQUESTS)
            .retry_after("7")
            .nth(2)
            .operation(Operation::RecordsList),
    );
    client.get("/table1").await.ok();
    let busy = client.get("/table1").await;
    assert_eq!((busy.error(429), &busy.headers["retry-after"]), ("Too Many Requests", &"7".parse().unwrap()));
    assert_eq!(busy.body["error"]["grpc_code"], 8);
    client.get("/table1").await.ok();

    vault.inject(Fault::html_502().without_request_id());
    assert!(client.get("/table1").await.headers.get("x-request-id").is_none());
    vault.clear_faults();
    client.get("/table1").await.ok();
}

#[tokio::test]
async fn a_request_can_ask_for_its_own_fault() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let with = |fault: &str| Request::get("/").header("x-emulator-fault", fault).body(Body::empty()).unwrap();
    let response = send(&vault, with("status=503; retry-after=1")).await;
    assert_eq!((response.status.as_u16(), response.headers["retry-after"].to_str().unwrap()), (503, "1"));
    send(&vault, with("nonsense")).await.error(400);
}

#[tokio::test]
async fn latency_waits_on_the_clock_of_the_vault() {
    let clock = ManualClock::auto_advancing();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    vault.inject(Fault::latency(Duration::from_secs(90)));
    Client::new(&vault).get("/table1").await.ok();
    assert_eq!(clock.slept(), [Duration::from_secs(90)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_lets_an_open_request_end() {
    let clock = ManualClock::new();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let server = vault.serve().await.unwrap();
    vault.inject(Fault::latency(Duration::from_secs(5)).times(1));
    let request = tokio::spawn({
        let (vault, addr) = (vault.clone(), server.addr());
        async move { raw(&vault, addr, INSERT).await }
    });
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    let stopping = tokio::spawn(server.shutdown());
    while clock.sleepers() < 2 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(5));
    assert!(request.await.unwrap().starts_with("HTTP/1.1 200"));
    stopping.await.unwrap();
}

#[tokio::test]
async fn large_bodies_pass_through_the_socket() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let records: Vec<_> = (0..2000).map(|n| json!({"fields": {"name": format!("n{n}")}})).collect();
    let body = json!({"records": records, "tokenization": true}).to_string();
    let response = raw(&vault, server.addr(), &body).await;
    assert!(response.starts_with("HTTP/1.1 200"));
    assert_eq!(vault.journal()[0].records, 2000);
}

/// Sends one request over TLS, trusting the given certificate.
async fn over_tls(
    addr: std::net::SocketAddr,
    name: &'static str,
    ca_pem: &str,
    request: &str,
) -> std::io::Result<String> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(addr).await?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name.try_into().unwrap(), stream).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

#[tokio::test]
async fn tls_serves_each_name_to_trusting_clients() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedVault::builder().data_file(folder.path().join("v.db")).build().unwrap();
    let vault = open();
    let server = vault.serve_tls().await.unwrap();
    assert!(server.base_url().starts_with("https://127.0.0.1:"));
    let ca = server.ca_pem().unwrap().to_owned();
    let request = format!(
        "GET /local.vault.skyflowapis.com/v1/vaults/{}/table1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        vault.vault_id(),
        vault.api_key().expose()
    );
    for name in ["localhost", "127.0.0.1", "abc.vault.skyflowapis.com", "manage.skyflowapis-preview.com"] {
        let response = over_tls(server.addr(), name, &ca, &request).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{name}: {response}");
    }
    assert!(over_tls(server.addr(), "example.com", &ca, &request).await.is_err());
    let stranger = EmbeddedVault::builder().build().unwrap().serve_tls().await.unwrap();
    assert!(over_tls(server.addr(), "localhost", stranger.ca_pem().unwrap(), &request).await.is_err());

    server.shutdown().await;
    drop(vault);
    let again = open().serve_tls().await.unwrap();
    assert_eq!(again.ca_pem().unwrap(), ca, "the authority is kept with the data");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_halfway_is_given_up() {
    let clock = ManualClock::new();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let server = vault.serve().await.unwrap();
    for head in
        ["content-length: 100\r\n\r\n{\"records\"", "transfer-encoding: chunked\r\n\r\n5\r\n{\"rec\r\n"]
    {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        let request = format!(
            "POST /v1/vaults/{}/table1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{head}",
            vault.vault_id(),
            vault.api_key().expose()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(10));
        let mut response = [0; 512];
        let length = stream.read(&mut response).await.unwrap();
        let response = String::from_utf8_lossy(&response[..length]);
        assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    }
}

#[tokio::test]
async fn tls_offers_http2_unless_told_otherwise() {
    use skyflow_http::Transport;
    let vault = EmbeddedVault::builder().build().unwrap();
    let both = vault.serve_tls().await.unwrap();
    let one = vault.serve_tls().http1_only().await.unwrap();
    for (server, version) in [(&both, http::Version::HTTP_2), (&one, http::Version::HTTP_11)] {
        let ca = server.ca_pem().unwrap();
        let client =
            Transport::builder().add_root_certificates_pem(ca.as_bytes()).unwrap().build().into_service();
        for _ in 0..2 {
            let uri = format!("{}/v1/vaults/{}/table1", server.base_url(), vault.vault_id());
            let request = Request::get(uri)
                .header("authorization", format!("Bearer {}", vault.api_key().expose()))
                .body(Body::empty())
                .unwrap();
            let response = client.send(request).await.unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (200, version));
        }
    }
    both.shutdown().await;
    one.shutdown().await;
}
