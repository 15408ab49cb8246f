//! A vault of one line per answer.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use serde_json::{Value, json};
use skyflow::http::{Body, BoxError, ManualClock, Request, Response};
use skyflow::{Credentials, Detect, Skyflow, Vault, VaultConfig};
use tower_service::Service;

pub(crate) const API_KEY: &str = "sky-ab123-0123456789abcdef0123456789abcdef";

/// What was sent: method, path with query, `authorization`, body.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) token: String,
    pub(crate) body: Value,
}

/// Answers in order, and repeats the last answer.
#[derive(Clone, Default)]
pub(crate) struct Server {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Server {
    pub(crate) fn answering(answers: &[(u16, Value)]) -> Self {
        let server = Self::default();
        server
            .answers
            .lock()
            .unwrap()
            .extend(answers.iter().map(|(status, body)| (*status, body.to_string())));
        server
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn client(&self, config: VaultConfig) -> Skyflow {
        self.client_at(config, &ManualClock::auto_advancing())
    }

    pub(crate) fn client_at(&self, config: VaultConfig, clock: &ManualClock) -> Skyflow {
        let credentials = Credentials::api_key(API_KEY).unwrap();
        Skyflow::builder()
            .vault(config)
            .credentials(credentials)
            .transport(self.clone())
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap()
    }

    pub(crate) fn vault(&self) -> Vault {
        self.client(VaultConfig::new("v1", "cluster")).default_vault().unwrap()
    }

    pub(crate) fn detect(&self) -> Detect {
        self.vault().detect()
    }

    pub(crate) fn detect_at(&self, clock: &ManualClock) -> Detect {
        self.client_at(VaultConfig::new("v1", "cluster"), clock).default_detect().unwrap()
    }
}

impl Service<Request> for Server {
    type Response = Response;
    type Error = BoxError;
    type Future = Ready<Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let body = request.body().as_bytes().and_then(|bytes| serde_json::from_slice(bytes).ok());
        self.sent.lock().unwrap().push(Sent {
            method: request.method().to_string(),
            target: request.uri().path_and_query().unwrap().to_string(),
            host: request.uri().host().unwrap().to_owned(),
            token: request.headers()["authorization"].to_str().unwrap().to_owned(),
            body: body.unwrap_or(Value::Null),
        });
        let mut answers = self.answers.lock().unwrap();
        let (status, body) = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
            .unwrap_or_else(|| (500, json!({"error": "nothing more to say"}).to_string()));
        let answer = http::Response::builder().status(status).header("x-request-id", "req-1");
        ready(Ok(answer.header("content-type", "application/json").body(Body::from(body)).unwrap()))
    }
}
