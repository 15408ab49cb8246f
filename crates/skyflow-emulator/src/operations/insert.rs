use serde::{Deserialize, Serialize};
use skyflow_types::TokenMode;

use super::write::{RecordInput, Writer, WrittenReply};
use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

#[derive(Deserialize)]
struct InsertRequest {
    #[serde(default, deserialize_with = "members::optional")]
    records: Option<Vec<RecordInput>>,
    #[serde(default, deserialize_with = "members::optional")]
    tokenization: Option<bool>,
    #[serde(default, deserialize_with = "members::optional")]
    upsert: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    homogeneous: Option<bool>,
    #[serde(default, deserialize_with = "members::named")]
    byot: Option<TokenMode>,
}

#[derive(Serialize)]
pub(super) struct InsertReply {
    pub(super) records: Vec<WrittenReply>,
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
    call.check_rows("Insert", "records", records.len())?;
    let upsert = request.upsert.as_deref();
    if request.homogeneous == Some(true) {
        check_homogeneous(&records, upsert)?;
    }
    let with_tokens = request.tokenization.unwrap_or(false);
    let inserted: Vec<WrittenReply> = call.state.store.write(|transaction| {
        let writer = Writer {
            state: call.state,
            connection: transaction,
            now: call.now,
            mode: request.byot.unwrap_or_default(),
        };
        records
            .iter()
            .map(|record| Ok(writer.insert(table, record, upsert)?.into_reply(with_tokens)))
            .collect::<ApiResult<_>>()
    })?;
    let count = inserted.len();
    Ok(Reply::serialized(&InsertReply { records: inserted })?.counting(count, 0))
}

pub(super) fn unknown_table(name: &str) -> ApiError {
    ApiError::not_found(format!("Insert failed. Table name {name} is invalid. Specify a valid table name."))
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
