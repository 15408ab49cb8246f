//! The runs of Detect: the work is done in the background, and shown when the time of the run has passed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::clock::Now;
use crate::detect::{failed, without_output};
use crate::errors::ApiResult;
use crate::state::State;
use crate::store::runs::{self, RunRow};
use skyflow_testkit::Random;

/// How long a question waits for work that outlasts the time of its run: small files have ended at the first question
/// then, whatever the machine has to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a run is kept after its end, in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;

const INTERRUPTED: &str = "The embedded vault stopped before its work on the file was done. Start a new run.";

/// Starts a run whose response is known.
pub(super) fn start_finished(call: &Call<'_>, response: &Value) -> ApiResult<String> {
    put(call, Some(response.to_string()))
}

/// Starts a run whose response takes work. Work that has not begun when the vault is closed is dropped.
pub(super) fn start(
    call: &Call<'_>,
    work: impl FnOnce(&State) -> Value + Send + 'static,
) -> ApiResult<String> {
    let run_id = put(call, None)?;
    let (vault, id) = (Arc::downgrade(call.state), run_id.clone());
    call.state.detect.runs.push(run_id.clone(), move || {
        if let Some(state) = vault.upgrade() {
            store_response(&state, &id, &work(&state));
        }
    });
    Ok(run_id)
}

fn store_response(state: &State, run_id: &str, response: &Value) {
    let (response, now) = (response.to_string(), state.now().millis());
    noted(state.store.write(|transaction| runs::set_response(transaction, run_id, &response, now)));
}

fn put(call: &Call<'_>, response: Option<String>) -> ApiResult<String> {
    let run_id = Random::system().uuid();
    let time = i64::try_from(call.state.detect.run_time.as_millis()).unwrap_or(i64::MAX);
    let row = RunRow { ends_at: call.now.millis().saturating_add(time), response };
    call.state.store.write(|transaction| {
        runs::remove_before(transaction, call.now.millis().saturating_sub(KEPT))?;
        runs::put(transaction, &run_id, &row)
    })?;
    Ok(run_id)
}

/// Returns the state of a run. An unknown or forgotten run is not an error: its status says so.
pub(super) fn get(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let mut response = state_of(call, caller, "vault_id")?;
    if let Some(members) = response.as_object_mut() {
        members.remove("metrics");
    }
    Ok(Reply::json(response))
}

/// Returns the state of a run in the names of version 2.
pub(super) fn get_v2(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let mut response = state_of(call, caller, "vaultId")?;
    let output: Vec<Value> = response.get("output").and_then(Value::as_array).cloned().unwrap_or_default();
    let output: Vec<Value> = output.into_iter().map(in_uppercase).collect();
    let mut member = |name: &str| response.get_mut(name).map(Value::take).unwrap_or_default();
    Ok(Reply::json(json!({
        "status": member("status"),
        "outputType": member("outputType"),
        "output": output,
        "message": member("message"),
        "metrics": member("metrics"),
    })))
}

/// Writes the kind of a file as version 2 does.
fn in_uppercase(mut output: Value) -> Value {
    if let Some(kind) = output.get_mut("processedFileType") {
        *kind = json!(kind.as_str().unwrap_or_default().to_ascii_uppercase());
    }
    output
}

fn state_of(call: &Call<'_>, caller: &Caller, vault_id: &str) -> ApiResult<Value> {
    caller.require(Permission::Deidentify)?;
    call.require_vault(call.query.one(vault_id))?;
    let run_id = call.path.get("run_id");
    let find = || call.state.store.read(|connection| runs::get(connection, run_id));
    let mut row = find()?;
    if row.as_ref().is_some_and(|row| row.response.is_none() && row.ends_at <= call.now.millis()) {
        if call.state.detect.runs.wait(run_id, PATIENCE) {
            // Work that has ended stored its response, or never will: then this failure is the result.
            store_response(call.state, run_id, &failed(INTERRUPTED));
        }
        row = find()?;
    }
    Ok(response(row, call.state.now()))
}

fn response(row: Option<RunRow>, now: Now) -> Value {
    let since_end = |row: &RunRow| now.millis().saturating_sub(row.ends_at);
    match row {
        Some(row) if row.response.is_none() || since_end(&row) < 0 => {
            without_output("IN_PROGRESS", "De-identification is in progress.")
        }
        Some(row) if since_end(&row) <= KEPT => {
            serde_json::from_str(&row.response.unwrap_or_default()).unwrap_or_else(|_| json!({}))
        }
        Some(_) | None => without_output("UNKNOWN", "The run does not exist or has expired."),
    }
}

pub(crate) fn finish(state: &State, run_id: &str) -> bool {
    change(state, run_id, |_| {})
}

pub(crate) fn fail(state: &State, run_id: &str, message: &str) -> bool {
    change(state, run_id, |row| row.response = Some(failed(message).to_string()))
}

pub(crate) fn forget(state: &State, run_id: &str) -> bool {
    noted(state.store.write(|transaction| runs::remove(transaction, run_id)))
}

/// Ends a run and changes how it ends.
fn change(state: &State, run_id: &str, change: impl FnOnce(&mut RunRow)) -> bool {
    let now = state.now().millis();
    noted(state.store.write(|transaction| {
        let Some(mut row) = runs::get(transaction, run_id)? else { return Ok(false) };
        row.ends_at = row.ends_at.min(now);
        change(&mut row);
        runs::put(transaction, run_id, &row).map(|()| true)
    }))
}

fn noted(outcome: rusqlite::Result<bool>) -> bool {
    outcome.unwrap_or_else(|error| {
        tracing::error!(code = ?error.sqlite_error_code(), "a run of Detect could not be changed");
        false
    })
}
