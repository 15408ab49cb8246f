use http::header::CONTENT_TYPE;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use skyflow_types::TokenMode;

use super::parameters::invalid;
use super::write::Writer;
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::file_type;
use crate::multipart::{self, Part};
use crate::schema::{CompiledColumn, CompiledTable};
use crate::store::files::{self, FileCell, FileRow};
use crate::store::records;

/// Uploads a file to a record that exists.
pub(super) fn upload(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let form = Form::read(call)?;
    let table = call.table()?;
    let id = call.path.get("id").to_owned();
    call.state.store.write(|transaction| form.store(transaction, call, table, &id))?;
    Ok(Reply::json(json!({ "skyflow_id": id, "tokens": null })).counting(1, 0))
}

/// Uploads a file to a record that exists, or to a new one when no id is given.
pub(super) fn upload_v2(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let form = Form::read(call)?;
    let table = call.table_named(&form.text("tableName"))?;
    let with_metadata = match form.text("returnFileMetadata").to_ascii_lowercase().as_str() {
        "" | "false" => false,
        "true" => true,
        _ => return Err(invalid("returnFileMetadata", "true or false")),
    };
    let (id, column, file) = call.state.store.write(|transaction| -> ApiResult<_> {
        let id = match form.text("skyflowID") {
            id if id.is_empty() => {
                let writer = Writer {
                    state: call.state,
                    connection: transaction,
                    now: call.now,
                    mode: TokenMode::Disable,
                };
                writer.insert_empty(table)?
            }
            id => id,
        };
        let (column, file) = form.store(transaction, call, table, &id)?;
        Ok((id, column, file))
    })?;
    let metadata = if with_metadata { json!({ column: metadata(&file) }) } else { Value::Null };
    Ok(Reply::json(json!({ "skyflowID": id, "fileMetadata": metadata })).counting(1, 0))
}

pub(super) fn delete_file(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call.table()?;
    let column = file_column(table, call.path.get("column_name"), "Delete")?;
    let cell = cell_of(call, table, column);
    call.state.store.write(|transaction| -> ApiResult<()> {
        check_record(transaction, table, &cell.skyflow_id, "Delete")?;
        if !files::remove(transaction, &cell)? {
            return Err(ApiError::not_found(format!("Delete failed. Column {} has no file.", column.name)));
        }
        Ok(records::update(transaction, table, &cell.skyflow_id, &[(column, &Value::Null)])?)
    })?;
    Ok(Reply::json(json!({ "skyflow_id": cell.skyflow_id, "deleted": true })).counting(1, 0))
}

pub(super) fn scan_status(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let table = call.table()?;
    let column = file_column(table, call.path.get("column_name"), "Get")?;
    let cell = cell_of(call, table, column);
    let file = call.state.store.read(|connection| -> ApiResult<_> {
        check_record(connection, table, &cell.skyflow_id, "Get")?;
        Ok(files::get(connection, &cell)?)
    })?;
    let status = file.map_or("SCAN_FILE_NOT_FOUND", |file| status_of(&file, call, call.now));
    Ok(Reply::json(json!({ "av_scan_status": status })))
}

/// Serves a file to any caller with its link.
pub(super) fn download(call: &Call<'_>) -> ApiResult<Reply> {
    let found = match call.state.downloads.find(call.path.get("key"), call.now) {
        Some(cell) => call.state.store.read(|connection| -> ApiResult<_> {
            Ok(files::get(connection, &cell)?.zip(files::content(connection, &cell)?))
        })?,
        None => None,
    };
    let Some((file, content)) = found else { return Err(ApiError::no_such_resource()) };
    Ok(Reply::file(file.content_type, content))
}

/// The link to a file, once it is known to be clean.
pub(super) fn download_url(
    connection: &Connection,
    call: &Call<'_>,
    cell: FileCell,
) -> ApiResult<Option<String>> {
    let clean =
        files::get(connection, &cell)?.is_some_and(|file| status_of(&file, call, call.now) == "SCAN_CLEAN");
    Ok(clean.then(|| format!("{}{}", call.origin, call.state.downloads.path_to(cell, call.now))))
}

/// Returns what a response says about a file.
pub(super) fn metadata_of(connection: &Connection, cell: &FileCell) -> ApiResult<Option<Value>> {
    Ok(files::get(connection, cell)?.as_ref().map(metadata))
}

fn metadata(file: &FileRow) -> Value {
    json!({ "fileName": file.file_name, "fileSize": file.size, "fileType": file.content_type })
}

fn status_of(file: &FileRow, call: &Call<'_>, now: Now) -> &'static str {
    let scan_time = i64::try_from(call.state.file_scan_time.as_millis()).unwrap_or(i64::MAX);
    if now.millis() < file.uploaded_at.saturating_add(scan_time) {
        "SCAN_PENDING"
    } else if file.infected {
        "SCAN_INFECTED"
    } else {
        "SCAN_CLEAN"
    }
}

fn cell_of(call: &Call<'_>, table: &CompiledTable, column: &CompiledColumn) -> FileCell {
    FileCell {
        table: table.name().to_owned(),
        column: column.name.clone(),
        skyflow_id: call.path.get("id").to_owned(),
    }
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

/// An upload form.
struct Form<'a>(Vec<Part<'a>>);

impl<'a> Form<'a> {
    fn read(call: &Call<'a>) -> ApiResult<Self> {
        let content_type = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let parts = multipart::parse(content_type.unwrap_or_default(), call.body);
        parts
            .map(Self)
            .ok_or_else(|| ApiError::bad_request("Invalid request. The body is not multipart/form-data."))
    }

    fn text(&self, name: &str) -> String {
        self.0.iter().find(|part| part.name == name).map(Part::text).unwrap_or_default()
    }

    /// Stores the file of the form in a cell; returns the column and what is known about the file.
    fn store(
        &self,
        connection: &Connection,
        call: &Call<'_>,
        table: &CompiledTable,
        id: &str,
    ) -> ApiResult<(String, FileRow)> {
        let column = file_column(table, &self.text("columnName"), "Upload")?;
        let Some(part) = self.0.iter().find(|part| part.name == "file") else {
            return Err(ApiError::bad_request("Upload failed. The file is missing. Specify a file."));
        };
        check_record(connection, table, id, "Upload")?;
        // A path is reduced to the name of the file, whatever system it comes from.
        let given = part.file_name.as_deref().unwrap_or_default();
        let name = given.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("file");
        let content_type = file_type::of(name, part.content);
        if !column.file_types.is_empty() {
            let allowed = column.file_types.iter().any(|allowed| same_type(allowed, content_type));
            if !allowed || file_type::by_extension(name) != Some(content_type) {
                return Err(ApiError::bad_request(format!(
                    "Upload failed. Column {} does not accept this type of file.",
                    column.name
                )));
            }
        }
        let file = FileRow {
            file_name: name.to_owned(),
            content_type: content_type.to_owned(),
            size: i64::try_from(part.content.len()).unwrap_or(i64::MAX),
            infected: file_type::is_infected(part.content),
            uploaded_at: call.now.millis(),
        };
        let cell = FileCell {
            table: table.name().to_owned(),
            column: column.name.clone(),
            skyflow_id: id.to_owned(),
        };
        files::put(connection, &cell, &file, part.content)?;
        records::update(connection, table, id, &[(column, &name.into())])?;
        Ok((column.name.clone(), file))
    }
}

fn same_type(allowed: &str, found: &str) -> bool {
    allowed == found || (allowed == "image/jpg" && found == "image/jpeg")
}

/// Adds the metadata of the files of a record to its response.
pub(super) fn add_metadata(
    connection: &Connection,
    table: &CompiledTable,
    id: &str,
    record: &mut Map<String, Value>,
) -> ApiResult<()> {
    let mut found = Map::new();
    for column in table.columns().iter().filter(|column| column.is_file()) {
        let cell = FileCell {
            table: table.name().to_owned(),
            column: column.name.clone(),
            skyflow_id: id.to_owned(),
        };
        if let Some(metadata) = metadata_of(connection, &cell)? {
            found.insert(column.name.clone(), metadata);
        }
    }
    record.insert("fileMetadata".to_owned(), Value::Object(found));
    Ok(())
}
