use rusqlite::Transaction;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use skyflow_types::{Redaction, TokenMode};

use super::get::{View, one_record_in};
use super::insert::unknown_table;
use super::write::{RecordInput, Writer, Written};
use super::{Call, Reply, delete};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRequest {
    records: Option<Vec<BatchRecord>>,
    continue_on_error: Option<bool>,
    byot: Option<TokenMode>,
}

#[derive(Deserialize)]
struct BatchRecord {
    method: Option<String>,
    #[serde(rename = "tableName")]
    table_name: Option<String>,
    #[serde(rename = "ID")]
    id: Option<String>,
    fields: Option<Map<String, Value>>,
    tokens: Option<Map<String, Value>>,
    redaction: Option<Redaction>,
    tokenization: Option<bool>,
    #[serde(rename = "downloadURL")]
    download_url: Option<bool>,
    upsert: Option<String>,
}

/// The start of an `ID` that names a value in the response of an earlier entry.
const REFERENCE: &str = "$responses.";

/// Runs the entries one after the other, in the order of the request, which satisfies any `batchID`.
///
/// With `continueOnError` an entry of the response is `{Body, Status}`. Without it, an entry is the single operation's
/// own response, and the first failure undoes everything and is the response.
pub(super) fn batch(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let request: BatchRequest = call.json()?;
    let mode = request.byot.unwrap_or_default();
    let go_on = request.continue_on_error.unwrap_or(false);
    let entries = request.records.unwrap_or_default();
    if entries.is_empty() {
        return Err(ApiError::bad_request(
            "Invalid request. No records were present. Specify valid records.",
        ));
    }
    let mut failed = 0;
    let outcomes: Vec<Result<Value, ApiError>> = call.state.store.write(|transaction| {
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            let outcome = run_entry(transaction, call, caller, mode, entry, &outcomes);
            match outcome {
                Err(error) if !go_on || error.status.is_server_error() => return Err(error),
                Err(_) => failed += 1,
                Ok(_) => {}
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    })?;
    let count = outcomes.len() - failed;
    let responses: Vec<Value> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(body) if go_on => json!({ "Status": 200, "Body": body }),
            Ok(body) => body,
            // Item errors are 400 whatever the single operation would return: the official Python SDK drops items of
            // any other status.
            Err(error) => json!({ "Status": 400, "Body": { "error": error.message("") } }),
        })
        .collect();
    Ok(Reply::json(json!({ "vaultID": call.state.vault_id, "responses": responses })).counting(count, failed))
}

/// Finds the id that a reference such as `$responses.0.records.0.skyflow_id` names in an earlier outcome.
fn resolve(id: String, earlier: &[Result<Value, ApiError>]) -> ApiResult<String> {
    let Some(path) = id.strip_prefix(REFERENCE) else { return Ok(id) };
    let (index, path) = path.split_once('.').unwrap_or((path, ""));
    let outcome = index.parse().ok().and_then(|index: usize| earlier.get(index));
    let body = outcome.and_then(|outcome| outcome.as_ref().ok());
    let named = body.and_then(|body| {
        path.split('.').try_fold(body, |value, part| match value {
            Value::Array(elements) => elements.get(part.parse::<usize>().ok()?),
            value => value.get(part),
        })
    });
    named.and_then(Value::as_str).map(ToOwned::to_owned).ok_or_else(|| {
        ApiError::bad_request(format!(
            "Invalid request. The reference {id} names no Skyflow ID of an earlier record. Specify a valid Skyflow ID."
        ))
    })
}

/// Runs one entry in a separate savepoint; a failure undoes only that entry.
fn run_entry(
    transaction: &mut Transaction<'_>,
    call: &Call<'_>,
    caller: &Caller,
    mode: TokenMode,
    entry: BatchRecord,
    earlier: &[Result<Value, ApiError>],
) -> ApiResult<Value> {
    let savepoint = transaction.savepoint()?;
    let name = entry.table_name.unwrap_or_default();
    let with_tokens = entry.tokenization.unwrap_or(false);
    let record = RecordInput { fields: entry.fields, tokens: entry.tokens };
    let id = match entry.id.filter(|id| !id.is_empty()) {
        Some(id) => resolve(id, earlier),
        None => Err(ApiError::bad_request("Invalid request. The ID is missing. Specify a valid Skyflow ID.")),
    };
    let writer = Writer { state: call.state, connection: &savepoint, now: call.now, mode };
    let body = match entry.method.as_deref() {
        Some("POST") => {
            caller.require(Permission::Write)?;
            let table = call.state.schema.table(&name).ok_or_else(|| unknown_table(&name))?;
            let written = writer.insert(table, &record, entry.upsert.as_deref())?;
            json!({ "records": [written_json(written, with_tokens)] })
        }
        Some("PUT") => {
            caller.require(Permission::Write)?;
            written_json(writer.update(call.table_named(&name)?, &id?, &record)?, with_tokens)
        }
        Some("DELETE") => {
            caller.require(Permission::Write)?;
            let id = id?;
            delete::delete(&savepoint, call.table_named(&name)?, std::slice::from_ref(&id))?;
            json!({ "skyflow_id": id, "deleted": true })
        }
        Some("GET") => {
            let view = View {
                redaction: entry.redaction.unwrap_or_default(),
                tokenization: with_tokens,
                fields: Vec::new(),
                download_url: entry.download_url.unwrap_or(false),
                file_metadata: false,
            };
            one_record_in(&savepoint, call, caller, call.table_named(&name)?, &id?, &view)?
        }
        _ => {
            return Err(ApiError::bad_request(
                "Invalid request. The method is invalid. Specify POST, PUT, GET or DELETE.",
            ));
        }
    };
    savepoint.commit()?;
    Ok(body)
}

/// Shows a written record. Unlike in the response of the single operation, tokens that were not asked for are absent:
/// the official Python and Java SDKs fail on null here.
fn written_json(written: Written, with_tokens: bool) -> Value {
    match with_tokens {
        true => written.into_json(true),
        false => json!({ "skyflow_id": written.skyflow_id }),
    }
}
