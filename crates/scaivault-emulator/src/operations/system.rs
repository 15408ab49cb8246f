//! Health, metrics and version.

use serde_json::json;

use crate::call::{Call, Reply};
use crate::failure::Outcome;
use crate::state::State;

pub(crate) fn health(_: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "status": "healthy", "timestamp": call.time() }))
}

pub(crate) fn ready(_: &State, _: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "status": "ready", "checks": { "storage": "ok" } }))
}

pub(crate) fn health_detailed(_: &State, _: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({
        "status": "healthy",
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "storage": { "status": "ok" } },
    }))
}

pub(crate) fn metrics(state: &State, _: &Call) -> Outcome<Reply> {
    let requests = state.journal.entries().len();
    let text = format!("# TYPE scaivault_requests_total counter\nscaivault_requests_total {requests}\n");
    Ok(Reply::new(200, "text/plain; version=0.0.4", text.into_bytes()))
}

pub(crate) fn version(_: &State, _: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "version": env!("CARGO_PKG_VERSION"), "product": "scaivault-emulator" }))
}
