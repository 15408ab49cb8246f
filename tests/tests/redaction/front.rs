//! TLS in front of the embedded vault, with HTTP/1.1 or HTTP/2, as a real vault has it.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{Body, HttpService, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::raw_server::{Connection, RawServer};

/// A TLS server that passes requests on to the embedded vault, and a transport that trusts it.
pub(crate) struct Front {
    pub(crate) server: RawServer,
    pub(crate) transport: HttpService,
}

impl Front {
    pub(crate) async fn start(vault: &EmbeddedVault, alpn: &[&str]) -> Self {
        let authority = Authority::new().unwrap();
        let service = HttpService::new(vault.service());
        let server = RawServer::start_tls(
            authority.issue("127.0.0.1").unwrap().offering(alpn),
            move |connection: Connection| {
                let service = service.clone();
                async move {
                    if connection.alpn() == Some(b"h2") {
                        http2(connection, service).await;
                    } else {
                        http1(connection, service).await;
                    }
                }
            },
        )
        .await
        .unwrap();
        let transport =
            Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap().build();
        Self { server, transport: transport.into_service() }
    }
}

async fn pass_on(service: &HttpService, head: Request<()>, body: Bytes) -> Option<(Response<()>, Bytes)> {
    let (parts, ()) = head.into_parts();
    let response = service.send(Request::from_parts(parts, Body::from(body))).await.ok()?;
    let (parts, body) = response.into_parts();
    Some((Response::from_parts(parts, ()), body.collect(usize::MAX).await.ok()?))
}

async fn http1(mut connection: Connection, service: HttpService) {
    while let Some(received) = connection.request().await {
        let mut head = Request::builder().method(received.method.as_str()).uri(&received.target);
        *head.headers_mut().unwrap() = received.headers;
        // A fault that breaks the connection breaks this one.
        let Some((response, body)) = pass_on(&service, head.body(()).unwrap(), received.body).await else {
            return;
        };
        let mut text = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", response.status(), body.len());
        text.extend(lines(response.headers()));
        connection.send(text + "\r\n").await;
        connection.send(body).await;
    }
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    headers
        .iter()
        .filter(|(name, _)| *name != "content-length")
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()))
        .collect()
}

async fn http2(connection: Connection, service: HttpService) {
    let Ok(mut h2) = h2::server::handshake(connection.into_io()).await else { return };
    while let Some(Ok((request, mut respond))) = h2.accept().await {
        let service = service.clone();
        tokio::spawn(async move {
            let (parts, mut stream) = request.into_parts();
            let mut body = Vec::new();
            while let Some(Ok(data)) = stream.data().await {
                body.extend_from_slice(&data);
                let _ = stream.flow_control().release_capacity(data.len());
            }
            match pass_on(&service, Request::from_parts(parts, ()), body.into()).await {
                Some((response, body)) => {
                    let mut stream = respond.send_response(response, false).unwrap();
                    let _ = stream.send_data(body, true);
                }
                None => respond.send_reset(h2::Reason::INTERNAL_ERROR),
            }
        });
    }
}
