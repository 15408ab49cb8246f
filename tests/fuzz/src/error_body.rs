//! A status, a content type and the body of an error: the error keeps the status and shows no secret.
//!
//! The first three bytes choose; in the rest, the bytes 1, 2, 3 and 5 are replaced by secrets.

use serde_json::json;
use skyflow::{DetokenizeRequest, Error, ErrorKind, GetRequest, InsertRequest, Vault};

use crate::client::{API_KEY, REQUEST_ID, Reply, with_reply};
use crate::shown::{assert_is_one_line, shown};

const STATUSES: [u16; 16] = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 300, 302, 308, 599];

const CONTENT_TYPES: [Option<&str>; 8] = [
    Some("application/json"),
    None,
    Some("application/problem+json"),
    Some("text/plain; charset=utf-8"),
    Some("text/html"),
    Some("application/xml"),
    Some("application/x-www-form-urlencoded"),
    Some("no content type"),
];

const CARD: &str = "4111111111111111";
const SPACED: &str = "4111 1111 1111 1111";
const MAIL: &str = "jane.doe@example.com";

/// The call that changes something.
const INSERT: usize = 0;

/// Parts of the secrets that no form of an error may have.
const HIDDEN: [&str; 5] = ["411111111", "1111 1111", "jane.doe", "sky-abcde-0123", "0123456789abcdef0123"];

/// Checks one input.
pub fn check(input: &[u8]) {
    let [status, content_type, call, body @ ..] = input else { return };
    // A part that the input has by itself is no part of a secret.
    let has = |part: &&str| body.windows(part.len()).any(|window| window == part.as_bytes());
    if HIDDEN.iter().any(|part| has(&part)) {
        return;
    }
    let pick = |byte: u8, count: usize| usize::from(byte.wrapping_sub(b'a')) % count;
    let reply = Reply {
        status: STATUSES[pick(*status, STATUSES.len())],
        content_type: CONTENT_TYPES[pick(*content_type, CONTENT_TYPES.len())],
        content_encoding: (call.is_ascii_uppercase()).then_some("gzip"),
        body: with_secrets(body),
    };
    let status = reply.status;
    let call = pick(call.to_ascii_lowercase(), 3);
    let error = with_reply(reply, async |vault| failed(vault, call).await);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{error:?}");
    assert_eq!(error.request_id().map(ToString::to_string).as_deref(), Some(REQUEST_ID), "{error:?}");
    assert!(matches!(error.kind(), ErrorKind::Api | ErrorKind::Decode), "{error:?}");
    assert!(call == INSERT || !error.may_have_been_applied(), "{error:?}");
    assert_eq!(error.attempts(), 1);
    assert_is_one_line(&error);
    let shown = format!("{} {} {:?}", shown(&error), error.message(), error.http_status());
    for secret in HIDDEN {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

async fn failed(vault: &Vault, call: usize) -> Error {
    let row = json!({"card_number": CARD});
    match call {
        INSERT => vault.insert(InsertRequest::new("table1").record(row)).await.map(drop),
        1 => vault.detokenize(DetokenizeRequest::new().token("t")).await.map(drop),
        _ => vault.get(GetRequest::new("table1").ids(["i"])).await.map(drop),
    }
    .expect_err("the status is that of an error")
}

/// Puts the secrets into the body. Spaces keep a number or an address from being a part of an id beside it.
fn with_secrets(body: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(body.len());
    for byte in body {
        match byte {
            1 => filled.extend_from_slice(format!(" {CARD} ").as_bytes()),
            2 => filled.extend_from_slice(API_KEY.as_bytes()),
            3 => filled.extend_from_slice(format!(" {MAIL} ").as_bytes()),
            5 => filled.extend_from_slice(format!(" {SPACED} ").as_bytes()),
            other => filled.push(*other),
        }
    }
    filled
}
