//! Batches, which no recording of the official SDK has: their recordings are written by hand.

use skyflow::vault::BatchOutcome;
use skyflow::{BatchOperation, BatchRequest, BatchRow, Vault};

use super::arguments::{Arguments, Stop, inexpressible, text};
use super::{finished, shown};
use crate::json::Json;
use crate::outcome::Outcome;

pub(super) async fn batch(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("batch", args, &["operations", "continue_on_error"])?;
    let operations = args.list("operations")?.unwrap_or_default().iter().map(operation);
    let request = BatchRequest::new(operations.collect::<Result<Vec<_>, _>>()?)
        .continue_on_error(args.flag("continue_on_error")?.unwrap_or_default());
    finished(vault.batch(request).await, |response| {
        let outcomes = response.outcomes.iter().map(outcome).collect();
        Json::object([("type", Json::text("BatchResponse")), ("outcomes", Json::List(outcomes))])
    })
}

fn operation(json: &Json) -> Result<BatchOperation, Stop> {
    const KNOWN: [&str; 6] = ["method", "table", "id", "of_operation", "fields", "return_tokens"];
    let args = Arguments::of("batch.operations", json, &KNOWN)?;
    let table = args.required("table")?;
    let row = match args.count("of_operation")?.and_then(|index| usize::try_from(index).ok()) {
        Some(index) => BatchRow::of_operation(index),
        None => BatchRow::id(args.required("id")?),
    };
    let operation = match text("method", args.raw("method"))?.as_str() {
        "POST" => BatchOperation::insert(table, args.raw("fields")),
        "PUT" => BatchOperation::update(table, row, args.raw("fields")),
        "GET" => BatchOperation::get(table, row),
        "DELETE" => BatchOperation::delete(table, row),
        other => return Err(inexpressible("method", format!("is {other}"))),
    };
    Ok(operation.return_tokens(args.flag("return_tokens")?.unwrap_or_default()))
}

fn outcome(outcome: &BatchOutcome) -> Json {
    let row = outcome.result.as_ref().ok();
    let columns = |record: Option<&skyflow::Record>| record.map_or(Json::Null, shown);
    Json::object([
        ("request_index", Json::number(outcome.request_index)),
        ("http_code", Json::number_or_null(outcome.http_code)),
        ("skyflow_id", Json::text_or_null(row.and_then(|row| row.skyflow_id.as_ref()))),
        ("fields", columns(row.and_then(|row| row.fields.as_ref()))),
        ("tokens", columns(row.and_then(|row| row.tokens.as_ref()))),
        ("error", Json::text_or_null(outcome.result.as_ref().err().map(|error| error.message()))),
    ])
}
