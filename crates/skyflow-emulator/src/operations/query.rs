use rusqlite::types::ValueRef;
use rusqlite::{Row, params_from_iter};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use skyflow_types::Redaction;

use super::{Call, Reply, put_nested};
use crate::auth::{Caller, Permission};
use crate::errors::ApiResult;
use crate::query::{self, Output, Shown};
use crate::schema::REDACTED;

#[derive(Deserialize)]
struct QueryRequest {
    query: Option<String>,
}

pub(super) fn query(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: QueryRequest = call.json()?;
    let plan = query::compile(&call.state.schema, &request.query.unwrap_or_default())?;
    let records: Vec<Value> = call.state.store.read(|connection| -> ApiResult<_> {
        let mut statement = connection.prepare(&plan.sql)?;
        let rows = statement
            .query_map(params_from_iter(&plan.parameters), |row| record(caller, &plan.outputs, row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    })?;
    let count = records.len();
    Ok(Reply::json(json!({ "records": records })).counting(count, 0))
}

fn record(caller: &Caller, outputs: &[Output], row: &Row<'_>) -> rusqlite::Result<Value> {
    let mut fields = Map::new();
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
        if output.nested {
            put_nested(&mut fields, &output.name, value);
        } else {
            fields.insert(output.name.clone(), value);
        }
    }
    Ok(json!({ "fields": fields, "tokens": null }))
}

fn plain(stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into(),
    }
}
