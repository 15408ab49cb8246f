use rusqlite::Transaction;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use skyflow_types::{Redaction, TokenMode};

use super::get::{View, one_record_in};
use super::insert::unknown_table;
use super::write::{RecordInput, Writer};
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

/// Runs the entries one after the other, in the order of the request, which satisfies any `batchID`.
///
/// Without `continueOnError` the first failure undoes everything and is the answer.
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
    let responses: Vec<Value> = call.state.store.write(|transaction| {
        let mut responses = Vec::with_capacity(entries.len());
        for entry in entries {
            match run_entry(transaction, call, caller, mode, entry) {
                Ok(body) => responses.push(json!({ "Status": 200, "Body": body })),
                Err(error) if !go_on || error.status.is_server_error() => return Err(error),
                Err(error) => {
                    failed += 1;
                    // Item errors are 400 whatever the single operation would answer: the official Python SDK
                    // drops items of any other status.
                    responses.push(json!({ "Status": 400, "Body": { "error": error.message("") } }));
                }
            }
        }
        Ok(responses)
    })?;
    let count = responses.len() - failed;
    Ok(Reply::json(json!({ "vaultID": call.state.vault_id, "responses": responses })).counting(count, failed))
}

/// Runs one entry in a savepoint of its own; a failure undoes only that entry.
fn run_entry(
    transaction: &mut Transaction<'_>,
    call: &Call<'_>,
    caller: &Caller,
    mode: TokenMode,
    entry: BatchRecord,
) -> ApiResult<Value> {
    let savepoint = transaction.savepoint()?;
    let name = entry.table_name.unwrap_or_default();
    let with_tokens = entry.tokenization.unwrap_or(false);
    let record = RecordInput { fields: entry.fields, tokens: entry.tokens };
    let id = entry.id.filter(|id| !id.is_empty()).ok_or_else(|| {
        ApiError::bad_request("Invalid request. The ID is missing. Specify a valid Skyflow ID.")
    });
    let writer = Writer { state: call.state, connection: &savepoint, now: call.now, mode };
    let body = match entry.method.as_deref() {
        Some("POST") => {
            caller.require(Permission::Write)?;
            let table = call.state.schema.table(&name).ok_or_else(|| unknown_table(&name))?;
            let written = writer.insert(table, &record, entry.upsert.as_deref())?;
            json!({ "records": [written.into_json(with_tokens)] })
        }
        Some("PUT") => {
            caller.require(Permission::Write)?;
            writer.update(call.table_named(&name)?, &id?, &record)?.into_json(with_tokens)
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
