use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_types::Redaction;

use super::{Call, Reply};
use crate::auth::{Caller, DataToken, Permission};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::schema::text_of;
use crate::state::State;
use crate::store::{records, tokens};

const TOKEN_UNKNOWN: &str = "Token Not Found";
const SIGNATURE_INVALID: &str = "Signed Token Is Invalid";
const SIGNATURE_MISSING: &str = "Token Is Not Signed";

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

/// Returns the value of a token, as the caller may see it.
pub(super) struct Detokenized {
    pub(super) value: String,
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
    let mut failed = Vec::new();
    let mut found = 0;
    let records: Vec<Value> = call.state.store.read(|connection| {
        parameters
            .iter()
            .map(|parameter| {
                let token = parameter.token.as_deref().unwrap_or_default();
                let asked = parameter.redaction.unwrap_or_default();
                let problem = match DataToken::read(connection, caller, call.now, token)? {
                    DataToken::Plain(_) if caller.enforce_signed_tokens => SIGNATURE_MISSING,
                    DataToken::Refused => SIGNATURE_INVALID,
                    DataToken::Plain(data) | DataToken::Signed(data) => {
                        match resolve(call.state, call.now, caller, connection, &data, asked)? {
                            Some(Detokenized { value, value_type }) => {
                                found += 1;
                                // Without `error`: the official Python and Java SDKs fail on null.
                                return Ok(
                                    json!({ "token": token, "valueType": value_type, "value": value }),
                                );
                            }
                            None => TOKEN_UNKNOWN,
                        }
                    }
                };
                failed.push((token.to_owned(), problem));
                Ok(json!({ "token": token, "valueType": "NONE", "value": "", "error": problem }))
            })
            .collect::<ApiResult<_>>()
    })?;
    let status = match failed.as_slice() {
        [] => http::StatusCode::OK,
        failed if !request.continue_on_error.unwrap_or(false) => return Err(refusal(failed, found)),
        _ if found == 0 => http::StatusCode::OK,
        _ => call.state.partial_detokenize_status,
    };
    let reply = Reply::json(json!({ "records": records })).counting(found, failed.len());
    Ok(Reply { status, ..reply })
}

/// The error of the whole call, when it is not to go on after a failure.
fn refusal(failed: &[(String, &str)], found: usize) -> ApiError {
    if let Some((_, problem)) = failed.iter().find(|(_, problem)| *problem != TOKEN_UNKNOWN) {
        return ApiError::bad_request(format!("Detokenize failed. {problem}. Specify valid signed tokens."));
    }
    ApiError::not_found(match failed {
        _ if found == 0 => "Detokenize failed. All tokens are invalid. Specify valid tokens.".to_owned(),
        [(token, _)] => format!("Token not found for {token}"),
        several => {
            let tokens: Vec<&str> = several.iter().map(|(token, _)| token.as_str()).collect();
            format!("Tokens not found for {}", tokens.join(", "))
        }
    })
}

pub(super) fn resolve(
    state: &State,
    now: Now,
    caller: &Caller,
    connection: &Connection,
    token: &str,
    asked: Redaction,
) -> ApiResult<Option<Detokenized>> {
    let Some(target) = tokens::find(connection, token, now.millis())? else { return Ok(None) };
    let Some(table) = state.schema.table(&target.table) else { return Ok(None) };
    let Some(column) = table.column(&target.column) else { return Ok(None) };
    let value = records::value_behind(connection, table, column, &target)?;
    let Some(value) = value else { return Ok(None) };
    let level = caller.level(column, asked);
    let shown = column.show(value, level);
    // A masked number or date is a text.
    let value_type = if level == Redaction::PlainText { column.value_type() } else { "STRING" };
    Ok(Some(Detokenized { value: text_of(&shown), value_type }))
}
