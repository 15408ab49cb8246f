use rusqlite::Connection;
use serde::Serialize;
use serde_json::{Map, Value};
use skyflow_types::Redaction;

use super::parameters::invalid;
use super::{Call, Reply, files};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
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
    /// Let links show the file instead of saving it.
    pub(super) inline: bool,
}

/// One record of a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordReply {
    fields: Members,
    /// Null, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_metadata: Option<Map<String, Value>>,
}

impl RecordReply {
    /// Omits `tokens`, for the entries of a batch.
    pub(super) fn without_null(self) -> Self {
        Self { tokens: None, ..self }
    }
}

#[derive(Serialize)]
struct ListReply {
    records: Vec<RecordReply>,
}

impl View {
    fn of_query(call: &Call<'_>) -> ApiResult<Self> {
        Ok(Self {
            redaction: call.query.redaction()?,
            tokenization: call.query.flag("tokenization")?,
            fields: call.query.all("fields"),
            download_url: call.query.flag("downloadURL")?,
            file_metadata: call.query.flag("returnFileMetadata")?,
            inline: match call.query.name("contentDisposition").as_deref() {
                None | Some("ATTACHMENT") => false,
                Some("INLINE") => true,
                Some(_) => return Err(invalid("contentDisposition", "INLINE or ATTACHMENT")),
            },
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
    let order = match query.name("order_by").as_deref() {
        None => None,
        Some("ASCENDING") => Some(Order::Ascending),
        Some("DESCENDING") => Some(Order::Descending),
        Some("NONE") => Some(Order::Insertion),
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

    let records: Vec<RecordReply> = call.state.store.read(|connection| {
        let rows = match column_name {
            Some(name) => {
                let rows = by_column(connection, table, name, &column_values)?;
                page_of(rows, order, offset, limit)
            }
            None if ids.is_empty() => {
                records::page(connection, table, order.unwrap_or(Order::Ascending), offset, limit)?
            }
            None => page_of(by_ids(connection, table, &ids)?, order, offset, limit),
        };
        rows.into_iter()
            .map(|row| record(call, caller, connection, table, row, &view))
            .collect::<ApiResult<_>>()
    })?;
    let count = records.len();
    Ok(Reply::serialized(&ListReply { records })?.counting(count, 0))
}

/// Orders rows by their ids, unless the order of the request is to stay, and takes one page of them.
fn page_of(mut rows: Vec<StoredRow>, order: Option<Order>, offset: u32, limit: u32) -> Vec<StoredRow> {
    match order {
        Some(Order::Ascending) => rows.sort_by(|a, b| a.skyflow_id.cmp(&b.skyflow_id)),
        Some(Order::Descending) => rows.sort_by(|a, b| b.skyflow_id.cmp(&a.skyflow_id)),
        Some(Order::Insertion) | None => {}
    }
    rows.into_iter().skip(offset as usize).take(limit as usize).collect()
}

pub(super) fn get_one(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let view = View::of_query(call)?;
    let record = one_record(call, caller, call.table()?, call.path.get("id"), &view)?;
    Ok(Reply::serialized(&record)?.counting(1, 0))
}

/// Reads one record, for get and for batch.
pub(super) fn one_record(
    call: &Call<'_>,
    caller: &Caller,
    table: &CompiledTable,
    id: &str,
    view: &View,
) -> ApiResult<RecordReply> {
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
) -> ApiResult<RecordReply> {
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
) -> ApiResult<RecordReply> {
    let mut tokens = match view.tokenization {
        true => tokens::of_record(connection, &row.skyflow_id, call.now.millis())?,
        false => Default::default(),
    };
    let mut fields = Members::new();
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
                files::download_url(connection, call, cell, view.inline)?.map_or(Exact::Null, Exact::from)
            }
            None => column.show(value, caller.level(column, view.redaction)),
        };
        if !shown.is_null() {
            Exact::put_nested(&mut fields, &column.name, shown);
        }
    }
    fields.insert(SKYFLOW_ID.to_owned(), row.skyflow_id.as_str().into());
    let file_metadata = match view.file_metadata {
        true => Some(files::metadata_of_record(connection, table, &row.skyflow_id)?),
        false => None,
    };
    Ok(RecordReply { fields, tokens: Some(()), file_metadata })
}

fn unknown_column(name: &str) -> ApiError {
    ApiError::bad_request(format!("Invalid request. Column {name} is invalid. Specify a valid column."))
}
