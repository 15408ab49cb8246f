use fastrand::Rng;
use http::StatusCode;
use serde_json::{Map, Value, json};
use skyflow_http::{Clock, SystemClock};
use std::time::Duration;

use crate::requests::{Sendable, traces};
use crate::support::{Response, send};
use crate::vault::Place;

const SEED: u64 = 0x5eed_0001;
const MUTATIONS: usize = 20_000;
/// Far more than any request takes, and little enough to notice one without end.
const LONGEST: Duration = Duration::from_secs(20);

/// Tells what is wrong with a response: a server error that was not injected, or an error in an undocumented form.
pub(crate) fn fault(response: &Response) -> Option<&'static str> {
    let status = response.status;
    if response.headers.get("x-request-id").is_none_or(|id| id.len() != 36) {
        return Some("has no request id");
    }
    // 501 names what the vault does not emulate.
    if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
        return Some("is a server error");
    }
    if status.is_success() {
        return None;
    }
    let error = &response.body["error"];
    let members = ["details", "grpc_code", "http_code", "http_status", "message"];
    let is_documented = members.iter().all(|member| error.get(member).is_some())
        && error["http_code"] == status.as_u16()
        && error["message"].as_str().is_some_and(|message| message.chars().count() <= 1000);
    (!is_documented).then_some("is an error in another form")
}

#[tokio::test]
async fn no_changed_request_makes_a_server_error() {
    let traces = traces();
    let mut place = Place::new(&traces);
    let first = &traces[0].requests[0];
    place.fill(first).await;
    let put = place.replacements().await;
    let recorded: Vec<Sendable> =
        traces.iter().flat_map(|trace| &trace.requests).map(|request| request.sendable(&put)).collect();
    let mut random = Rng::with_seed(SEED);
    let mut sent = 0;
    while sent < MUTATIONS {
        let mut request = recorded[random.usize(..recorded.len())].clone();
        for _ in 0..random.usize(1..4) {
            change(&mut request, &mut random);
        }
        // Some changes make no HTTP request at all.
        let Some(built) = request.request(&place.client.bearer) else { continue };
        sent += 1;
        let start = SystemClock.monotonic();
        let response = send(&place.client.vault, built).await;
        let took = SystemClock.monotonic() - start;
        assert!(took < LONGEST, "{took:?}: {request:?}");
        // The target of a connection chooses its own status and body.
        let is_connection = request.path.starts_with("/v1/gateway/");
        let fault = fault(&response)
            .filter(|_| !is_connection || response.status == StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            fault.is_none(),
            "{sent}: {} {}: {}\n{request:?}\n{}",
            response.status,
            fault.unwrap(),
            response.body,
            String::from_utf8_lossy(&request.body)
        );
    }
}

/// Changes one thing about a request.
fn change(request: &mut Sendable, random: &mut Rng) {
    match random.u8(..20) {
        0..12 => match serde_json::from_slice(&request.body) {
            Ok(mut json) => {
                change_json(&mut json, random);
                request.body = json.to_string().into_bytes();
            }
            Err(_) => change_bytes(&mut request.body, random),
        },
        12..14 => change_bytes(&mut request.body, random),
        14..16 => request.query = changed_text(&request.query, random),
        16..18 => {
            let path = changed_text(&request.path, random);
            request.path = format!("/{}", path.trim_start_matches('/'));
        }
        18 => {
            request.method =
                (*random.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].iter()).unwrap())
                    .to_owned()
        }
        _ => request.content_type = changed_text(&request.content_type, random),
    }
}

/// Values that a member may not expect.
fn strange(random: &mut Rng) -> Value {
    match random.u8(..18) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(0),
        3 => json!(-1),
        4 => json!(i64::MAX),
        5 => json!(1.5),
        6 => json!(1e300),
        7 => json!(""),
        8 => json!("x"),
        9 => json!("\u{0}\u{ffff}😀ü"),
        10 => json!("x".repeat(random.usize(..5000))),
        11 => json!([]),
        12 => json!({}),
        13 => json!([null, 1, "a", {"a": []}]),
        14 => json!({"a": {"b": {"c": null}}}),
        15 => json!("SELECT * FROM cards WHERE name LIKE '%'"),
        16 => json!("*"),
        _ => json!("$responses.0.records.0.skyflow_id"),
    }
}

fn change_json(value: &mut Value, random: &mut Rng) {
    match value {
        Value::Object(members) if !members.is_empty() && random.u8(..8) > 0 => {
            let name = members.keys().nth(random.usize(..members.len())).unwrap().clone();
            match random.u8(..6) {
                0 => drop(members.remove(&name)),
                1 => {
                    let moved = members.remove(&name).unwrap();
                    members.insert(changed_text(&name, random), moved);
                }
                2 => drop(members.insert(changed_text("name", random), strange(random))),
                _ => change_json(&mut members[&name], random),
            }
        }
        Value::Array(elements) if !elements.is_empty() && random.u8(..8) > 0 => {
            let index = random.usize(..elements.len());
            match random.u8(..6) {
                0 => drop(elements.remove(index)),
                1 => elements.push(elements[index].clone()),
                2 => elements.push(strange(random)),
                _ => change_json(&mut elements[index], random),
            }
        }
        Value::String(text) if random.bool() => *text = changed_text(text, random),
        other => {
            *other = match random.u8(..5) {
                0 => Value::Array(vec![other.take()]),
                1 => Value::Object(Map::from_iter([("a".to_owned(), other.take())])),
                _ => strange(random),
            }
        }
    }
}

fn change_bytes(bytes: &mut Vec<u8>, random: &mut Rng) {
    let at = random.usize(..=bytes.len());
    match random.u8(..5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, random.u8(..)),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 if at < bytes.len() => bytes[at] = random.u8(..),
        _ => {
            let copy = bytes[..at].to_vec();
            bytes.extend(copy);
        }
    }
}

fn changed_text(text: &str, random: &mut Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.usize(..=letters.len());
    let strange = [
        '%', '&', '=', '/', '\'', '"', '[', ']', '{', '}', '(', ')', '.', '*', ' ', 'é', '0', 'A', '\\', ';',
    ];
    match random.u8(..5) {
        0 => letters.truncate(at),
        1 | 2 => letters.insert(at, *random.choice(strange.iter()).unwrap()),
        3 if at < letters.len() => drop(letters.remove(at)),
        _ => {
            let copy = letters[..at].to_vec();
            letters.extend(copy);
        }
    }
    letters.into_iter().collect()
}
