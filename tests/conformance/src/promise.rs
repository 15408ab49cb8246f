//! What this SDK promises, worked out from a recorded call and an answer alone, and not by the SDK.

mod answer;
pub mod connection;
mod failure;
mod request;

pub use answer::{OWN_WORDS, reads};
pub use request::{Promised, request};

use crate::outcome::Outcome;
use crate::trace::{Call, Reply};

/// Returns what a call comes to when this is the answer to its last request.
pub fn outcome(call: &Call, reply: &Reply) -> Outcome {
    if reply.is_success() { answer::outcome(call, reply) } else { Outcome::Failed(failure::of(reply)) }
}

/// Returns what a call comes to when the answer to its last request for a token says no.
pub fn without_token(reply: &Reply) -> Outcome {
    failure::of_token_endpoint(reply)
}

/// Tells whether an answer of this status is worth another try of this call: a `429` always is, the others when a
/// second time does no harm.
pub fn is_tried_again(call: &Call, status: u16) -> bool {
    match status {
        // What a third party has done is not known.
        _ if call.op == "invoke" => false,
        429 => sent_twice(call),
        408 | 500 | 502 | 503 | 504 => sent_twice(call) && harmless(call),
        _ => false,
    }
}

/// A stream cannot be sent twice.
fn sent_twice(call: &Call) -> bool {
    let file = call.args.get("file").as_str().unwrap_or_default();
    call.op != "upload_file" || file.contains("base64:")
}

fn harmless(call: &Call) -> bool {
    match call.op.as_str() {
        "insert" => call.args.get("upsert").as_str().is_some_and(|column| {
            call.args.get("values").elements().iter().all(|row| !row.get(column).is_null())
        }),
        "upload_file" => false,
        _ => true,
    }
}
