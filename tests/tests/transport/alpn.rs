use http::Version;
use skyflow_http::{HttpService, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{get, insert};

/// Serves whichever protocol the handshake agreed on.
async fn serve(mut connection: Connection) {
    if connection.alpn() == Some(b"h2") {
        let mut h2 = h2::server::handshake(connection.into_io()).await.unwrap();
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            respond.send_response(http::Response::new(()), true).unwrap();
        }
    } else {
        while connection.request().await.is_some() {
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    }
}

async fn version(client: &HttpService, server: &RawServer) -> Version {
    in_time(client.send(get(&server.url("/")))).await.unwrap().version()
}

#[tokio::test]
async fn server_selects_protocol_http_2_preferred() {
    let authority = Authority::new().unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1", "h2"], Version::HTTP_11),
        (&["h2"], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let server = RawServer::start_tls(authority.issue("127.0.0.1").unwrap().offering(offered), serve)
            .await
            .unwrap();
        assert_eq!(version(&client, &server).await, chosen, "{offered:?}");
        assert_eq!(version(&client, &server).await, chosen, "{offered:?}, over the same connection");
        assert_eq!(server.connections(), 1, "{offered:?}");
    }
}

#[tokio::test]
async fn loopback_uses_http_1_1_with_a_host_header() {
    let server = RawServer::repeating("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let client = Transport::new().into_service();
    in_time(client.send(insert(&server.url("/v1/vaults/v?a=b"), "{}"))).await.unwrap();
    let received = server.requests().remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/v1/vaults/v?a=b"));
    assert_eq!(received.headers["host"], server.address().to_string());
    assert_eq!(received.headers["content-length"], "2");
    assert_eq!(received.body, "{}");
}
