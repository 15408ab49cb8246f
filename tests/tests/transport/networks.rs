//! Trust, client certificates, versions, resolvers and connectors of the caller's own.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Uri, Version};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use skyflow_http::{
    ErrorKind, HttpService, HttpVersions, ManualClock, TlsError, Transport, TransportBuilder,
};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_testkit::{Authority, Identity};
use skyflow_tests::calls::{assert_kind, get, insert, send};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Serves whichever protocol the handshake agreed on.
async fn serve(mut connection: Connection) {
    if connection.alpn() == Some(b"h2") {
        let Ok(mut h2) = h2::server::handshake(connection.into_io()).await else { return };
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            let _ = respond.send_response(http::Response::new(()), true);
        }
    } else {
        while connection.request().await.is_some() {
            connection.send(OK).await;
        }
    }
}

fn trusting(authority: &Authority) -> TransportBuilder {
    Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap()
}

async fn start(identity: Identity) -> RawServer {
    RawServer::start_tls(identity, serve).await.unwrap()
}

async fn status(client: &HttpService, server: &RawServer) -> Result<u16, skyflow_http::Error> {
    in_time(send(client, insert(&server.url("/"), "{}"))).await.map(|response| response.status)
}

#[tokio::test]
async fn client_certificate_is_shown_on_request() {
    let (servers, clients, others) =
        (Authority::new().unwrap(), Authority::new().unwrap(), Authority::new().unwrap());
    let (chain, key) = clients.issue_client("acme").unwrap();
    let (other_chain, other_key) = others.issue_client("mallory").unwrap();
    for protocol in ["http/1.1", "h2"] {
        let identity = servers.issue("127.0.0.1").unwrap().requiring_clients_of(&clients).unwrap();
        let server = start(identity.offering(&[protocol])).await;
        let known = trusting(&servers).client_certificate_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(status(&known.build().into_service(), &server).await.unwrap(), 200);
        // One text may hold both.
        let both = [chain.as_str(), key.as_str()].concat();
        let known = trusting(&servers).client_certificate_pem(both.as_bytes(), both.as_bytes()).unwrap();
        assert_eq!(status(&known.build().into_service(), &server).await.unwrap(), 200);

        let none = trusting(&servers).build().into_service();
        assert_kind(status(&none, &server).await, ErrorKind::Tls);
        let other = trusting(&servers).client_certificate_pem(other_chain.as_bytes(), other_key.as_bytes());
        assert_kind(status(&other.unwrap().build().into_service(), &server).await, ErrorKind::Tls);
        assert_eq!(server.requests().len(), if protocol == "h2" { 0 } else { 2 });
    }
    // A server that asks for none gets none, and the connection works.
    let server = start(servers.issue("127.0.0.1").unwrap()).await;
    let known = trusting(&servers).client_certificate_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(status(&known.build().into_service(), &server).await.unwrap(), 200);
}

#[test]
fn client_certificates_are_checked_at_once() {
    let authority = Authority::new().unwrap();
    let (chain, key) = authority.issue_client("acme").unwrap();
    let (_, other_key) = authority.issue_client("other").unwrap();
    let set = |chain: &str, key: &str| {
        Transport::builder().client_certificate_pem(chain.as_bytes(), key.as_bytes()).map(drop)
    };
    set(&chain, &key).unwrap();
    assert!(matches!(set("", &key), Err(TlsError::NoCertificate)));
    assert!(matches!(set(&key, &key), Err(TlsError::NoCertificate)));
    assert!(matches!(set(&chain, ""), Err(TlsError::NoClientKey)));
    assert!(matches!(set(&chain, &chain), Err(TlsError::NoClientKey)));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(set(&chain, encrypted), Err(TlsError::NoClientKey)));
    let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(matches!(set(&chain, broken), Err(TlsError::BrokenClientKey)));
    assert!(matches!(set(&chain, &other_key), Err(TlsError::KeyMismatch)));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(set(broken, &key), Err(TlsError::BrokenCertificate)));
    let builder = Transport::builder().client_certificate_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!format!("{builder:?}").contains(secret));
}

#[tokio::test]
async fn replaced_roots_are_the_only_ones() {
    let (kept, added, other) =
        (Authority::new().unwrap(), Authority::new().unwrap(), Authority::new().unwrap());
    let client =
        trusting(&added).only_root_certificates_pem(kept.pem().as_bytes()).unwrap().build().into_service();
    for (authority, is_trusted) in [(&kept, true), (&added, true), (&other, false)] {
        let server = start(authority.issue("127.0.0.1").unwrap()).await;
        assert_eq!(status(&client, &server).await.is_ok(), is_trusted);
    }
    assert!(matches!(Transport::builder().only_root_certificates_pem(b"none"), Err(TlsError::NoCertificate)));
}

#[tokio::test]
async fn tls_1_3_can_be_required() {
    let authority = Authority::new().unwrap();
    let old = start(authority.issue("127.0.0.1").unwrap().tls12_only().unwrap()).await;
    let new = start(authority.issue("127.0.0.1").unwrap()).await;
    let any = trusting(&authority).build().into_service();
    let only = trusting(&authority).tls13_only().unwrap().build().into_service();
    assert_eq!(status(&any, &old).await.unwrap(), 200);
    assert_eq!(status(&only, &new).await.unwrap(), 200);
    assert_kind(status(&only, &old).await, ErrorKind::Tls);
    assert_eq!(old.requests().len(), 1);
}

#[tokio::test]
async fn versions_of_http_can_be_limited() {
    let authority = Authority::new().unwrap();
    let one = HttpVersions::Http1;
    let two = HttpVersions::Http2;
    let any = HttpVersions::Any;
    for (versions, offered, expected) in [
        (any, &["h2", "http/1.1"][..], Some(Version::HTTP_2)),
        (one, &["h2", "http/1.1"], Some(Version::HTTP_11)),
        (two, &["http/1.1", "h2"], Some(Version::HTTP_2)),
        (one, &["h2"], None),
        (two, &["http/1.1"], None),
        (one, &[], Some(Version::HTTP_11)),
        (two, &[], None),
    ] {
        let server = start(authority.issue("127.0.0.1").unwrap().offering(offered)).await;
        let client = trusting(&authority).http_versions(versions).build().into_service();
        let response = in_time(client.send(insert(&server.url("/"), "{}"))).await;
        match expected {
            Some(version) => assert_eq!(response.unwrap().version(), version, "{versions:?} {offered:?}"),
            None => {
                let error = skyflow_tests::calls::typed(response.unwrap_err());
                assert_eq!(error.kind(), ErrorKind::Tls, "{versions:?} {offered:?}: {error:?}");
                assert!(!error.may_have_been_applied());
                assert_eq!(server.requests().len(), 0);
            }
        }
    }
}

#[tokio::test]
async fn plain_http_2_needs_prior_knowledge() {
    let server = RawServer::start(|connection: Connection| async move {
        let Ok(mut h2) = h2::server::handshake(connection.into_io()).await else { return };
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            let _ = respond.send_response(http::Response::new(()), true);
        }
    })
    .await
    .unwrap();
    let client = Transport::builder().http_versions(HttpVersions::Http2).build().into_service();
    let response = in_time(client.send(get(&server.url("/")))).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
}

#[tokio::test]
async fn own_tls_configuration_is_used_whole() {
    let authority = Authority::new().unwrap();
    let config = || {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    };
    let server = start(authority.issue("127.0.0.1").unwrap().offering(&["h2", "http/1.1"])).await;
    let client = Transport::builder().tls_config(config()).unwrap().build().into_service();
    assert_eq!(in_time(client.send(get(&server.url("/")))).await.unwrap().version(), Version::HTTP_2);
    // A list of protocols of its own stays.
    let mut http1 = config();
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Transport::builder().tls_config(http1).unwrap().build().into_service();
    assert_eq!(in_time(client.send(get(&server.url("/")))).await.unwrap().version(), Version::HTTP_11);
    let old = start(authority.issue("127.0.0.1").unwrap().tls12_only().unwrap()).await;
    assert_kind(status(&client, &old).await, ErrorKind::Tls);

    let (chain, key) = authority.issue_client("acme").unwrap();
    let contradictions = [
        trusting(&authority).tls_config(config()).map(drop),
        Transport::builder().tls13_only().unwrap().tls_config(config()).map(drop),
        Transport::builder()
            .client_certificate_pem(chain.as_bytes(), key.as_bytes())
            .unwrap()
            .tls_config(config())
            .map(drop),
        Transport::builder().tls_config(config()).unwrap().tls13_only().map(drop),
        Transport::builder()
            .tls_config(config())
            .unwrap()
            .add_root_certificates_pem(authority.pem().as_bytes())
            .map(drop),
        Transport::builder()
            .tls_config(config())
            .unwrap()
            .client_certificate_pem(chain.as_bytes(), key.as_bytes())
            .map(drop),
    ];
    for result in contradictions {
        assert!(matches!(result, Err(TlsError::Contradiction(_))), "{result:?}");
    }
}

#[tokio::test]
async fn own_connector_replaces_tcp() {
    let authority = Authority::new().unwrap();
    for (protocols, version) in [(&["h2"][..], Version::HTTP_2), (&["http/1.1"], Version::HTTP_11)] {
        let server = start(authority.issue("vault.example").unwrap().offering(protocols)).await;
        let (address, asked) = (server.address(), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&asked);
        let connector = tower::service_fn(move |uri: Uri| {
            log.lock().unwrap().push(uri.to_string());
            async move {
                // Not a TCP stream any more: a pipe in front of one.
                let (client, mut pipe) = tokio::io::duplex(16 * 1024);
                let mut tcp = tokio::net::TcpStream::connect(address).await?;
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut pipe, &mut tcp).await });
                Ok::<_, std::io::Error>(client)
            }
        });
        let client = trusting(&authority).connector(connector).build().into_service();
        for body in ["{}".to_owned(), "x".repeat(300_000)] {
            let call = insert("https://vault.example/", body);
            assert_eq!(in_time(client.send(call)).await.unwrap().version(), version);
        }
        assert_eq!(*asked.lock().unwrap(), ["https://vault.example/"], "the connection is reused");
    }

    let failing =
        tower::service_fn(|_: Uri| async { Err::<tokio::io::DuplexStream, _>("the tunnel is down") });
    let client = Transport::builder().connector(failing).build().into_service();
    assert_kind(in_time(send(&client, insert("http://127.0.0.1:1/", "{}"))).await, ErrorKind::Connect);
}

/// A transport whose names resolve to these addresses, one list after the other.
fn resolving(
    lists: Vec<Vec<SocketAddr>>,
    clock: &ManualClock,
) -> (HttpService, Arc<Mutex<VecDeque<Vec<SocketAddr>>>>) {
    let lists = Arc::new(Mutex::new(VecDeque::from(lists)));
    let left = Arc::clone(&lists);
    let transport = Transport::builder()
        .resolver(move |name| {
            assert_eq!(name, "vault.example");
            let list = left.lock().unwrap().pop_front();
            async move { list.ok_or_else(|| std::io::Error::other("no list is left")) }
        })
        .clock(Arc::new(clock.clone()));
    (transport.build().into_service(), lists)
}

#[tokio::test]
async fn rel_r23_dns_change_is_noticed_after_idle_time() {
    let clock = ManualClock::new();
    let (old, new) = (RawServer::start(serve).await.unwrap(), RawServer::start(serve).await.unwrap());
    // The port is that of the URL, so the second server is another address with the same port.
    let port = old.address().port();
    let second = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    drop(new);
    let served = tokio::spawn(async move {
        let (mut tcp, _) = second.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let _ = tokio::io::AsyncReadExt::read(&mut tcp, &mut head).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut tcp, OK.as_bytes()).await.unwrap();
        tcp
    });
    let address = |last| SocketAddr::from(([127, 0, 0, last], 0));
    let (client, lists) = resolving(vec![vec![address(1)], vec![address(2)]], &clock);
    let url = format!("http://vault.example:{port}/");
    for _ in 0..2 {
        in_time(send(&client, get(&url))).await.unwrap();
    }
    assert_eq!(lists.lock().unwrap().len(), 1, "a connection in use keeps its address");
    clock.advance(Duration::from_secs(31));
    assert_eq!(in_time(send(&client, get(&url))).await.unwrap().text, "ok");
    assert!(lists.lock().unwrap().is_empty());
    assert_eq!(old.requests().len(), 2);
    in_time(served).await.unwrap();
}

#[tokio::test]
async fn each_address_of_a_name_is_tried() {
    let server = RawServer::start(serve).await.unwrap();
    let port = server.address().port();
    let url = format!("http://vault.example:{port}/");
    let good = SocketAddr::from(([127, 0, 0, 1], 0));
    // Refused at once: another IP version, and another address of the same one.
    for refused in ["[::1]:0", "127.0.0.77:0"] {
        let clock = ManualClock::new();
        let (client, _) = resolving(vec![vec![refused.parse().unwrap(), good]], &clock);
        assert_eq!(in_time(send(&client, get(&url))).await.unwrap().text, "ok", "{refused}");
    }
    let clock = ManualClock::new();
    let (client, _) = resolving(vec![vec!["127.0.0.77:0".parse().unwrap()], vec![]], &clock);
    for is_unresolved in [false, true] {
        let error = assert_kind(in_time(send(&client, insert(&url, "{}"))).await, ErrorKind::Connect);
        assert_eq!(error.is_unresolved(), is_unresolved);
    }
}
