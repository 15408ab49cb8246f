use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use skyflow_http::{ErrorKind, HttpService, Transport};
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_testkit::{Authority, Identity};
use skyflow_tests::calls::{assert_kind, get, insert, send};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn trusting(authority: &Authority) -> HttpService {
    Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap().build().into_service()
}

async fn respond_once(mut connection: Connection) {
    connection.request().await;
    connection.send(OK).await;
    connection.finish().await;
}

/// A number of seconds since 1970.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Asserts that a call over this TLS server fails as untrusted, and that no request arrives.
async fn assert_untrusted(client: &HttpService, identity: Identity) {
    let server = RawServer::start_tls(identity, respond_once).await.unwrap();
    let result = in_time(send(client, insert(&server.url("/"), "4111111111111111"))).await;
    assert_kind(result, ErrorKind::Tls);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn rel_s03_added_private_authority_is_trusted() {
    let authority = Authority::new().unwrap();
    let server = RawServer::start_tls(authority.issue("127.0.0.1").unwrap().offering(&[]), respond_once)
        .await
        .unwrap();
    let response = in_time(send(&trusting(&authority), get(&server.url("/")))).await.unwrap();
    assert_eq!((response.status, response.text.as_str()), (200, "ok"));
}

#[tokio::test]
async fn rel_s03_several_authorities_are_trusted() {
    let authorities = [Authority::new().unwrap(), Authority::new().unwrap(), Authority::new().unwrap()];
    let both = [authorities[0].pem(), authorities[1].pem()].concat();
    let client = Transport::builder()
        .add_root_certificates_pem(both.as_bytes())
        .unwrap()
        .add_root_certificates_pem(authorities[2].pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    for authority in &authorities {
        let server = RawServer::start_tls(authority.issue("127.0.0.1").unwrap().offering(&[]), respond_once)
            .await
            .unwrap();
        assert_eq!(in_time(send(&client, get(&server.url("/")))).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn rel_s01_unknown_authority_is_refused() {
    let (known, unknown) = (Authority::new().unwrap(), Authority::new().unwrap());
    assert_untrusted(&trusting(&known), unknown.issue("127.0.0.1").unwrap()).await;
    assert_untrusted(&Transport::new().into_service(), unknown.issue("127.0.0.1").unwrap()).await;
}

#[tokio::test]
async fn rel_s01_self_signed_certificate_is_refused() {
    assert_untrusted(&trusting(&Authority::new().unwrap()), Identity::self_signed("127.0.0.1").unwrap())
        .await;
}

#[tokio::test]
async fn rel_s01_certificate_outside_dates_is_refused() {
    let authority = Authority::new().unwrap();
    assert_untrusted(&trusting(&authority), authority.issue_valid("127.0.0.1", at(0)..at(1)).unwrap()).await;
    assert_untrusted(
        &trusting(&authority),
        authority.issue_valid("127.0.0.1", at(64_000_000_000)..at(65_000_000_000)).unwrap(),
    )
    .await;
}

#[tokio::test]
async fn rel_s01_certificate_of_other_host_is_refused() {
    let authority = Authority::new().unwrap();
    let client = trusting(&authority);
    for host in ["127.0.0.2", "vault.example", "*.example", "localhost"] {
        assert_untrusted(&client, authority.issue(host).unwrap()).await;
    }
}

/// Asserts that the message of a failed handshake names server and reason, and returns it.
async fn reason(client: &HttpService, server: &RawServer) -> String {
    let error = in_time(send(client, get(&server.url("/")))).await.unwrap_err();
    let message = error.to_string();
    assert!(message.contains(&server.address().to_string()), "{message}");
    message
}

#[tokio::test]
async fn tls_message_says_why_and_what_to_do() {
    let (known, unknown) = (Authority::new().unwrap(), Authority::new().unwrap());
    let client = trusting(&known);
    for (identity, parts) in [
        (known.issue_valid("127.0.0.1", at(0)..at(1)).unwrap(), ["expired on Thu, 01 Jan 1970", "clock"]),
        (
            known.issue_valid("127.0.0.1", at(64_000_000_000)..at(65_000_000_000)).unwrap(),
            ["is not valid before", "clock"],
        ),
        (known.issue("vault.example").unwrap(), ["is for vault.example", "check the host name"]),
        (known.issue("127.0.0.2").unwrap(), ["is for 127.0.0.2", "check the host name"]),
        (unknown.issue("127.0.0.1").unwrap(), ["intermediate certificate", "add_root_certificates_pem"]),
    ] {
        let server = RawServer::start_tls(identity, respond_once).await.unwrap();
        let message = reason(&client, &server).await;
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    for (response, part) in [
        (OK.as_bytes().to_vec(), "does not speak TLS"),
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), "does not speak TLS"),
        (vec![21, 3, 1, 0, 2, 2, 70], "neither TLS 1.2 nor TLS 1.3"),
        (server_hello(0x0302, 0xc02f), "neither TLS 1.2 nor TLS 1.3"),
        (vec![21, 3, 3, 0, 2, 2, 116], "requires a client certificate"),
        (vec![21, 3, 3, 0, 2, 2, 40], "client certificate"),
    ] {
        let server = RawServer::start_broken_tls(move |mut connection: Connection| {
            let response = response.clone();
            async move {
                connection.first_bytes().await;
                if !response.is_empty() {
                    connection.send(response).await;
                    connection.closed_by_client().await;
                }
            }
        })
        .await
        .unwrap();
        let message = reason(&client, &server).await;
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A `ServerHello` that chooses this version and cipher suite, and nothing more.
fn server_hello(version: u16, cipher_suite: u16) -> Vec<u8> {
    let mut hello = version.to_be_bytes().to_vec();
    hello.extend([7; 32]); // random
    hello.push(0); // no session id
    hello.extend(cipher_suite.to_be_bytes());
    hello.push(0); // no compression
    let mut record = vec![22];
    record.extend(version.to_be_bytes());
    record.extend((hello.len() as u16 + 4).to_be_bytes());
    record.extend([2, 0, 0, hello.len() as u8]);
    record.extend(hello);
    record
}

#[tokio::test]
async fn rel_s01_old_tls_and_weak_suites_are_refused() {
    const ECDHE_RSA_AES_128_CBC_SHA: u16 = 0xc013;
    const RSA_AES_128_GCM_SHA256: u16 = 0x009c;
    const RSA_RC4_128_SHA: u16 = 0x0005;
    const ECDHE_RSA_AES_128_GCM_SHA256: u16 = 0xc02f;
    let rows = [
        ("TLS 1.1", server_hello(0x0302, ECDHE_RSA_AES_128_CBC_SHA)),
        ("TLS 1.0", server_hello(0x0301, ECDHE_RSA_AES_128_CBC_SHA)),
        ("SSL 3", server_hello(0x0300, RSA_RC4_128_SHA)),
        ("no forward secrecy", server_hello(0x0303, RSA_AES_128_GCM_SHA256)),
        ("CBC", server_hello(0x0303, ECDHE_RSA_AES_128_CBC_SHA)),
        // Offered by us with TLS 1.2, so that only the version is wrong.
        ("TLS 1.1 with a suite of TLS 1.2", server_hello(0x0302, ECDHE_RSA_AES_128_GCM_SHA256)),
        ("alert: protocol version", vec![21, 3, 1, 0, 2, 2, 70]),
        ("alert: handshake failure", vec![21, 3, 3, 0, 2, 2, 40]),
        ("plain HTTP", OK.into()),
        ("an SSH banner", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
    ];
    let client = Transport::new().into_service();
    for (name, response) in rows {
        let server = RawServer::start_broken_tls(move |mut connection: Connection| {
            let response = response.clone();
            async move {
                connection.first_bytes().await;
                connection.send(response).await;
                connection.closed_by_client().await;
            }
        })
        .await
        .unwrap();
        let result = in_time(send(&client, insert(&server.url("/"), "4111111111111111"))).await;
        let error = result.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Tls, "{name}: {error:?}");
        assert!(!error.may_have_been_applied(), "{name}");
    }
}

#[tokio::test]
async fn server_lost_in_the_handshake_got_nothing() {
    for reset in [false, true] {
        let server = RawServer::start_broken_tls(move |mut connection: Connection| async move {
            connection.first_bytes().await;
            if reset {
                connection.reset();
            }
        })
        .await
        .unwrap();
        let client = Transport::new().into_service();
        let result = in_time(send(&client, insert(&server.url("/"), "4111111111111111"))).await;
        assert_kind(result, ErrorKind::Connect);
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn rel_s02_request_is_not_visible_on_the_wire() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = RawServer::start_broken_tls({
        let seen = Arc::clone(&seen);
        move |mut connection: Connection| {
            let seen = Arc::clone(&seen);
            async move {
                while let Some(bytes) = connection.first_bytes().await {
                    seen.lock().unwrap().extend_from_slice(&bytes);
                    connection.send("no TLS here").await;
                }
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    in_time(send(&client, insert(&server.url("/"), "4111111111111111"))).await.unwrap_err();
    until(|| !seen.lock().unwrap().is_empty()).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen[..2], [22, 3], "a TLS handshake record comes first");
    assert!(!seen.windows(4).any(|four| four == b"4111" || four == b"POST"));
}
