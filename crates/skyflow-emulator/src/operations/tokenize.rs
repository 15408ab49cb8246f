use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::schema::text_of;
use crate::store::tokens;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenizeRequest {
    tokenization_parameters: Option<Vec<TokenizeParameter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenizeParameter {
    value: Option<Value>,
    column_group: Option<String>,
    table: Option<String>,
    column: Option<String>,
}

impl TokenizeParameter {
    /// A column may be named by its group, or by itself.
    fn group(&self, call: &Call<'_>) -> String {
        let by_column = || {
            let table = call.state.schema.table(self.table.as_deref()?)?;
            Some(table.column(self.column.as_deref()?)?.group.clone())
        };
        self.column_group.clone().filter(|group| !group.is_empty()).or_else(by_column).unwrap_or_default()
    }
}

/// Looks up the tokens of values that the vault already holds; it never makes one.
pub(super) fn tokenize(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: TokenizeRequest = call.json()?;
    let parameters = request.tokenization_parameters.unwrap_or_default();
    if parameters.is_empty() {
        return Err(ApiError::bad_request(
            "Tokenization failed. No values were present. Specify valid values.",
        ));
    }
    let records: Vec<Value> = call.state.store.read(|connection| {
        parameters
            .iter()
            .map(|parameter| {
                let name = parameter.group(call);
                let group = call.state.schema.group(&name);
                if !group
                    .and_then(|column| column.token_policy)
                    .is_some_and(|policy| policy.is_deterministic())
                {
                    return Err(ApiError::bad_request(format!(
                        "Tokenization failed. Column group {name} is invalid. Specify a valid column group."
                    )));
                }
                let text = parameter.value.as_ref().map(text_of).unwrap_or_default();
                let fingerprint = call.state.token_key.fingerprint(&name, &text);
                match tokens::of_value(connection, &fingerprint)? {
                    Some(token) => Ok(json!({ "token": token })),
                    None => Err(ApiError::not_found(
                        "Tokenization failed. The vault does not hold the value. Specify an existing value.",
                    )),
                }
            })
            .collect::<ApiResult<_>>()
    })?;
    let count = records.len();
    Ok(Reply::json(json!({ "records": records })).counting(count, 0))
}
