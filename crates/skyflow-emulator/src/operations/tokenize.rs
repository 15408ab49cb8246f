use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::Exact;
use crate::schema::{CompiledColumn, Schema, text_of};
use crate::store::tokens;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenizeRequest {
    #[serde(default, deserialize_with = "members::optional")]
    tokenization_parameters: Option<Vec<TokenizeParameter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenizeParameter {
    #[serde(default)]
    value: Option<Exact>,
    #[serde(default, deserialize_with = "members::optional")]
    column_group: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    table: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    column: Option<String>,
}

impl TokenizeParameter {
    /// Finds the columns that are meant: by their group, or by one of them.
    fn column<'s>(&self, schema: &'s Schema) -> ApiResult<&'s Arc<CompiledColumn>> {
        let (found, name) = match (&self.column_group, &self.table, &self.column) {
            (Some(group), None, None) => (schema.group(group), format!("Column group {group}")),
            (None, Some(table), Some(column)) => {
                let table = schema.table(table).ok_or_else(|| ApiError::unknown_table(table))?;
                (table.column(column), format!("Column {column}"))
            }
            _ => {
                return Err(ApiError::bad_request(
                    "Tokenization failed. Specify either columnGroup, or both table and column.",
                ));
            }
        };
        let is_deterministic = |column: &&Arc<CompiledColumn>| {
            column.token_policy.is_some_and(|policy| policy.is_deterministic())
        };
        found.filter(is_deterministic).ok_or_else(|| {
            let kind = if self.column_group.is_some() { "column group" } else { "column" };
            ApiError::bad_request(format!("Tokenization failed. {name} is invalid. Specify a valid {kind}."))
        })
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
    call.check_rows("Tokenization", "values", parameters.len())?;
    let records: Vec<Value> = call.state.store.read(|connection| {
        parameters
            .iter()
            .map(|parameter| {
                let column = parameter.column(&call.state.schema)?;
                let Some(value) = parameter.value.as_ref().filter(|value| !value.is_null()) else {
                    return Err(ApiError::bad_request(
                        "Tokenization failed. A value is missing. Specify valid values.",
                    ));
                };
                let text = text_of(&column.normal(value.clone()));
                let fingerprint = call.state.token_key.fingerprint(&column.group, &text);
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
