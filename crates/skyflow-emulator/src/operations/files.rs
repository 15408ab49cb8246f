use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::exact::Exact;
use crate::schema::{CompiledColumn, CompiledTable, SKYFLOW_ID};
use crate::store::files::{self, FileCell, FileRow};
use crate::store::{records, tokens};

pub(super) fn delete_file(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call.table()?;
    let column = file_column(table, call.path.get("column_name"), "Delete")?;
    let cell = cell_of(table, column, call.path.get("id"));
    call.state.store.write(|transaction| -> ApiResult<()> {
        check_record(transaction, table, &cell.skyflow_id, "Delete")?;
        if !files::remove(transaction, &cell)? {
            return Err(ApiError::not_found(format!("Delete failed. Column {} has no file.", column.name)));
        }
        tokens::remove_cell(transaction, &cell.skyflow_id, &column.name)?;
        Ok(records::update(transaction, table, &cell.skyflow_id, &[(column, &Exact::Null)])?)
    })?;
    Ok(Reply::json(json!({ "skyflow_id": cell.skyflow_id, "deleted": true })).counting(1, 0))
}

pub(super) fn scan_status(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let table = call.table()?;
    let column = file_column(table, call.path.get("column_name"), "Get")?;
    let cell = cell_of(table, column, call.path.get("id"));
    let file = call.state.store.read(|connection| -> ApiResult<_> {
        check_record(connection, table, &cell.skyflow_id, "Get")?;
        Ok(files::get(connection, &cell)?)
    })?;
    let status = file.map_or("SCAN_FILE_NOT_FOUND", |file| status_of(&file, call, call.now));
    Ok(Reply::json(json!({ "av_scan_status": status })))
}

const PENDING: &str = "SCAN_PENDING";

#[derive(Deserialize)]
struct UploadStatusRequest {
    records: Vec<UploadStatusParameter>,
}

/// Every member is required, and no other is allowed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UploadStatusParameter {
    table_name: String,
    #[serde(rename = "skyflowID")]
    skyflow_id: String,
    file_fields: Vec<String>,
}

/// Returns the upload and scan states of files of several records.
pub(super) fn upload_status(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: UploadStatusRequest = call.json()?;
    if request.records.is_empty() {
        return Err(ApiError::bad_request("Get failed. No records were present. Specify valid records."));
    }
    call.check_rows("Get", "records", request.records.len())?;
    let records: Vec<Value> = call.state.store.read(|connection| {
        request
            .records
            .iter()
            .map(|parameter| status_of_record(connection, call, parameter))
            .collect::<ApiResult<_>>()
    })?;
    let count = records.len();
    Ok(Reply::json(json!({ "records": records })).counting(count, 0))
}

fn status_of_record(
    connection: &Connection,
    call: &Call<'_>,
    parameter: &UploadStatusParameter,
) -> ApiResult<Value> {
    let table = call.table_named(&parameter.table_name)?;
    check_record(connection, table, &parameter.skyflow_id, "Get")?;
    if parameter.file_fields.is_empty() {
        return Err(ApiError::bad_request("Get failed. No file columns were present. Specify file columns."));
    }
    let mut fields = Map::from_iter([(SKYFLOW_ID.to_owned(), parameter.skyflow_id.as_str().into())]);
    for name in &parameter.file_fields {
        let column = file_column(table, name, "Get")?;
        let cell = cell_of(table, column, &parameter.skyflow_id);
        let Some(file) = files::get(connection, &cell)? else {
            return Err(ApiError::not_found(format!("Get failed. Column {name} has no file.")));
        };
        // A result that is not there yet is an empty text; of file types no other is published.
        let scan = Some(status_of(&file, call, call.now)).filter(|status| *status != PENDING);
        let status = json!({
            "file_status": "UPLOADED",
            "av_scan_status": scan.unwrap_or_default(),
            "mimetype_status": "",
        });
        fields.insert(name.clone(), status);
    }
    Ok(json!({ "fields": fields, "tableName": parameter.table_name }))
}

/// Serves a file to any caller with its link.
pub(super) fn download(call: &Call<'_>) -> ApiResult<Reply> {
    let found = match call.state.downloads.find(call.path.get("key"), call.now) {
        Some((cell, inline)) => call.state.store.read(|connection| -> ApiResult<_> {
            let content = files::content(connection, &cell)?;
            Ok(files::get(connection, &cell)?.zip(content).map(|found| (found, inline)))
        })?,
        None => None,
    };
    let Some(((file, content), inline)) = found else { return Err(ApiError::no_such_resource()) };
    Ok(Reply::file(file.content_type, content, &file.file_name, inline))
}

/// The link to a file, once it is known to be clean.
pub(super) fn download_url(
    connection: &Connection,
    call: &Call<'_>,
    cell: FileCell,
    inline: bool,
) -> ApiResult<Option<String>> {
    let clean =
        files::get(connection, &cell)?.is_some_and(|file| status_of(&file, call, call.now) == "SCAN_CLEAN");
    Ok(clean.then(|| format!("{}{}", call.origin, call.state.downloads.path_to(cell, inline, call.now))))
}

/// Returns what a response says about a file. Sizes are whole kilobytes, rounded up.
pub(super) fn metadata(file: &FileRow) -> Value {
    let kilobytes = u64::try_from(file.size).unwrap_or(0).div_ceil(1024);
    json!({ "fileName": file.file_name, "fileSizeKB": kilobytes, "fileType": file.content_type })
}

fn status_of(file: &FileRow, call: &Call<'_>, now: Now) -> &'static str {
    let scan_time = i64::try_from(call.state.file_scan_time.as_millis()).unwrap_or(i64::MAX);
    if now.millis() < file.uploaded_at.saturating_add(scan_time) {
        PENDING
    } else if file.infected {
        "SCAN_INFECTED"
    } else {
        "SCAN_CLEAN"
    }
}

pub(super) fn cell_of(table: &CompiledTable, column: &CompiledColumn, id: &str) -> FileCell {
    FileCell { table: table.name().to_owned(), column: column.name.clone(), skyflow_id: id.to_owned() }
}

pub(super) fn check_record(
    connection: &Connection,
    table: &CompiledTable,
    id: &str,
    verb: &str,
) -> ApiResult<()> {
    match records::exists(connection, table, id)? {
        true => Ok(()),
        false => Err(ApiError::unknown_ids(verb, &[id.to_owned()])),
    }
}

pub(super) fn file_column<'t>(
    table: &'t CompiledTable,
    name: &str,
    verb: &str,
) -> ApiResult<&'t CompiledColumn> {
    match table.column(name) {
        Some(column) if column.is_file() => Ok(column),
        _ => Err(ApiError::bad_request(format!(
            "{verb} failed. Column {name} is invalid. Specify a valid file column."
        ))),
    }
}

/// Returns the metadata of the files of a record by column.
pub(super) fn metadata_of_record(
    connection: &Connection,
    table: &CompiledTable,
    id: &str,
) -> ApiResult<Map<String, Value>> {
    let mut found = Map::new();
    for column in table.columns().iter().filter(|column| column.is_file()) {
        if let Some(file) = files::get(connection, &cell_of(table, column, id))? {
            found.insert(column.name.clone(), metadata(&file));
        }
    }
    Ok(found)
}
