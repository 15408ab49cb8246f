use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_types::Redaction;

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::schema::text_of;
use crate::store::{records, tokens};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetokenizeRequest {
    detokenization_parameters: Option<Vec<DetokenizeParameter>>,
    continue_on_error: Option<bool>,
}

#[derive(Deserialize)]
struct DetokenizeParameter {
    token: Option<String>,
    redaction: Option<Redaction>,
}

/// The value a token stands for, as the caller may see it.
struct Detokenized {
    value: String,
    value_type: &'static str,
}

pub(super) fn detokenize(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: DetokenizeRequest = call.json()?;
    let parameters = request.detokenization_parameters.unwrap_or_default();
    if parameters.is_empty() {
        return Err(ApiError::bad_request(
            "Detokenize failed. No tokens were present. Specify valid tokens.",
        ));
    }
    let mut unknown = Vec::new();
    let mut found = 0;
    let records: Vec<Value> = call.state.store.read(|connection| {
        parameters
            .iter()
            .map(|parameter| {
                let token = parameter.token.as_deref().unwrap_or_default();
                let asked = parameter.redaction.unwrap_or_default();
                Ok(match resolve(call, caller, connection, token, asked)? {
                    Some(Detokenized { value, value_type }) => {
                        found += 1;
                        json!({ "token": token, "valueType": value_type, "value": value, "error": null })
                    }
                    None => {
                        unknown.push(token.to_owned());
                        json!({ "token": token, "valueType": "NONE", "value": "", "error": "Token Not Found" })
                    }
                })
            })
            .collect::<ApiResult<_>>()
    })?;
    let status = match unknown.as_slice() {
        [] => http::StatusCode::OK,
        unknown if !request.continue_on_error.unwrap_or(false) => return Err(not_found(unknown, found)),
        _ if found == 0 => http::StatusCode::OK,
        _ => call.state.partial_detokenize_status,
    };
    let reply = Reply::json(json!({ "records": records })).counting(found, unknown.len());
    Ok(Reply { status, ..reply })
}

fn not_found(unknown: &[String], found: usize) -> ApiError {
    ApiError::not_found(match unknown {
        _ if found == 0 => "Detokenize failed. All tokens are invalid. Specify valid tokens.".to_owned(),
        [token] => format!("Token not found for {token}"),
        tokens => format!("Tokens not found for {}", tokens.join(", ")),
    })
}

fn resolve(
    call: &Call<'_>,
    caller: &Caller,
    connection: &Connection,
    token: &str,
    asked: Redaction,
) -> ApiResult<Option<Detokenized>> {
    let Some(target) = tokens::find(connection, token, call.now.millis())? else { return Ok(None) };
    let Some(table) = call.state.schema.table(&target.table) else { return Ok(None) };
    let Some(column) = table.column(&target.column) else { return Ok(None) };
    let value = match target.value {
        Some(json) => serde_json::from_str(&json).ok(),
        None => records::get_value(connection, table, column, &target.skyflow_id)?,
    };
    let Some(value) = value else { return Ok(None) };
    let level = caller.level(column, asked);
    let shown = column.show(value, level);
    // A masked number or date is a text.
    let value_type = if level == Redaction::PlainText { column.value_type() } else { "STRING" };
    Ok(Some(Detokenized { value: text_of(&shown), value_type }))
}
