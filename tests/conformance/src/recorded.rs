//! Requests of this SDK for which the official one has no counterpart, because it refuses the call or writes another
//! one: recorded, reviewed, and compared since.
//!
//! `cargo run -p skyflow-conformance -- --record` writes them again; review the diff.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::{fs, io};

use crate::json::Json;
use crate::lab::Sent;
use crate::trace::{Call, Trace};
use crate::wire;

/// Requests by the call that makes them.
type Requests = BTreeMap<String, Json>;

/// Says how the first request of a call differs from the recorded one. A call without a recorded request passes here: its
/// outcome is judged, and [`problems`] knows which calls must have one.
pub fn holds(trace: &Trace, call: &Call, sent: &Sent) -> Result<(), String> {
    let (key, sent) = (key(trace, call), described(sent));
    let differs = known().get(&key).filter(|recorded| **recorded != sent);
    let problem = differs.map(|recorded| format!("recorded {recorded}, sent {sent}"));
    seen().insert(key, sent);
    problem.map_or(Ok(()), Err)
}

/// What makes two calls the same.
fn key(trace: &Trace, call: &Call) -> String {
    let parts = [("op", Json::text(&call.op)), ("args", call.args.clone()), ("config", trace.config.clone())];
    Json::object(parts).to_string()
}

/// A request without its headers: the recordings of the official SDK show those.
fn described(sent: &Sent) -> Json {
    let texts = |texts: Vec<String>| Json::List(texts.into_iter().map(Json::Text).collect());
    let query = wire::pairs(&sent.query).into_iter().map(|(name, value)| texts(vec![name, value]));
    Json::object([
        ("method", Json::text(&sent.method)),
        ("origin", Json::text(format!("{}://{}", sent.scheme, sent.host))),
        ("path", texts(wire::segments(&sent.path))),
        ("query", Json::List(query.collect())),
        ("body", body(sent)),
    ])
}

/// A form is its parts: its boundary is another one each time.
fn body(sent: &Sent) -> Json {
    let content_type =
        sent.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = |bytes: &[u8]| Json::text(String::from_utf8_lossy(bytes));
    match wire::form(content_type, &sent.body) {
        Some(parts) => Json::List(
            parts
                .into_iter()
                .map(|part| {
                    Json::object([
                        ("name", Json::text(part.name)),
                        ("file_name", Json::text_or_null(part.file_name)),
                        ("content_type", Json::text_or_null(part.content_type)),
                        ("content", text(&part.content)),
                    ])
                })
                .collect(),
        ),
        None => text(&sent.body),
    }
}

fn known() -> &'static Requests {
    static KNOWN: OnceLock<Requests> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let lines = include_str!("../recorded/requests.jsonl").lines();
        let pairs = lines.filter_map(|line| Json::parse(line).ok());
        pairs.map(|pair| (pair.get("call").to_string(), pair.get("request").clone())).collect()
    })
}

/// The requests that this run of the program has compared.
fn seen() -> MutexGuard<'static, Requests> {
    static SEEN: Mutex<Requests> = Mutex::new(Requests::new());
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Names the calls whose request is not recorded or another one, and the recorded ones that no call has made, after all
/// recordings were replayed.
pub fn problems() -> Vec<String> {
    let seen = seen();
    let missing = seen.keys().filter(|call| !known().contains_key(*call));
    let unused = known().keys().filter(|call| !seen.contains_key(*call));
    let missing = missing.map(|call| format!("the request of {call} is not recorded"));
    let changed = seen.iter().filter(|(call, sent)| known().get(*call).is_some_and(|known| known != *sent));
    let changed =
        changed.map(|(call, sent)| format!("the recorded request of {call} is another one, not {sent}"));
    missing
        .chain(changed)
        .chain(unused.map(|call| format!("the recorded request of {call} is not made")))
        .collect()
}

/// Writes the requests of this run in place of the recorded ones.
///
/// # Errors
///
/// Fails when the file cannot be written.
pub fn write() -> io::Result<()> {
    let mut lines = String::new();
    for (call, request) in &*seen() {
        lines.push_str(&format!("{{\"call\":{call},\"request\":{request}}}\n"));
    }
    fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/recorded/requests.jsonl"), lines)
}
