//! The token of another issuer against a bearer token (RFC 8693).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::assertion_grant::check_start;
use super::token_exchange::TokenExchange;
use super::{Call, Reply};
use crate::auth::{Grant, Jws, Proof, role_ids};
use crate::errors::{ApiError, ApiResult};
use crate::store::{accounts, token_exchanges};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];

#[derive(Deserialize)]
struct ExchangeRequest {
    grant_type: Option<String>,
    subject_token: Option<String>,
    subject_token_type: Option<String>,
    service_account_id: Option<String>,
}

#[derive(Deserialize)]
struct SubjectClaims {
    iss: Option<String>,
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

pub(super) fn get_token(call: &Call<'_>) -> ApiResult<Reply> {
    let request: ExchangeRequest = call.json()?;
    if request.grant_type.as_deref() != Some(GRANT_TYPE) {
        return Err(ApiError::bad_request(format!(
            "unsupported_grant_type: the grant type must be {GRANT_TYPE}"
        )));
    }
    if !request.subject_token_type.as_deref().is_some_and(|kind| TOKEN_TYPES.contains(&kind)) {
        let types = TOKEN_TYPES.join(" or ");
        return Err(ApiError::bad_request(format!(
            "invalid_request: the subject token type must be {types}"
        )));
    }
    let token = request.subject_token.unwrap_or_default();
    let jws = Jws::parse(&token).ok_or_else(|| ApiError::invalid_grant("Invalid Subject Token"))?;
    let claims: SubjectClaims = jws.claims().ok_or_else(|| ApiError::invalid_grant("Invalid Claims"))?;
    let configuration = configuration(call, &jws, &claims)?;
    check_start(claims.nbf, call.now.seconds())?;
    // The other issuer decides how long its tokens live.
    let is_current = claims.exp.is_some_and(|expiry| expiry as i64 > call.now.seconds());
    if !is_current {
        return Err(ApiError::invalid_grant("Subject Token is expired"));
    }
    let subject = claims.sub.as_deref().filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| ApiError::invalid_grant("Missing Subject"))?;

    let client_id = service_account(&configuration, request.service_account_id.as_deref())?;
    let account = call.state.store.read(|connection| accounts::account(connection, client_id))?;
    let account = account.ok_or_else(|| ApiError::invalid_grant("Invalid Client ID"))?;
    let context = context(&configuration, &claims);
    if account.enforce_context && context.is_none() {
        return Err(ApiError::invalid_grant("Context is required"));
    }
    let roles: Vec<String> = role_ids(&account.roles).map(str::to_owned).collect();
    let grant = Grant {
        account_id: &call.state.account_id,
        client_id: &account.client_id,
        roles: &roles,
        context: context.as_ref(),
        proof: Proof::OutsideToken(subject),
    };
    let token = call.state.bearer_tokens.issue(call.now, &grant);
    Ok(Reply::json(json!({
        "accessToken": token,
        "issuedTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "tokenType": "Bearer",
    })))
}

/// Finds the configuration whose issuer signed the token.
fn configuration(call: &Call<'_>, jws: &Jws<'_>, claims: &SubjectClaims) -> ApiResult<TokenExchange> {
    let rows = call.state.store.read(token_exchanges::all)?;
    let of_issuer: Vec<TokenExchange> = rows
        .iter()
        .filter_map(|row| serde_json::from_str::<TokenExchange>(&row.json).ok())
        .filter(|known| claims.iss.as_deref() == Some(&*known.issuer))
        .collect();
    if of_issuer.is_empty() {
        return Err(ApiError::invalid_grant("Invalid Issuer"));
    }
    let is_signed = |known: &TokenExchange| {
        call.state.key_sets.get(&known.key_set_uri).is_some_and(|keys| jws.is_signed_by_set(keys))
    };
    of_issuer.into_iter().find(is_signed).ok_or_else(|| ApiError::invalid_grant("Invalid Signature"))
}

/// Picks the account: the one that the request names, or the only one.
fn service_account<'c>(configuration: &'c TokenExchange, named: Option<&str>) -> ApiResult<&'c str> {
    let known = configuration.service_account_ids.as_slice();
    match (named.filter(|id| !id.is_empty()), known) {
        (Some(id), known) => known
            .iter()
            .find(|known| *known == id)
            .map(String::as_str)
            .ok_or_else(|| ApiError::invalid_grant("Invalid Service Account ID")),
        (None, [only]) => Ok(only),
        (None, _) => Err(ApiError::bad_request("invalid_request: Specify service_account_id")),
    }
}

/// Copies the claims that the configuration names.
fn context(configuration: &TokenExchange, claims: &SubjectClaims) -> Option<Value> {
    let value = |name: &str| match name {
        "sub" => claims.sub.clone().map(Value::from),
        "iss" => claims.iss.clone().map(Value::from),
        name => claims.others.get(name).cloned(),
    };
    let members: Map<String, Value> =
        configuration.context_claims.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}
