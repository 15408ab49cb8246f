use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// Headers of one hop, and those that are meant for the vault.
const NOT_FORWARDED: [HeaderName; 13] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-skyflow-authorization"),
    HeaderName::from_static("sky-metadata"),
    HeaderName::from_static("x-emulator-fault"),
];

/// A message on its way to a target.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The response of a target.
pub(super) struct Incoming {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Keeps the headers that pass from one hop to the next.
pub(super) fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in NOT_FORWARDED {
        kept.remove(name);
    }
    kept
}

/// The target inside the vault: it tells what it was sent, with the status that the header `x-echo-status` asks for.
pub(super) fn echo(outgoing: &Outgoing) -> Incoming {
    let mut headers = Map::new();
    for (name, value) in &outgoing.headers {
        headers.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into());
    }
    let body = match serde_json::from_slice::<Value>(&outgoing.body) {
        Ok(json) => json,
        Err(_) => String::from_utf8_lossy(&outgoing.body).into(),
    };
    let told = json!({
        "method": outgoing.method.as_str(),
        "path": outgoing.target.path(),
        "query": outgoing.target.query().unwrap_or_default(),
        "headers": headers,
        "body": body,
    });
    let asked =
        outgoing.headers.get("x-echo-status").and_then(|value| StatusCode::from_bytes(value.as_bytes()).ok());
    let json = HeaderValue::from_static("application/json");
    Incoming {
        status: asked.unwrap_or(StatusCode::OK),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        body: told.to_string().into(),
    }
}
