use rusqlite::Connection;
use serde_json::{Map, Value, json};
use skyflow_types::Redaction;

use super::parameters::invalid;
use super::{Call, Reply, files, put_nested};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::schema::{CompiledTable, SKYFLOW_ID};
use crate::store::files::FileCell;
use crate::store::records::{self, Order, StoredRow};
use crate::store::tokens;

/// The most records of one response.
const PAGE: u32 = 25;

/// How records are shown.
pub(super) struct View {
    pub(super) redaction: Redaction,
    pub(super) tokenization: bool,
    /// The columns to show; all when empty.
    pub(super) fields: Vec<String>,
    /// Show links in place of the names of files.
    pub(super) download_url: bool,
    pub(super) file_metadata: bool,
}

impl View {
    fn of_query(call: &Call<'_>) -> ApiResult<Self> {
        Ok(Self {
            redaction: call.query.redaction()?,
            tokenization: call.query.flag("tokenization")?,
            fields: call.query.all("fields"),
            download_url: call.query.flag("downloadURL")?,
            file_metadata: call.query.flag("returnFileMetadata")?,
        })
    }

    fn check(&self, table: &CompiledTable) -> ApiResult<()> {
        let known =
            |name: &&String| *name == SKYFLOW_ID || table.column(name).is_some() || table.has_nested(name);
        match self.fields.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(unknown_column(name)),
        }
    }

    fn shows(&self, column: &str) -> bool {
        self.fields.is_empty()
            || self.fields.iter().any(|field| {
                column
                    .strip_prefix(field.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }
}

pub(super) fn list(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let table = call.table()?;
    let view = View::of_query(call)?;
    view.check(table)?;
    let query = &call.query;
    let ids = query.all("skyflow_ids");
    let column_name = query.one("column_name");
    let column_values = query.all("column_values");
    // A larger limit means a full page: published loaders send 100 or 300 and page by `offset`.
    let limit = match query.number("limit")? {
        Some(0) => return Err(invalid("limit", "a number of 1 or more")),
        limit => limit.unwrap_or(PAGE).min(PAGE),
    };
    let offset = query.number("offset")?.unwrap_or(0);
    let order = match query.one("order_by") {
        None | Some("ASCENDING") => Order::Ascending,
        Some("DESCENDING") => Order::Descending,
        Some("NONE") => Order::Insertion,
        Some(_) => return Err(invalid("order_by", "ASCENDING, DESCENDING or NONE")),
    };
    if view.tokenization && ids.is_empty() {
        return Err(ApiError::bad_request("Invalid request. Tokenization is only allowed with Skyflow IDs."));
    }
    if column_name.is_some() == column_values.is_empty() {
        return Err(ApiError::bad_request("Invalid request. Specify both column_name and column_values."));
    }
    if column_name.is_some() && !ids.is_empty() {
        return Err(ApiError::bad_request("Invalid request. Specify either Skyflow IDs or a column name."));
    }

    let records: Vec<Value> = call.state.store.read(|connection| {
        let rows = match column_name {
            Some(name) => by_column(connection, table, name, &column_values)?,
            None if ids.is_empty() => records::page(connection, table, order, offset, limit)?,
            None => by_ids(connection, table, &ids)?,
        };
        rows.into_iter()
            .skip(if column_name.is_some() || !ids.is_empty() { offset as usize } else { 0 })
            .take(limit as usize)
            .map(|row| record(call, caller, connection, table, row, &view))
            .collect::<ApiResult<_>>()
    })?;
    let count = records.len();
    Ok(Reply::json(json!({ "records": records })).counting(count, 0))
}

pub(super) fn get_one(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let view = View::of_query(call)?;
    let record = one_record(call, caller, call.table()?, call.path.get("id"), &view)?;
    Ok(Reply::json(record).counting(1, 0))
}

/// Reads one record, for get and for batch.
pub(super) fn one_record(
    call: &Call<'_>,
    caller: &Caller,
    table: &CompiledTable,
    id: &str,
    view: &View,
) -> ApiResult<Value> {
    call.state.store.read(|connection| one_record_in(connection, call, caller, table, id, view))
}

/// Reads one record inside a transaction.
pub(super) fn one_record_in(
    connection: &Connection,
    call: &Call<'_>,
    caller: &Caller,
    table: &CompiledTable,
    id: &str,
    view: &View,
) -> ApiResult<Value> {
    caller.require(Permission::Read)?;
    view.check(table)?;
    match records::get(connection, table, id)? {
        Some(row) => record(call, caller, connection, table, row, view),
        None => Err(ApiError::unknown_ids("Get", &[id.to_owned()])),
    }
}

fn by_ids(connection: &Connection, table: &CompiledTable, ids: &[String]) -> ApiResult<Vec<StoredRow>> {
    if ids.len() > PAGE as usize {
        return Err(invalid("skyflow_ids", "at most 25 IDs"));
    }
    let mut rows = Vec::with_capacity(ids.len());
    let mut unknown = Vec::new();
    for id in ids {
        match records::get(connection, table, id)? {
            Some(row) => rows.push(row),
            None => unknown.push(id.clone()),
        }
    }
    if unknown.is_empty() { Ok(rows) } else { Err(ApiError::unknown_ids("Get", &unknown)) }
}

fn by_column(
    connection: &Connection,
    table: &CompiledTable,
    name: &str,
    values: &[String],
) -> ApiResult<Vec<StoredRow>> {
    let Some(column) = table.column(name) else { return Err(unknown_column(name)) };
    if !column.unique {
        return Err(ApiError::bad_request(format!(
            "Invalid request. Column {name} is not unique. Specify a unique column."
        )));
    }
    let mut rows = Vec::with_capacity(values.len());
    for value in values {
        let value = column.parse_text(value);
        if let Some(id) = records::find_by_value(connection, table, column, &value)? {
            rows.extend(records::get(connection, table, &id)?);
        }
    }
    if rows.is_empty() { Err(ApiError::not_found("No Records Found")) } else { Ok(rows) }
}

/// Writes a record as a response shows it. With tokenization `fields` holds the tokens instead of the values.
fn record(
    call: &Call<'_>,
    caller: &Caller,
    connection: &Connection,
    table: &CompiledTable,
    row: StoredRow,
    view: &View,
) -> ApiResult<Value> {
    let mut tokens = match view.tokenization {
        true => tokens::of_record(connection, &row.skyflow_id, call.now.millis())?,
        false => Default::default(),
    };
    let mut fields = Map::new();
    for (column, value) in table.columns().iter().zip(row.values) {
        if !view.shows(&column.name) {
            continue;
        }
        let shown = match tokens.remove(&column.name) {
            Some(token) => token.into(),
            None if column.is_file() && view.download_url => {
                let cell = FileCell {
                    table: table.name().to_owned(),
                    column: column.name.clone(),
                    skyflow_id: row.skyflow_id.clone(),
                };
                files::download_url(connection, call, cell)?.into()
            }
            None => column.show(value, caller.level(column, view.redaction)),
        };
        if !shown.is_null() {
            put_nested(&mut fields, &column.name, shown);
        }
    }
    fields.insert(SKYFLOW_ID.to_owned(), row.skyflow_id.as_str().into());
    let mut record =
        Map::from_iter([("fields".to_owned(), fields.into()), ("tokens".to_owned(), Value::Null)]);
    if view.file_metadata {
        files::add_metadata(connection, table, &row.skyflow_id, &mut record)?;
    }
    Ok(record.into())
}

fn unknown_column(name: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid request. Column {name} is invalid. Specify a valid column."))
}
