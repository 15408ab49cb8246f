//! The runs of Detect: made when they are started, and answered when their time is over.

use serde_json::{Value, json};

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::detect::{failed, without_output};
use crate::errors::ApiResult;
use crate::random;
use crate::state::State;
use crate::store::runs::{self, RunRow};

/// Stores what a run will answer, and returns its id.
pub(super) fn start(call: &Call<'_>, answer: &Value) -> ApiResult<String> {
    let run_id = random::uuid();
    let time = i64::try_from(call.state.detect.run_time.as_millis()).unwrap_or(i64::MAX);
    let row = RunRow { ends_at: call.now.millis().saturating_add(time), answer: answer.to_string() };
    call.state.store.write(|transaction| runs::put(transaction, &run_id, &row))?;
    Ok(run_id)
}

/// Tells where a run is. A run that is not known, or not any more, is no error: its status says so.
pub(super) fn get(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    call.require_vault(call.query.one("vault_id"))?;
    let row = call.state.store.read(|connection| runs::get(connection, call.path.get("run_id")))?;
    Ok(Reply::json(match row {
        Some(row) if call.now.millis() < row.ends_at => {
            without_output("IN_PROGRESS", "De-identification is in progress.")
        }
        Some(row) => serde_json::from_str(&row.answer).unwrap_or_else(|_| json!({})),
        None => without_output("UNKNOWN", "The run does not exist or has expired."),
    }))
}

pub(crate) fn finish(state: &State, run_id: &str) -> bool {
    change(state, run_id, |_| {})
}

pub(crate) fn fail(state: &State, run_id: &str, message: &str) -> bool {
    change(state, run_id, |row| row.answer = failed(message).to_string())
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
