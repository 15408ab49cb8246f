//! The outcome that this SDK promises, computed from a recorded call and a response, without the SDK.

mod batch;
pub mod connection;
pub mod detect;
mod failure;
mod passages;
pub mod reason;
pub mod refusal;
mod response;
pub mod run;

pub use response::{OWN_MESSAGE, reads};

use crate::outcome::{Failure, Outcome};
use crate::trace::{Call, Reply};
use crate::wire;

/// Returns the outcome of a call whose last request went to this path and got this response.
pub fn outcome(call: &Call, path: &str, reply: &Reply) -> Outcome {
    if reply.is_success() {
        return response::outcome(call, path, reply);
    }
    Outcome::Failed(Box::new(Failure { run_id: run_id(call, path), ..failure::of(reply) }))
}

/// The run that a request asks for.
fn run_id(call: &Call, path: &str) -> Option<String> {
    match call.op.as_str() {
        "get_detect_run" => call.args.get("run_id").as_str().map(ToOwned::to_owned),
        "deidentify_file" => wire::run_of(path),
        _ => None,
    }
}

/// Returns the outcome of a call whose last token exchange was rejected.
pub fn without_token(reply: &Reply) -> Outcome {
    failure::of_token_endpoint(reply)
}

/// Returns whether a response with this status to a request to this path is retried: a `429` always is, the others
/// when a repeated request is safe.
pub fn is_tried_again(call: &Call, path: &str, status: u16) -> bool {
    match status {
        // What a third party has done is not known.
        _ if call.op == "invoke" => false,
        429 => sent_twice(call),
        408 | 500 | 502 | 503 | 504 => sent_twice(call) && harmless(call, path),
        _ => false,
    }
}

/// A stream cannot be sent twice; content in memory and a file of the disk can.
fn sent_twice(call: &Call) -> bool {
    let file = call.args.get("file").as_str().unwrap_or_default();
    call.op != "upload_file" || file.contains("base64:") || file.starts_with("path:")
}

fn harmless(call: &Call, path: &str) -> bool {
    match call.op.as_str() {
        "insert" => call.args.get("upsert").as_str().is_some_and(|column| {
            call.args.get("values").elements().iter().all(|row| !row.get(column).is_null())
        }),
        "upload_file" => false,
        // Vault tokens are stored.
        "deidentify_text" => !detect::asks_for_vault_tokens(call),
        // Each start is a run that is paid for; asking for one is not.
        "deidentify_file" => wire::run_of(path).is_some(),
        _ => true,
    }
}
