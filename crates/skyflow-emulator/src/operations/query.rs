use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};
use serde::{Deserialize, Serialize};
use skyflow_types::Redaction;

use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
use crate::query::{self, Output, Shown};
use crate::schema::REDACTED;
use crate::store::Searched;

#[derive(Deserialize)]
struct QueryRequest {
    #[serde(default, deserialize_with = "members::optional")]
    query: Option<String>,
}

#[derive(Serialize)]
struct QueryReply {
    records: Vec<RowReply>,
}

#[derive(Serialize)]
struct RowReply {
    fields: Members,
    tokens: (),
}

pub(super) fn query(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: QueryRequest = call.json()?;
    let text = request.query.unwrap_or_default();
    let plan = query::compile(&call.state.schema, &text)?;
    let work = |connection: &Connection| -> rusqlite::Result<Vec<RowReply>> {
        let mut statement = connection.prepare(&plan.sql)?;
        let rows = statement
            .query_map(params_from_iter(&plan.parameters), |row| record(caller, &plan.outputs, row))?;
        rows.collect()
    };
    let state = call.state;
    let records = match state.store.search(&state.clock, state.query_time_limit, work) {
        Ok(Searched::Found(records)) => records,
        Ok(Searched::OutOfTime) => {
            let limit = state.query_time_limit.as_secs_f64();
            return Err(query::refused(format!("The query takes longer than {limit} seconds.")));
        }
        Err(error) => return Err(failure(error)),
    };
    let count = records.len();
    let mut reply = Reply::serialized(&QueryReply { records })?;
    reply.audit.content = text;
    reply.audit.table = plan.table;
    Ok(reply.counting(count, 0))
}

/// Tells a query that SQLite cannot compute, such as a sum out of range or a join of too many tables, from a store that
/// failed.
fn failure(error: rusqlite::Error) -> ApiError {
    let is_store = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::InternalMalfunction
                | ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
        )
    );
    if is_store { error.into() } else { query::refused("The query cannot be computed.") }
}

/// A null column is left out of its row, as in the published example.
fn record(caller: &Caller, outputs: &[Output], row: &Row<'_>) -> rusqlite::Result<RowReply> {
    let mut fields = Members::new();
    for (index, output) in outputs.iter().enumerate() {
        let stored = row.get_ref(index)?;
        let value = match &output.shown {
            Shown::Plain => plain(stored),
            Shown::Value(column, level) => column.show(column.read(stored), caller.level(column, *level)),
            Shown::Computed(column) => match caller.level(column, Redaction::PlainText) {
                Redaction::PlainText => plain(stored),
                _ => REDACTED.into(),
            },
        };
        if value.is_null() {
            continue;
        }
        if output.nested {
            Exact::put_nested(&mut fields, &output.name, value);
        } else {
            fields.insert(output.name.clone(), value);
        }
    }
    Ok(RowReply { fields, tokens: () })
}

fn plain(stored: ValueRef<'_>) -> Exact {
    match stored {
        ValueRef::Null => Exact::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned().into(),
    }
}
