//! A third party behind a connection.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use skyflow::http::{Body, BoxError, Error, ErrorKind, ManualClock, Request, Response};
use skyflow::{Connection, ConnectionConfig, Credentials, InvokeConnectionRequest, Skyflow, SkyflowBuilder};
use tower_service::Service;

pub(crate) const API_KEY: &str = "sky-ab123-0123456789abcdef0123456789abcdef";
pub(crate) const URL: &str = "https://c.gateway.skyflowapis.com/v1/gateway/outboundRoutes/o1/route";

/// What was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    pub(crate) is_stream: bool,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// What the third party does with one request.
#[derive(Clone)]
pub(crate) enum Step {
    Answer(u16, &'static [(&'static str, &'static str)], &'static [u8]),
    Fail(fn() -> Error),
}

pub(crate) const OK: Step = Step::Answer(200, &[("content-type", "application/json")], br#"{"ok":true}"#);
pub(crate) const BREAK: Step = Step::Fail(|| Error::new(ErrorKind::Io, None));
pub(crate) const NO_CONNECTION: Step = Step::Fail(|| Error::new(ErrorKind::Connect, None));

/// Follows its steps, and repeats the last one.
#[derive(Clone)]
pub(crate) struct ThirdParty {
    steps: Arc<Mutex<VecDeque<Step>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl ThirdParty {
    pub(crate) fn doing(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(Mutex::new(steps.into_iter().collect())), sent: Arc::default() }
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn builder(&self) -> SkyflowBuilder {
        Skyflow::builder()
            .credentials(Credentials::api_key(API_KEY).unwrap())
            .transport(self.clone())
            .clock(Arc::new(ManualClock::auto_advancing()))
    }

    pub(crate) fn at(&self, url: &str) -> Connection {
        let client = self.builder().connection(ConnectionConfig::new("c1", url)).build().unwrap();
        client.connection("c1").unwrap()
    }
}

/// Sends a request to a third party that agrees, and returns what it got.
pub(crate) async fn send(request: InvokeConnectionRequest) -> Sent {
    send_to(URL, request).await
}

pub(crate) async fn send_to(url: &str, request: InvokeConnectionRequest) -> Sent {
    let third_party = ThirdParty::doing([OK]);
    // A file is read while the call is under way, and time must not jump meanwhile.
    let builder = third_party.builder().clock(Arc::new(ManualClock::new()));
    let client = builder.connection(ConnectionConfig::new("c1", url)).build().unwrap();
    client.connection("c1").unwrap().invoke(request).await.unwrap();
    let mut sent = third_party.sent();
    assert_eq!(sent.len(), 1);
    sent.remove(0)
}

impl Service<Request> for ThirdParty {
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let is_stream = body.as_bytes().is_none();
            let body = body.collect(100_000_000).await?;
            this.sent.lock().unwrap().push(Sent {
                method: parts.method.to_string(),
                target: parts.uri.path_and_query().unwrap().to_string(),
                host: parts.uri.host().unwrap().to_owned(),
                headers: parts.headers,
                is_stream,
                body,
            });
            let mut steps = this.steps.lock().unwrap();
            let step = if steps.len() > 1 { steps.pop_front() } else { steps.front().cloned() };
            match step.unwrap() {
                Step::Fail(error) => Err(error().into()),
                Step::Answer(status, headers, body) => {
                    let mut answer = http::Response::builder().status(status).header("x-request-id", "req-1");
                    for (name, value) in headers {
                        answer = answer.header(*name, *value);
                    }
                    Ok(answer.body(Body::from(Bytes::from_static(body)))?)
                }
            }
        })
    }
}
