use crate::exact::{Exact, Members};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};

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
    let mut headers = Members::new();
    for (name, value) in &outgoing.headers {
        headers.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into());
    }
    let text = String::from_utf8_lossy(&outgoing.body);
    let told = Exact::Object(Members::from_iter([
        ("method".to_owned(), outgoing.method.as_str().into()),
        ("path".to_owned(), outgoing.target.path().into()),
        ("query".to_owned(), outgoing.target.query().unwrap_or_default().into()),
        ("headers".to_owned(), Exact::Object(headers)),
        ("body".to_owned(), Exact::parse(&text).unwrap_or_else(|| text.as_ref().into())),
    ]));
    let asked =
        outgoing.headers.get("x-echo-status").and_then(|value| StatusCode::from_bytes(value.as_bytes()).ok());
    let json = HeaderValue::from_static("application/json");
    Incoming {
        status: asked.unwrap_or(StatusCode::OK),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        body: told.to_string().into(),
    }
}
