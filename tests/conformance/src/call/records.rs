//! Rows: insert, get, update, delete, query.

use skyflow::{
    DeleteRequest, GetRequest, GetResponse, InsertRequest, InsertResponse, Order, QueryRequest,
    QueryResponse, UpdateRequest, UpdateResponse, Vault,
};

use super::arguments::{Arguments, REDACTIONS, Stop, TOKEN_MODES, inexpressible, text};
use super::{finished, shown};
use crate::json::Json;
use crate::outcome::Outcome;

pub(super) async fn insert(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    const KNOWN: [&str; 8] = [
        "table",
        "values",
        "tokens",
        "upsert",
        "homogeneous",
        "token_mode",
        "return_tokens",
        "continue_on_error",
    ];
    let args = Arguments::of("insert", args, &KNOWN)?;
    let mut request = InsertRequest::new(args.required("table")?)
        // Python's default is the other one, so both are said.
        .return_tokens(args.flag("return_tokens")?.unwrap_or(true));
    let values = args.list("values")?.unwrap_or_default();
    let tokens = args.list("tokens")?.unwrap_or_default();
    if tokens.len() > values.len() {
        return Err(inexpressible("tokens", "has more rows than `values`".to_owned()));
    }
    for (index, value) in values.iter().enumerate() {
        request = match tokens.get(index) {
            None => request.record(value),
            Some(Json::Null) => return Err(inexpressible(&format!("tokens[{index}]"), "is null".to_owned())),
            Some(tokens) => request.record_with_tokens(value, tokens),
        };
    }
    if let Some(column) = args.text("upsert")? {
        request = request.upsert(column);
    }
    if !args.raw("homogeneous").is_null() {
        request = request.homogeneous(args.flag("homogeneous")?.unwrap_or_default());
    }
    if let Some(mode) = args.choice("token_mode", &TOKEN_MODES)? {
        request = request.token_mode(mode);
    }
    if let Some(yes) = args.flag("continue_on_error")? {
        request = request.continue_on_error(yes);
    }
    finished(vault.insert(request).await, |response| inserted(&response))
}

fn inserted(response: &InsertResponse) -> Json {
    let rows = response.inserted_fields.iter().map(|row| {
        Json::object([
            ("skyflow_id", Json::text(&row.skyflow_id)),
            ("request_index", Json::number(row.request_index)),
            ("tokens", row.tokens.as_ref().map_or(Json::Null, shown)),
        ])
    });
    let errors = response.errors.iter().map(|error| {
        Json::object([
            ("request_index", Json::number(error.request_index)),
            ("request_id", Json::text_or_null(error.request_id.as_ref())),
            ("error", Json::text(&error.error)),
            ("http_code", Json::number_or_null(error.http_code)),
        ])
    });
    Json::object([
        ("type", Json::text("InsertResponse")),
        ("inserted_fields", Json::List(rows.collect())),
        ("errors", Json::List(errors.collect())),
    ])
}

const ORDERS: [(&str, Order); 3] =
    [("ASCENDING", Order::Ascending), ("DESCENDING", Order::Descending), ("NONE", Order::None)];

pub(super) async fn get(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    const KNOWN: [&str; 11] = [
        "table",
        "ids",
        "redaction_type",
        "return_tokens",
        "fields",
        "offset",
        "limit",
        "download_url",
        "column_name",
        "column_values",
        "order_by",
    ];
    let args = Arguments::of("get", args, &KNOWN)?;
    let mut request = GetRequest::new(args.required("table")?);
    if let Some(ids) = args.texts("ids")? {
        request = request.ids(ids);
    }
    let (name, values) = (args.text("column_name")?, args.texts("column_values")?);
    if name.is_some() || values.is_some() {
        request = request.column(name.unwrap_or_default(), values.unwrap_or_default());
    }
    if let Some(redaction) = args.choice("redaction_type", &REDACTIONS)? {
        request = request.redaction(redaction);
    }
    if let Some(yes) = args.flag("return_tokens")? {
        request = request.return_tokens(yes);
    }
    if let Some(fields) = args.texts("fields")? {
        request = request.fields(fields);
    }
    if let Some(rows) = args.count("offset")? {
        request = request.offset(rows);
    }
    if let Some(rows) = args.count("limit")? {
        request = request.limit(rows);
    }
    if !args.raw("download_url").is_null() {
        request = request.download_url(args.flag("download_url")?.unwrap_or_default());
    }
    // Python has no such option, but others have.
    if let Some(order) = args.choice("order_by", &ORDERS)? {
        request = request.order_by(order);
    }
    finished(vault.get(request).await, |response| got(&response))
}

fn got(response: &GetResponse) -> Json {
    let data = response.data.iter().map(|row| shown(row)).collect();
    Json::object([
        ("type", Json::text("GetResponse")),
        ("data", Json::List(data)),
        ("errors", Json::List(Vec::new())),
    ])
}

pub(super) async fn update(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("update", args, &["table", "data", "tokens", "return_tokens", "token_mode"])?;
    let data = args.raw("data");
    if !matches!(data, Json::Object(_)) {
        return Err(inexpressible("data", format!("is {} and has no id", data.kind())));
    }
    let id = match data.get("skyflow_id") {
        Json::Null => String::new(),
        id => text("data.skyflow_id", id)?,
    };
    let mut request = UpdateRequest::new(args.required("table")?, id, data);
    match args.raw("tokens") {
        Json::Null => {}
        tokens => request = request.tokens(tokens),
    }
    if let Some(yes) = args.flag("return_tokens")? {
        request = request.return_tokens(yes);
    }
    if let Some(mode) = args.choice("token_mode", &TOKEN_MODES)? {
        request = request.token_mode(mode);
    }
    finished(vault.update(request).await, |response| updated(&response))
}

fn updated(response: &UpdateResponse) -> Json {
    let row = Json::object([
        ("skyflow_id", Json::text(&response.skyflow_id)),
        ("tokens", response.tokens.as_ref().map_or(Json::Null, shown)),
    ]);
    Json::object([
        ("type", Json::text("UpdateResponse")),
        ("updated_field", row),
        ("errors", Json::List(Vec::new())),
    ])
}

pub(super) async fn delete(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("delete", args, &["table", "ids"])?;
    let (table, ids) = (args.required("table")?, args.texts("ids")?.unwrap_or_default());
    let response = match ids.as_slice() {
        [all] if all == "*" => vault.delete_all_rows(table).await,
        _ => vault.delete(DeleteRequest::new(table, ids)).await,
    };
    finished(response, |response| {
        Json::object([
            ("type", Json::text("DeleteResponse")),
            ("deleted_ids", Json::List(response.deleted_ids.iter().map(Json::text).collect())),
            ("errors", Json::List(Vec::new())),
        ])
    })
}

pub(super) async fn query(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("query", args, &["query"])?;
    finished(vault.query(QueryRequest::new(args.required("query")?)).await, |response| queried(&response))
}

fn queried(response: &QueryResponse) -> Json {
    let rows = response.fields.iter().map(|row| {
        Json::object([("fields", shown(&row.record)), ("tokenized_data", shown(&row.tokenized_data))])
    });
    Json::object([
        ("type", Json::text("QueryResponse")),
        ("fields", Json::List(rows.collect())),
        ("errors", Json::List(Vec::new())),
    ])
}
