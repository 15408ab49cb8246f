//! Samples that Skyflow publishes beside its API descriptions, as cases: responses are read and lose nothing, requests are
//! sent as shown. Shapes, names and spellings are the published ones; ids, names and texts are our own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the report")]

mod data;
mod detect;
mod flow;
mod management;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;
use skyflow_api::Operation;

/// Reads a response; `source` says where the sample is published.
#[track_caller]
fn read<O: Operation>(source: &str, body: &Value) -> O::Output {
    let body = Bytes::from(body.to_string());
    O::decode(StatusCode::OK, &HeaderMap::new(), &body).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// Asserts that a response is read and every member of it is kept.
#[track_caller]
fn keeps<O: Operation<Output: Serialize>>(source: &str, body: &Value) {
    reads_as::<O>(source, body, body);
}

/// Asserts that a response in another spelling is read as `expected`.
#[track_caller]
fn reads_as<O: Operation<Output: Serialize>>(source: &str, body: &Value, expected: &Value) {
    let kept = serde_json::to_value(read::<O>(source, body)).unwrap();
    assert_eq!(without_empty(&kept), without_empty(expected), "{source}");
}

/// Leaves out what reads as absent: null, and lists without elements.
fn without_empty(value: &Value) -> Value {
    let is_kept = |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| is_kept(value))
                .map(|(name, value)| (name.clone(), without_empty(value)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

/// Asserts that an operation is sent to `target` with this body.
#[track_caller]
fn sends<O: Operation>(source: &str, operation: O, target: &str, body: &Value) {
    let request = operation.encode().unwrap_or_else(|error| panic!("{source}: {error}"));
    let path = request.uri().path_and_query().unwrap().as_str();
    assert_eq!(format!("{} {path}", request.method()), target, "{source}");
    let sent: Value = match request.body().as_bytes() {
        Some(bytes) if !bytes.is_empty() => serde_json::from_slice(bytes).unwrap(),
        _ => Value::Null,
    };
    assert_eq!(sent, *body, "{source}");
}
