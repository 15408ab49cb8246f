//! An invented second product on this crate: nothing that it sends, logs or reports names another product. It has a
//! separate binary, like every test that listens to call sites.

#![cfg(feature = "transport")]
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use skyflow_http::auth::{
    AccessToken, AuthHeader, AuthLayer, Cached, HostGuard, Refusal, Scheme, TokenError, provider_fn,
};
use skyflow_http::layers::MetadataLayer;
use skyflow_http::rest::{
    Client, DecodeError, EncodeError, Error, ErrorBody, FilePart, Multipart, Operation, runtime,
};
use skyflow_http::{
    BaseUri, Body, ErrorKind, HttpService, Idempotency, LogControl, ManualClock, OperationInfo, Request,
    RequestTarget, Stack, Transport,
};
use skyflow_testkit::{Output, Reply, Scripted};
use tracing_subscriber::fmt::format::FmtSpan;

const KEY: HeaderName = HeaderName::from_static("x-acme-key");

#[derive(Debug)]
struct AcmeError {
    code: Option<String>,
    message: Option<String>,
}

impl ErrorBody for AcmeError {
    fn read(_: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let json = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
        let text = |key: &str| json.get(key).and_then(|value| value.as_str()).map(ToOwned::to_owned);
        Self { code: text("code"), message: text("detail").or_else(|| runtime::plain_text(headers, body)) }
    }

    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

/// Uploads a widget as a form.
struct PutWidget(&'static str);

impl Operation for PutWidget {
    type Output = String;
    type Error = AcmeError;
    const INFO: OperationInfo = OperationInfo::new("widgets.put", "/widgets/{name}", Idempotency::Unknown);

    fn encode(self) -> Result<Request, EncodeError> {
        let target = RequestTarget::new().literal("/widgets/").segment("name", self.0)?;
        let form = Multipart::new().text("colour", "red").file("plan", FilePart::new("…"));
        runtime::encode_form(http::Method::POST, target, form)
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<String, DecodeError> {
        runtime::decode_json(body)
    }
}

fn header() -> AuthHeader {
    AuthHeader::new(KEY, Scheme::named("Acme").unwrap()).refusal(|_| Refusal::BeforeActing)
}

/// Puts the product's stack over a transport.
fn client(transport: HttpService, base: &str, tokens_fail: bool) -> Client<HttpService> {
    on_clock(ManualClock::auto_advancing(), transport, base, tokens_fail)
}

fn on_clock(
    clock: ManualClock,
    transport: HttpService,
    base: &str,
    tokens_fail: bool,
) -> Client<HttpService> {
    let clock = Arc::new(clock);
    let log = LogControl::default().product_name("acme");
    let minted = Arc::new(Mutex::new(0));
    let provider = provider_fn(move || {
        *minted.lock().unwrap() += 1;
        let token = format!("token-{}", minted.lock().unwrap());
        async move {
            if tokens_fail {
                Err(TokenError::unavailable("acme is closed"))
            } else {
                Ok(AccessToken::new(token)?)
            }
        }
    });
    let tokens = Cached::with_clock(provider, clock.clone()).log_control(log.clone());
    let base = BaseUri::parse(base).unwrap();
    let auth = AuthLayer::new(Arc::new(tokens), header(), HostGuard::new(base.clone()));
    let metadata = MetadataLayer::new("acme-client/1").unwrap().reserve([KEY]);
    let stack = Stack::new(clock).log_control(log).metadata(metadata).refusal(|_| Refusal::BeforeActing);
    Client::new(stack.auth(auth).build(transport), base)
}

/// Sends an operation and writes down how it ended.
async fn send(client: &Client<HttpService>, name: &'static str, output: &Output) -> Option<Error<AcmeError>> {
    match client.send(PutWidget(name)).await {
        Ok(response) => output.note(format!("{response:?}")),
        Err(error) => {
            output.note_error(&error);
            return Some(error);
        }
    }
    None
}

/// Responds in memory with the statuses, one after the other, and writes down each request.
fn in_memory(statuses: &[u16], body: &'static str, output: &Output) -> HttpService {
    let (statuses, output) = (Mutex::new(statuses.to_vec()), output.clone());
    let server = Scripted::from_fn(move |request| {
        for (name, value) in &request.headers {
            output.note(format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        output.note(request.uri.to_string());
        output.note(&request.body);
        Reply::status(statuses.lock().unwrap().remove(0)).body(body)
    });
    server.service()
}

/// Serves one connection on loopback and returns what came in.
fn on_loopback(response: &'static str) -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
        while !request.ends_with(b"--\r\n") {
            let read = socket.read(&mut buffer).unwrap();
            request.extend(buffer.iter().take(read));
        }
        socket.write_all(response.as_bytes()).unwrap();
        request
    });
    (base, server)
}

#[tokio::test]
async fn a_second_product_never_names_the_first() {
    let output = Output::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(output.writer())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    const BASE: &str = "https://api.acme.example";
    let replayed = client(in_memory(&[401, 200], r#""done""#, &output), BASE, false);
    assert!(send(&replayed, "a", &output).await.is_none());
    let refused =
        client(in_memory(&[400], r#"{"code":"E7","detail":"no such widget"}"#, &output), BASE, false);
    let error = send(&refused, "b", &output).await.unwrap();
    let Error::Api(error) = error else { panic!("{error:?}") };
    assert_eq!((error.error.code.as_deref(), error.message.as_str()), (Some("E7"), "no such widget"));
    for (statuses, body, name) in [
        (&[200][..], "{}", "misshapen"),
        (&[200], "<html>", "page"),
        (&[503, 503, 503, 503], "closed", "down"),
        (&[429, 200], r#""later""#, "throttled"),
        (&[], "", ".."),
    ] {
        send(&client(in_memory(statuses, body, &output), BASE, false), name, &output).await;
    }
    let unreachable = Scripted::new([Reply::fails(ErrorKind::Connect)]).service();
    assert!(send(&client(unreachable, BASE, false), "f", &output).await.is_some());
    let no_token = client(in_memory(&[], "", &output), BASE, true);
    assert!(send(&no_token, "c", &output).await.is_some());
    let elsewhere = http::Request::get("https://evil.example/").body(Body::empty()).unwrap();
    output.note_error(&*no_token.service().send(elsewhere).await.unwrap_err());

    let (base, server) =
        on_loopback("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nx-request-id: r-1\r\n\r\n\"done\"");
    // The clock does not move: no time limit passes while the loopback works.
    let over_http = on_clock(ManualClock::new(), Transport::new().into_service(), &base, false);
    assert!(send(&over_http, "d", &output).await.is_none());
    output.note(server.join().unwrap());
    let gone = client(Transport::new().into_service(), &base, false);
    assert!(send(&gone, "e", &output).await.is_some());
    output.note(format!("{:?} {:?} {:?}", header(), over_http, AccessToken::new("a b")));

    let text = output.text();
    for shown in [
        "client.operation",
        "client.attempt",
        "product=\"acme\"",
        "rest_client",
        "x-acme-key: Acme token-2",
        "user-agent: acme-client/1",
        "boundary=",
        "got a new token",
        "no new token",
        "replaying",
        "retrying",
        "POST /widgets/d HTTP/1.1",
    ] {
        assert!(text.contains(shown), "{shown} is missing, so the scan proves nothing:\n{text}");
    }
    let found = text.lines().find(|line| line.to_ascii_lowercase().contains("skyflow"));
    assert_eq!(found, None);
}
