use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_types::TokenMode;

use super::write::{RecordInput, Writer};
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

#[derive(Deserialize)]
struct InsertRequest {
    records: Option<Vec<RecordInput>>,
    tokenization: Option<bool>,
    upsert: Option<String>,
    homogeneous: Option<bool>,
    byot: Option<TokenMode>,
}

pub(super) fn insert(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call
        .state
        .schema
        .table(call.path.get("table_name"))
        .ok_or_else(|| unknown_table(call.path.get("table_name")))?;
    let request: InsertRequest = call.json()?;
    let records = request.records.unwrap_or_default();
    if records.is_empty() {
        return Err(ApiError::bad_request("Insert failed. No records were present. Specify valid records."));
    }
    let upsert = request.upsert.as_deref().filter(|column| !column.is_empty());
    if request.homogeneous == Some(true) {
        check_homogeneous(&records, upsert)?;
    }
    let with_tokens = request.tokenization.unwrap_or(false);
    let inserted: Vec<Value> = call.state.store.write(|transaction| {
        let writer = Writer {
            state: call.state,
            connection: transaction,
            now: call.now,
            mode: request.byot.unwrap_or_default(),
        };
        records
            .iter()
            .map(|record| Ok(writer.insert(table, record, upsert)?.into_json(with_tokens)))
            .collect::<ApiResult<_>>()
    })?;
    let count = inserted.len();
    Ok(Reply::json(json!({ "records": inserted })).counting(count, 0))
}

pub(super) fn unknown_table(name: &str) -> ApiError {
    ApiError::bad_request(format!("Insert failed. Table name {name} is invalid. Specify a valid table name."))
}

fn check_homogeneous(records: &[RecordInput], upsert: Option<&str>) -> ApiResult<()> {
    if upsert.is_some() {
        return Err(ApiError::bad_request("Insert failed. Upsert is not allowed when homogeneous is true."));
    }
    let keys = |record: &RecordInput| -> Vec<String> {
        record.fields().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let mut records = records.iter().map(keys);
    let first = records.next().unwrap_or_default();
    if records.all(|other| other == first) {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Insert failed. The records do not have the same fields. Specify the same fields in every record.",
    ))
}
