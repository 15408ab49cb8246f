//! Every request, as its bindings send it and as the document describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;
use skyflow_api::Request;

use crate::document::{Document, Expected, Fill};
use crate::sample::{ANY_JSON, Filling, Make};
use crate::{GENERATED_ONCE, MANAGEMENT_DOCUMENT, SAME, VAULT_DOCUMENT, management_host, vault_hosts};

/// The documents of the vault hosts and of the management host.
static DOCUMENTS: LazyLock<[Document; 2]> =
    LazyLock::new(|| [VAULT_DOCUMENT, MANAGEMENT_DOCUMENT].map(|text| Document::parse(text, SAME)));

/// Sends every operation with one filling.
fn for_each_request(fill: Fill, check: impl Fn(&str, &Request, &Expected)) {
    let mut checked = 0;
    for (document, requests) in DOCUMENTS.iter().zip([vault_hosts::REQUESTS, management_host::REQUESTS]) {
        let made: BTreeMap<&str, Make> = requests.iter().copied().collect();
        for (name, expected) in document.requests(fill) {
            let Some(make) = made.get(name) else {
                assert!(GENERATED_ONCE.contains(&name), "{name} has no binding");
                continue;
            };
            let request = make(&Filling::new(fill)).unwrap();
            check(name, &request, &expected);
            checked += 1;
        }
    }
    assert_eq!(checked, 203);
}

/// Members that are numbers in the bindings and whole numbers in the document: clients send fractions.
const WIDENED: [&str; 1] = ["bleep_gain"];

/// Compares a value with the one of the document. A member may be any JSON where the bindings leave it to the caller.
fn is_sent(sent: &Value, expected: &Value) -> bool {
    match (sent, expected) {
        (Value::String(text), _) if text == ANY_JSON => true,
        (Value::Object(sent), Value::Object(expected)) => {
            sent.keys().eq(expected.keys())
                && sent.iter().zip(expected).all(|((name, sent), (_, expected))| {
                    is_sent(sent, expected) || (WIDENED.contains(&name.as_str()) && sent.is_f64())
                })
        }
        (Value::Array(sent), Value::Array(expected)) => {
            sent.len() == expected.len()
                && sent.iter().zip(expected).all(|(sent, expected)| is_sent(sent, expected))
        }
        _ => sent == expected,
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.replace("%5B", "[").replace("%5D", "]"), value.replace("%3D", "="))
        })
        .collect();
    pairs.sort();
    pairs
}

/// The names of the parts of a form.
fn parts(body: &str) -> BTreeSet<&str> {
    body.split("; name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn compare(name: &str, request: &Request, expected: &Expected) {
    assert_eq!(request.method().as_str(), expected.method, "{name}");
    assert_eq!(request.uri().path(), expected.path, "{name}");
    assert_eq!(pairs(request.uri().query().unwrap_or_default()), expected.query, "{name}");
    let body = request.body().as_bytes().unwrap();
    let text = std::str::from_utf8(body).unwrap();
    let media_type = request.headers().get("content-type").map(|value| value.to_str().unwrap());
    let Some((expected_type, content)) = &expected.body else {
        assert_eq!((media_type, text), (None, ""), "{name}");
        return;
    };
    assert_eq!(media_type.and_then(|found| found.split(';').next()), Some(expected_type.as_str()), "{name}");
    match expected_type.as_str() {
        "application/json" => {
            let sent: Value = serde_json::from_str(text).unwrap();
            assert!(is_sent(&sent, content), "{name}\n sent {sent}\n want {content}");
        }
        "multipart/form-data" => {
            let names: BTreeSet<_> = content.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(parts(text), names, "{name}");
        }
        other => panic!("{name} sends {other}"),
    }
}

#[test]
fn every_member_of_a_request_is_sent() {
    for_each_request(Fill::All(0), compare);
}

#[test]
fn absent_members_of_a_request_are_not_sent() {
    for_each_request(Fill::Required, compare);
}

#[test]
fn every_enum_value_of_a_request_is_sent() {
    let most =
        [VAULT_DOCUMENT, MANAGEMENT_DOCUMENT].map(|text| Document::parse(text, SAME).most_enum_values());
    for at in 1..most.into_iter().max().unwrap() {
        for_each_request(Fill::All(at), compare);
    }
}

#[test]
fn an_unknown_enum_value_of_a_request_is_sent() {
    for_each_request(Fill::UnknownValues, compare);
}

#[test]
fn numbers_beyond_all_bounds_are_sent() {
    // The bindings leave bounds to the facade and the server.
    for_each_request(Fill::Beyond, |name, request, _| {
        let text = std::str::from_utf8(request.body().as_bytes().unwrap()).unwrap();
        assert!(!text.contains("null"), "{name}: {text}");
    });
}
