//! The recorded requests, with the ids and tokens of the vault at hand.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, header};
use serde::Deserialize;
use serde_json::Value;
use skyflow_http::Body;

/// One recorded call.
#[derive(Deserialize)]
pub(crate) struct Trace {
    pub(crate) case: String,
    pub(crate) sdk: String,
    pub(crate) requests: Vec<Recorded>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct Recorded {
    method: String,
    path: String,
    query: String,
    headers: serde_json::Map<String, Value>,
    body: RecordedBody,
}

#[derive(Deserialize, Clone)]
struct RecordedBody {
    kind: String,
    raw: Option<String>,
    value: Option<Value>,
    text: Option<String>,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize, Clone)]
struct Part {
    headers: Vec<String>,
    content: Content,
}

#[derive(Deserialize, Clone)]
struct Content {
    text: Option<String>,
    base64_prefix: Option<String>,
}

/// A request that can be sent, and changed before.
#[derive(Clone, Debug)]
pub(crate) struct Sendable {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

/// Reads the recordings of both SDKs.
pub(crate) fn traces() -> Vec<Trace> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut traces = Vec::new();
    for folder in ["traces", "traces-node"] {
        let mut files: Vec<_> =
            std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        traces.extend(files.iter().map(|file| {
            // What the SDKs returned may hold numbers that JSON does not have; it is not read here.
            let text =
                std::fs::read_to_string(file).unwrap().replace("Infinity", "null").replace("NaN", "null");
            serde_json::from_str::<Trace>(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        }));
    }
    traces
}

impl Recorded {
    /// Tells whether it is a call of a connection.
    pub(crate) fn is_connection(&self) -> bool {
        !self.path.starts_with("/v1/") && !self.path.starts_with("/v2/")
    }

    /// Tells whether it asks for the state of a run.
    pub(crate) fn is_poll(&self) -> bool {
        self.path.starts_with("/v1/detect/runs/")
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Returns the claims of the assertion that a token request carries.
    pub(crate) fn claims(&self) -> Option<&Value> {
        self.body.value.as_ref()?.pointer("/assertion/jwt_claims")
    }

    pub(crate) fn scope(&self) -> Option<&Value> {
        self.body.value.as_ref()?.get("scope")
    }

    /// Writes the request as it was sent; `put` replaces what differs from vault to vault.
    pub(crate) fn sendable(&self, put: &dyn Fn(&str) -> String) -> Sendable {
        let content_type = self.headers.get("content-type").and_then(Value::as_str).unwrap_or_default();
        let body = match self.body.kind.as_str() {
            "multipart" => self.form(content_type, put),
            "empty" => Vec::new(),
            _ => {
                let text = self.body.raw.clone().or_else(|| self.body.text.clone());
                let text = text.or_else(|| self.body.value.as_ref().map(Value::to_string));
                put(&text.unwrap_or_default()).into_bytes()
            }
        };
        let path = match self.is_connection() {
            true => format!("/v1/gateway/outboundRoutes{}", self.path),
            false => put(&self.path),
        };
        Sendable {
            method: self.method.clone(),
            path,
            query: put(&self.query),
            content_type: content_type.to_owned(),
            body,
        }
    }

    fn form(&self, content_type: &str, put: &dyn Fn(&str) -> String) -> Vec<u8> {
        let boundary = content_type.split("boundary=").nth(1).unwrap().trim_matches('"');
        let mut body = Vec::new();
        for part in &self.body.parts {
            body.extend(format!("--{boundary}\r\n{}\r\n\r\n", part.headers.join("\r\n")).bytes());
            match (&part.content.text, &part.content.base64_prefix) {
                (Some(text), _) => body.extend(put(text).bytes()),
                // Only the beginning of a binary file was recorded.
                (None, Some(prefix)) => {
                    body.extend(STANDARD.decode(&prefix[..prefix.len() / 4 * 4]).unwrap())
                }
                (None, None) => {}
            }
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        body
    }
}

impl Sendable {
    /// Builds the request, with the API key wherever a token belongs; `None` when no HTTP request can be built.
    pub(crate) fn request(&self, api_key: &str) -> Option<Request<Body>> {
        let uri =
            if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let mut request = Request::builder()
            .method(self.method.parse::<Method>().ok()?)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {api_key}"))
            .header("x-skyflow-authorization", api_key);
        if !self.content_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, &self.content_type);
        }
        request.body(Body::from(self.body.clone())).ok()
    }
}
