//! Layers and client over services whose bodies are not this crate's, such as an ordinary hyper client.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use skyflow_http::auth::{AccessToken, AuthHeader, AuthLayer, Cached, HostGuard, TokenProvider, provider_fn};
use skyflow_http::layers::OperationTraceLayer;
use skyflow_http::rest::{
    Client, DecodeError, EncodeError, Error, ErrorBody, FilePart, Multipart, Operation, runtime,
};
use skyflow_http::{BaseUri, Body, Clock, Idempotency, ManualClock, OperationInfo, Request, RequestTarget};
use skyflow_testkit::Output;
use tower::ServiceExt;
use tower_layer::Layer;

/// Serves these responses, one a connection, and returns the heads of the requests.
fn serve(responses: Vec<String>) -> (BaseUri, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = BaseUri::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for response in responses {
            let (mut socket, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !request.windows(4).any(|bytes| bytes == b"body") {
                let read = socket.read(&mut buffer).unwrap();
                request.extend(buffer.iter().take(read));
            }
            socket.write_all(response.as_bytes()).unwrap();
            requests.push(String::from_utf8(request).unwrap());
        }
        requests
    });
    (base, server)
}

fn response(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\nx-request-id: r-7\r\ncontent-length: 2\r\n\r\n{{}}")
}

/// Mints `token-1`, `token-2` and so on.
fn minting() -> impl TokenProvider {
    let minted = Arc::new(Mutex::new(0));
    Cached::new(provider_fn(move || {
        *minted.lock().unwrap() += 1;
        let token = format!("token-{}", minted.lock().unwrap());
        async move { Ok(AccessToken::new(token)?) }
    }))
}

fn auth(tokens: Arc<dyn TokenProvider>, base: &BaseUri) -> AuthLayer {
    AuthLayer::new(tokens, AuthHeader::bearer(), HostGuard::new(base.clone()))
}

fn hyper() -> HyperClient<HttpConnector, Full<Bytes>> {
    HyperClient::builder(TokioExecutor::new()).build_http()
}

#[derive(Debug)]
struct NoBody;

impl ErrorBody for NoBody {
    fn read(_: StatusCode, _: &HeaderMap, _: &Bytes) -> Self {
        Self
    }

    fn message(&self) -> Option<&str> {
        None
    }
}

/// Uploads a file from memory, or one that is streamed.
struct Upload {
    streams: bool,
}

impl Operation for Upload {
    type Output = serde_json::Value;
    type Error = NoBody;
    const INFO: OperationInfo = OperationInfo::new("files.upload", "/files", Idempotency::NonIdempotent);

    fn encode(self) -> Result<Request, EncodeError> {
        let content = if self.streams { Body::new(Full::from("body")) } else { Body::from("body") };
        let form = Multipart::new().file("file", FilePart::new(content));
        runtime::encode_form(Method::POST, RequestTarget::new().literal("/files"), form)
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<Self::Output, DecodeError> {
        runtime::decode_json(body)
    }
}

#[tokio::test]
async fn a_hyper_client_gets_its_replay_after_a_401() {
    let (base, server) = serve(vec![response("401 Unauthorized"), response("200 OK")]);
    let service = auth(Arc::new(minting()), &base).layer(hyper());
    let client = Client::new(service, base);
    let done = client.send(Upload { streams: false }).await.unwrap();
    assert_eq!((done.status, done.body), (StatusCode::OK, serde_json::json!({})));
    let requests = server.join().unwrap();
    assert!(requests[0].contains("authorization: Bearer token-1\r\n"), "{}", requests[0]);
    assert!(requests[1].contains("authorization: Bearer token-2\r\n"), "{}", requests[1]);
    assert!(requests.iter().all(|request| request.contains("body")));
}

#[tokio::test]
async fn streams_are_refused_by_bodies_in_memory() {
    let client = Client::new(hyper(), BaseUri::parse("http://127.0.0.1:1").unwrap());
    let error = client.send(Upload { streams: true }).await.unwrap_err();
    assert!(matches!(error, Error::Encode(EncodeError::Stream)), "{error:?}");
}

/// A body that cannot be copied.
struct Once(Option<Bytes>);

impl http_body::Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_copied_is_sent_once() {
    let (base, server) = serve(vec![response("401 Unauthorized")]);
    let tokens = Arc::new(minting());
    let before = tokens.token().await.unwrap();
    let hyper: HyperClient<_, Once> = HyperClient::builder(TokioExecutor::new()).build_http();
    let service = auth(tokens.clone(), &base).layer(hyper);
    let uri = format!("{}/x", base.origin());
    let request = http::Request::post(uri).body(Once(Some(Bytes::from_static(b"body")))).unwrap();
    let refused = service.oneshot(request).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.join().unwrap().len(), 1);
    assert!(!tokens.token().await.unwrap().is_same(&before), "the rejected token is not used again");
}

#[tokio::test]
async fn the_trace_layer_alone_logs_a_whole_line() {
    let output = Output::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(output.writer())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let clock = ManualClock::new();
    let statuses = Arc::new(Mutex::new(vec![StatusCode::OK, StatusCode::UNAUTHORIZED]));
    let slow = clock.clone();
    let service = tower::service_fn(move |request: http::Request<String>| {
        slow.advance(Duration::from_millis(7));
        let mut response = http::Response::new(Full::new(Bytes::from(request.into_body())));
        *response.status_mut() = statuses.lock().unwrap().pop().unwrap();
        response.headers_mut().insert("x-request-id", http::HeaderValue::from_static("r-7"));
        async { Ok::<_, Infallible>(response) }
    });
    let base = BaseUri::parse("https://api.acme.example").unwrap();
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let service = OperationTraceLayer::new(clock).layer(auth(Arc::new(minting()), &base).layer(service));
    let request = http::Request::put("https://api.acme.example/secret").body("body".to_owned()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "body");

    let log = output.text();
    let line = log.lines().find(|line| line.contains("finished")).unwrap();
    for shown in [
        "client.operation",
        "PUT",
        "api.acme.example",
        "status_code=200",
        "request_id=r-7",
        "attempts=2",
        "elapsed_ms=14",
    ] {
        assert!(line.contains(shown), "{shown} is not in {line}");
    }
    assert!(!log.contains("secret"), "a path may hold values");
}
