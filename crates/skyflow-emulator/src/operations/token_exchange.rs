//! The configurations of token exchange, in the form of the management API.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::object_id::object_id;
use crate::store::token_exchanges::{self, ExchangeRow};

/// How many configurations one response holds by default.
const PAGE: u32 = 25;

/// A configuration: whose tokens the vault takes, and for which accounts.
#[derive(Serialize, Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TokenExchange {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) issuer: String,
    #[serde(rename = "publicKeyJWKURI")]
    pub(super) key_set_uri: String,
    #[serde(rename = "serviceAccountIDs")]
    pub(super) service_account_ids: Vec<String>,
    pub(super) context_claims: Vec<String>,
    #[serde(rename = "accountID")]
    pub(super) account_id: String,
}

/// The members that a request sets; the others stay unchanged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    #[serde(default, deserialize_with = "members::optional")]
    name: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    description: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    issuer: Option<String>,
    #[serde(rename = "publicKeyJWKURI", default, deserialize_with = "members::optional")]
    key_set_uri: Option<String>,
    #[serde(rename = "serviceAccountIDs", default, deserialize_with = "members::optional")]
    service_account_ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "members::optional")]
    context_claims: Option<Vec<String>>,
    #[serde(rename = "accountID", default, deserialize_with = "members::optional")]
    account_id: Option<String>,
}

impl Change {
    fn apply(self, to: &mut TokenExchange) {
        let set = |target: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *target = value;
            }
        };
        set(&mut to.name, self.name);
        set(&mut to.description, self.description);
        set(&mut to.issuer, self.issuer);
        set(&mut to.key_set_uri, self.key_set_uri);
        if let Some(ids) = self.service_account_ids {
            to.service_account_ids = ids;
        }
        if let Some(claims) = self.context_claims {
            to.context_claims = claims;
        }
    }
}

pub(super) fn create(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Manage)?;
    let change: Change = call.json()?;
    if change.account_id.as_ref().is_some_and(|id| *id != call.state.account_id) {
        return Err(ApiError::no_such_resource());
    }
    if change.issuer.is_none() {
        return Err(ApiError::bad_request("Invalid request. The issuer is missing. Specify an issuer."));
    }
    let mut made = TokenExchange { account_id: call.state.account_id.clone(), ..TokenExchange::default() };
    change.apply(&mut made);
    let id = object_id();
    call.state.store.write(|transaction| -> ApiResult<()> {
        Ok(token_exchanges::put(transaction, &row_of(&id, &made)?)?)
    })?;
    Ok(Reply::json(json!({ "ID": id })).counting(1, 0))
}

pub(super) fn get(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Manage)?;
    let row = call.state.store.read(|connection| token_exchanges::get(connection, call.path.get("id")))?;
    let row = row.ok_or_else(ApiError::no_such_resource)?;
    Ok(Reply::json(shown(&row)?).counting(1, 0))
}

pub(super) fn list(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Manage)?;
    let offset = call.query.number("offset")?.unwrap_or(0) as usize;
    let limit = call.query.number("limit")?.unwrap_or(PAGE) as usize;
    let rows = call.state.store.read(token_exchanges::all)?;
    let shown: Vec<Value> = rows.iter().map(shown).collect::<ApiResult<_>>()?;
    let is_wanted = |configuration: &Value| {
        ["name", "accountID"].into_iter().all(|member| {
            call.query
                .one(member)
                .is_none_or(|wanted| configuration.get(member).and_then(Value::as_str) == Some(wanted))
        })
    };
    let page: Vec<Value> = shown.into_iter().filter(is_wanted).skip(offset).take(limit).collect();
    let count = page.len();
    Ok(Reply::json(json!({ "stsConfigs": page })).counting(count, 0))
}

pub(super) fn update(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Manage)?;
    let change: Change = call.json()?;
    let row = call.state.store.write(|transaction| -> ApiResult<ExchangeRow> {
        let row = token_exchanges::get(transaction, call.path.get("id"))?;
        let row = row.ok_or_else(ApiError::no_such_resource)?;
        let mut configuration = read(&row)?;
        change.apply(&mut configuration);
        let row = row_of(&row.id, &configuration)?;
        token_exchanges::put(transaction, &row)?;
        Ok(row)
    })?;
    Ok(Reply::json(shown(&row)?).counting(1, 0))
}

pub(super) fn delete(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Manage)?;
    let id = call.path.get("id");
    match call.state.store.write(|transaction| token_exchanges::remove(transaction, id))? {
        true => Ok(Reply::json(json!({ "ID": id })).counting(1, 0)),
        false => Err(ApiError::no_such_resource()),
    }
}

fn read(row: &ExchangeRow) -> ApiResult<TokenExchange> {
    serde_json::from_str(&row.json).map_err(|_| ApiError::internal())
}

fn row_of(id: &str, configuration: &TokenExchange) -> ApiResult<ExchangeRow> {
    let json = serde_json::to_string(configuration).map_err(|_| ApiError::internal())?;
    Ok(ExchangeRow { id: id.to_owned(), json })
}

fn shown(row: &ExchangeRow) -> ApiResult<Value> {
    let mut shown: Value = serde_json::from_str(&row.json).map_err(|_| ApiError::internal())?;
    if let Some(members) = shown.as_object_mut() {
        members.insert("ID".to_owned(), row.id.as_str().into());
    }
    Ok(shown)
}
