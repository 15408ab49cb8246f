use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_types::Redaction;

use super::{Call, Reply, files, members};
use crate::auth::{Caller, DataToken, Permission};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::schema::text_of;
use crate::state::State;
use crate::store::files::FileCell;
use crate::store::{records, tokens};

const TOKEN_UNKNOWN: &str = "Token Not Found";
const SIGNATURE_INVALID: &str = "Signed Token Is Invalid";
const SIGNATURE_MISSING: &str = "Token Is Not Signed";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetokenizeRequest {
    #[serde(default, deserialize_with = "members::optional")]
    detokenization_parameters: Option<Vec<DetokenizeParameter>>,
    #[serde(default, deserialize_with = "members::optional")]
    continue_on_error: Option<bool>,
    #[serde(rename = "downloadURL", default, deserialize_with = "members::optional")]
    download_url: Option<bool>,
}

#[derive(Deserialize)]
struct DetokenizeParameter {
    #[serde(default, deserialize_with = "members::optional")]
    token: Option<String>,
    #[serde(default, deserialize_with = "members::named")]
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
    call.check_rows("Detokenize", "tokens", parameters.len())?;
    let with_links = request.download_url.unwrap_or(false);
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
                        let found_value = match with_links {
                            true => link(call, connection, &data)?,
                            false => None,
                        };
                        let found_value = match found_value {
                            None => resolve(call.state, call.now, caller, connection, &data, asked)?,
                            link => link,
                        };
                        match found_value {
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

/// Returns the link to the file of a token; `None` for the token of anything else.
fn link(call: &Call<'_>, connection: &Connection, token: &str) -> ApiResult<Option<Detokenized>> {
    let Some(target) = tokens::find(connection, token, call.now.millis())? else { return Ok(None) };
    let table = call.state.schema.table(&target.table);
    let Some(column) = table.and_then(|table| table.column(&target.column)).filter(|column| column.is_file())
    else {
        return Ok(None);
    };
    let value_type = column.value_type();
    let cell = FileCell { table: target.table, column: target.column, skyflow_id: target.skyflow_id };
    let url = files::download_url(connection, call, cell, false)?;
    Ok(url.map(|value| Detokenized { value, value_type }))
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
