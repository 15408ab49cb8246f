//! R12: a response that is truncated at any byte is an error, never a shorter response.

use bytes::Bytes;
use skyflow_http::{ErrorKind, HttpService, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{FullResponse, assert_kind, insert, send};

const LENGTH: usize = 4096;

fn body() -> String {
    let row = "{\"token\":\"3989-2354-6523-4632\",\"value\":\"4111111111111111\"},";
    row.chars().cycle().take(LENGTH).collect()
}

fn with_length() -> Bytes {
    let body = body();
    format!("HTTP/1.1 200 OK\r\nx-request-id: req-1\r\ncontent-length: {LENGTH}\r\n\r\n{body}").into()
}

fn chunked() -> Bytes {
    let body = body();
    let (first, second) = body.split_at(1300);
    let chunks: String =
        [first, second].iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into()
}

/// Sends one call per byte of `response`, each with one more byte of it in return.
async fn every_cut(
    response: Bytes,
    reset: bool,
) -> (RawServer, Vec<Result<FullResponse, skyflow_http::Error>>) {
    let whole = response.len();
    let server = RawServer::start(move |mut connection: Connection| {
        let cut = response.slice(..connection.number() - 1);
        async move {
            connection.request().await;
            connection.send(cut).await;
            if reset {
                connection.reset();
            }
        }
    })
    .await
    .unwrap();
    let client = Transport::new().into_service();
    let mut results = Vec::new();
    for _ in 0..=whole {
        results.push(in_time(send(&client, insert(&server.url("/"), "{}"))).await);
    }
    (server, results)
}

async fn assert_only_complete_response_succeeds(response: Bytes) {
    let expected = FullResponse { status: 200, text: body() };
    for reset in [false, true] {
        let (server, mut results) = every_cut(response.clone(), reset).await;
        let last = results.pop().unwrap();
        for (length, result) in results.into_iter().enumerate() {
            match result {
                Ok(response) => panic!("{length} bytes, reset {reset}: {response:?}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Io, "{length} bytes, reset {reset}: {error:?}");
                    assert!(error.may_have_been_applied(), "{length} bytes, reset {reset}");
                }
            }
        }
        // After a reset the kernel may drop received bytes, so only the orderly close has a response.
        if !reset {
            assert_eq!(last.unwrap(), expected);
        }
        assert_eq!(server.requests().len(), server.connections(), "nothing was sent twice");
        assert_eq!(server.connections(), response.len() + 1);
    }
}

#[tokio::test]
async fn rel_r12_truncated_sized_body_is_an_error() {
    assert_only_complete_response_succeeds(with_length()).await;
}

#[tokio::test]
async fn rel_r12_truncated_chunked_body_is_an_error() {
    assert_only_complete_response_succeeds(chunked()).await;
}

/// Serves a response that ends with the connection; `orderly` sends the close notification of TLS.
async fn close_delimited(orderly: bool) -> Result<FullResponse, skyflow_http::Error> {
    let authority = Authority::new().unwrap();
    let server = RawServer::start_tls(
        authority.issue("127.0.0.1").unwrap().offering(&[]),
        move |mut connection: Connection| async move {
            connection.request().await;
            connection.send("HTTP/1.1 200 OK\r\n\r\n{\"records\":[]}").await;
            if orderly {
                connection.finish().await;
                connection.closed_by_client().await;
            }
        },
    )
    .await
    .unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    in_time(send(&client, insert(&server.url("/"), "{}"))).await
}

#[tokio::test]
async fn rel_r12_unsized_response_needs_close_notify() {
    assert_eq!(close_delimited(true).await.unwrap().text, "{\"records\":[]}");
    assert_kind(close_delimited(false).await, ErrorKind::Io);
}

/// Passes writes on until `left` bytes are used up, and then breaks the connection off.
mod cut_stream {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use skyflow_testkit::raw_server::Io;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    pub(crate) struct CutStream {
        pub(crate) io: Io,
        pub(crate) left: usize,
    }

    impl AsyncRead for CutStream {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_read(cx, buffer)
        }
    }

    impl AsyncWrite for CutStream {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let allowed = bytes.len().min(self.left);
            if allowed == 0 {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let written = Pin::new(&mut self.io).poll_write(cx, &bytes[..allowed]);
            if let Poll::Ready(Ok(written)) = written {
                self.left -= written;
            }
            written
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(cx)
        }
    }
}

/// One call over HTTP/2 whose server may write only so many bytes of frames.
async fn http2_cut(client: &HttpService, server: &RawServer) -> Result<FullResponse, skyflow_http::Error> {
    in_time(send(client, insert(&server.url("/"), "{}"))).await
}

#[tokio::test]
async fn rel_r12_truncated_http_2_body_is_an_error() {
    const BODY: &[u8] = &[b'x'; LENGTH];
    /// What preface, settings, headers and frames take at most.
    const FRAMES: usize = 300;
    let authority = Authority::new().unwrap();
    let tls = authority.issue("127.0.0.1").unwrap().offering(&["h2"]);
    let server = RawServer::start_tls(tls, |connection: Connection| async move {
        let left = connection.number();
        let stream = cut_stream::CutStream { io: connection.into_io(), left };
        let Ok(mut h2) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((_, mut respond))) = h2.accept().await {
            let Ok(mut body) = respond.send_response(http::Response::new(()), false) else { return };
            let _ = body.send_data(Bytes::from_static(BODY), true);
        }
    })
    .await
    .unwrap();
    let client = Transport::builder()
        .add_root_certificates_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .into_service();
    let mut failures = 0;
    for _ in 0..BODY.len() + FRAMES {
        match http2_cut(&client, &server).await {
            Ok(response) => assert_eq!(response.text.as_bytes(), BODY),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Refused), "{error:?}");
                failures += 1;
            }
        }
    }
    assert!(failures >= BODY.len(), "{failures}");
    assert!(http2_cut(&client, &server).await.is_ok(), "the last of the servers may write everything");
}
