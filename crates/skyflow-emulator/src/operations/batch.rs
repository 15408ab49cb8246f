use http::StatusCode;
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use skyflow_types::{Redaction, TokenMode};

use super::get::{View, one_record_in};
use super::insert::unknown_table;
use super::write::{RecordInput, Writer, Written};
use super::{Call, Reply, delete, members};
use crate::audit::NestedResponse;
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::Members;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRequest {
    #[serde(default, deserialize_with = "members::optional")]
    records: Option<Vec<BatchRecord>>,
    #[serde(default, deserialize_with = "members::optional")]
    continue_on_error: Option<bool>,
    #[serde(default, deserialize_with = "members::named")]
    byot: Option<TokenMode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchRecord {
    #[serde(default, deserialize_with = "members::named")]
    method: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    table_name: Option<String>,
    #[serde(rename = "ID", default, deserialize_with = "members::optional")]
    id: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    fields: Option<Members>,
    #[serde(default, deserialize_with = "members::optional")]
    tokens: Option<Members>,
    #[serde(default, deserialize_with = "members::named")]
    redaction: Option<Redaction>,
    #[serde(default, deserialize_with = "members::optional")]
    tokenization: Option<bool>,
    #[serde(rename = "downloadURL", default, deserialize_with = "members::optional")]
    download_url: Option<bool>,
    #[serde(default, deserialize_with = "members::optional")]
    return_file_metadata: Option<bool>,
    #[serde(default, deserialize_with = "members::optional")]
    upsert: Option<String>,
}

/// What became of an entry: the single operation's own response, or its error.
type Outcome = Result<Box<RawValue>, ApiError>;

#[derive(Serialize)]
struct BatchReply<'a> {
    #[serde(rename = "vaultID")]
    vault_id: &'a str,
    responses: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry {
    Plain(Box<RawValue>),
    WithStatus {
        #[serde(rename = "Status")]
        status: u16,
        #[serde(rename = "Body")]
        body: Box<RawValue>,
    },
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
    call.check_rows("Batch", "records", entries.len())?;
    let identifiers: Vec<String> = entries.iter().map(BatchRecord::identifier).collect();
    let mut failed = 0;
    let outcomes: Vec<Outcome> = call.state.store.write(|transaction| {
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
    let nested = identifiers.into_iter().zip(&outcomes).map(|(identifier, outcome)| match outcome {
        Ok(_) => NestedResponse { code: 200, message: String::new(), identifier },
        Err(error) => NestedResponse { code: 400, message: error.message(""), identifier },
    });
    let nested = nested.collect();
    let entry = |outcome: Outcome| {
        Ok(match outcome {
            Ok(body) if go_on => Entry::WithStatus { status: 200, body },
            Ok(body) => Entry::Plain(body),
            // Item errors are 400 whatever the single operation would return: the official Python SDK drops items of
            // any other status.
            Err(error) => {
                Entry::WithStatus { status: 400, body: raw(&json!({ "error": error.message("") }))? }
            }
        })
    };
    let responses = outcomes.into_iter().map(entry).collect::<ApiResult<_>>()?;
    let mut reply = Reply::serialized(&BatchReply { vault_id: &call.state.vault_id, responses })?;
    reply.audit.nested = nested;
    Ok(reply.counting(count, failed))
}

impl BatchRecord {
    /// Names the record for the audit log, as far as the request does.
    fn identifier(&self) -> String {
        let id = self.id.as_deref().filter(|id| !id.starts_with(REFERENCE));
        id.map(|id| format!("RECORD/{id}")).unwrap_or_default()
    }
}

fn raw(body: &impl Serialize) -> ApiResult<Box<RawValue>> {
    to_raw_value(body).map_err(|_| ApiError::internal())
}

/// Finds the id that a reference such as `$responses.0.records.0.skyflow_id` names in an earlier outcome.
fn resolve(id: String, earlier: &[Outcome]) -> ApiResult<String> {
    let Some(path) = id.strip_prefix(REFERENCE) else { return Ok(id) };
    let (index, path) = path.split_once('.').unwrap_or((path, ""));
    let outcome = index.parse().ok().and_then(|index: usize| earlier.get(index));
    let body: Option<Value> = outcome
        .and_then(|outcome| outcome.as_ref().ok())
        .and_then(|body| serde_json::from_str(body.get()).ok());
    let named = body.as_ref().and_then(|body| {
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
    earlier: &[Outcome],
) -> Outcome {
    let savepoint = transaction.savepoint()?;
    let name = entry.table_name.unwrap_or_default();
    let with_tokens = entry.tokenization.unwrap_or(false);
    let record = RecordInput { fields: entry.fields, tokens: entry.tokens };
    let id = match entry.id {
        Some(id) => resolve(id, earlier),
        None => Err(ApiError::bad_request("Invalid request. The ID is missing. Specify a valid Skyflow ID.")),
    };
    let writer = Writer { state: call.state, connection: &savepoint, now: call.now, mode };
    let body = match entry.method.as_deref() {
        Some("POST") => {
            caller.require(Permission::Write)?;
            let table = call.state.schema.table(&name).ok_or_else(|| as_entry(unknown_table(&name)))?;
            let written = writer.insert(table, &record, entry.upsert.as_deref()).map_err(as_entry)?;
            raw(&Records { records: [entry_of(written, with_tokens)] })?
        }
        Some("PUT") => {
            caller.require(Permission::Write)?;
            raw(&entry_of(writer.update(call.table_named(&name)?, &id?, &record)?, with_tokens))?
        }
        Some("DELETE") => {
            caller.require(Permission::Write)?;
            let id = id?;
            delete::delete(&savepoint, call.table_named(&name)?, std::slice::from_ref(&id))?;
            raw(&json!({ "skyflow_id": id, "deleted": true }))?
        }
        Some("GET") => {
            let view = View {
                redaction: entry.redaction.unwrap_or_default(),
                tokenization: with_tokens,
                fields: Vec::new(),
                download_url: entry.download_url.unwrap_or(false),
                file_metadata: entry.return_file_metadata.unwrap_or(false),
                inline: false,
            };
            let record = one_record_in(&savepoint, call, caller, call.table_named(&name)?, &id?, &view)?;
            raw(&record.without_null())?
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

/// In a batch an insert into an unknown table or column is a bad request, unlike the insert into one table.
fn as_entry(error: ApiError) -> ApiError {
    match error.status {
        StatusCode::NOT_FOUND => ApiError::bad_request(error.message("")),
        _ => error,
    }
}

#[derive(Serialize)]
struct Records {
    records: [WrittenEntry; 1],
}

/// A written record. Unlike in the response of the single operation, tokens that were not asked for are absent: the
/// official Python and Java SDKs fail on null here.
#[derive(Serialize)]
struct WrittenEntry {
    skyflow_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Members>,
}

fn entry_of(written: Written, with_tokens: bool) -> WrittenEntry {
    WrittenEntry { skyflow_id: written.skyflow_id, tokens: with_tokens.then_some(written.tokens) }
}
