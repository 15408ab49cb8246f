//! R12: an answer that breaks off, at any byte, is an error and never a short answer.

use bytes::Bytes;
use skyflow_http::{ErrorKind, HttpService, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{Answer, assert_kind, insert, send};

const LENGTH: usize = 1024;

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
    let (first, second) = body.split_at(300);
    let chunks: String =
        [first, second].iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n").into()
}

/// Sends one call per byte of `answer`, each answered with one byte more than the last.
async fn every_cut(answer: Bytes, reset: bool) -> (RawServer, Vec<Result<Answer, skyflow_http::Error>>) {
    let whole = answer.len();
    let server = RawServer::start(move |mut connection: Connection| {
        let cut = answer.slice(..connection.number() - 1);
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

async fn assert_only_the_whole_answer_is_one(answer: Bytes) {
    let expected = Answer { status: 200, text: body() };
    for reset in [false, true] {
        let (server, mut results) = every_cut(answer.clone(), reset).await;
        let last = results.pop().unwrap();
        for (length, result) in results.into_iter().enumerate() {
            match result {
                Ok(answer) => panic!("{length} bytes, reset {reset}: {answer:?}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Io, "{length} bytes, reset {reset}: {error:?}");
                    assert!(error.may_have_been_applied(), "{length} bytes, reset {reset}");
                }
            }
        }
        // After a reset the kernel may throw away what it has received, so only the orderly close has an answer.
        if !reset {
            assert_eq!(last.unwrap(), expected);
        }
        assert_eq!(server.requests().len(), server.connections(), "nothing was sent twice");
        assert_eq!(server.connections(), answer.len() + 1);
    }
}

#[tokio::test]
async fn rel_r12_every_cut_of_an_answer_with_a_length_is_an_error() {
    assert_only_the_whole_answer_is_one(with_length()).await;
}

#[tokio::test]
async fn rel_r12_every_cut_of_a_chunked_answer_is_an_error() {
    assert_only_the_whole_answer_is_one(chunked()).await;
}

/// Serves an answer that ends where the connection ends; `orderly` says whether TLS says so too.
async fn close_delimited(orderly: bool) -> Result<Answer, skyflow_http::Error> {
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
async fn rel_r12_an_answer_without_a_length_is_whole_only_when_tls_ends_in_good_order() {
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
async fn http2_cut(client: &HttpService, server: &RawServer) -> Result<Answer, skyflow_http::Error> {
    in_time(send(client, insert(&server.url("/"), "{}"))).await
}

#[tokio::test]
async fn rel_r12_every_cut_of_an_http_2_answer_is_an_error() {
    const BODY: &[u8] = &[b'x'; 200];
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
    // Preface, settings, headers and data together are the body and less than 200 bytes more.
    for _ in 0..2 * BODY.len() {
        match http2_cut(&client, &server).await {
            Ok(answer) => assert_eq!(answer.text.as_bytes(), BODY),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::Refused), "{error:?}");
                failures += 1;
            }
        }
    }
    assert!(failures >= BODY.len(), "{failures}");
    assert!(http2_cut(&client, &server).await.is_ok(), "the last of the servers may write everything");
}
