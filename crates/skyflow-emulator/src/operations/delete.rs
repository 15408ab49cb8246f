use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;

use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::schema::CompiledTable;
use crate::store::{files, records, tokens};

/// The id that means every record of a table.
const ALL: &str = "*";

#[derive(Deserialize)]
struct BulkDeleteRequest {
    #[serde(default, deserialize_with = "members::optional")]
    skyflow_ids: Option<Vec<String>>,
}

pub(super) fn delete_one(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call.table()?;
    let id = call.path.get("id").to_owned();
    call.state.store.write(|transaction| delete(transaction, table, std::slice::from_ref(&id)))?;
    Ok(Reply::json(json!({ "skyflow_id": id, "deleted": true })).counting(1, 0))
}

pub(super) fn bulk_delete(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call.table()?;
    let request: BulkDeleteRequest = call.json()?;
    let ids = request.skyflow_ids.unwrap_or_default();
    call.check_rows("Delete", "Skyflow IDs", ids.len())?;
    let count = match ids.as_slice() {
        [] => {
            return Err(ApiError::bad_request(
                "Delete failed. No Skyflow IDs were present. Specify valid Skyflow IDs.",
            ));
        }
        [all] if all == ALL => call.state.store.write(|transaction| -> ApiResult<usize> {
            tokens::remove_table(transaction, table.name())?;
            files::remove_table(transaction, table.name())?;
            Ok(records::delete_all(transaction, table)?)
        })?,
        ids => {
            call.state.store.write(|transaction| delete(transaction, table, ids))?;
            ids.len()
        }
    };
    Ok(Reply::json(json!({ "RecordIDResponse": ids })).counting(count, 0))
}

/// Deletes every one of the records, or none when one is unknown.
pub(super) fn delete(connection: &Connection, table: &CompiledTable, ids: &[String]) -> ApiResult<()> {
    let mut unknown = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        tokens::remove_record(connection, id)?;
        files::remove_record(connection, id)?;
        let repeated = ids.iter().take(index).any(|earlier| earlier == id);
        if !records::delete(connection, table, id)? && !repeated {
            unknown.push(id.clone());
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(ApiError::unknown_ids("Delete", &unknown)) }
}
