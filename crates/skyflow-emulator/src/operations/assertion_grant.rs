//! The token endpoint: an assertion signed by a service account against a bearer token.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Reply};
use crate::auth::{Grant, Jws, LEEWAY, Proof, is_in_future, role_ids};
use crate::errors::{ApiError, ApiResult};
use crate::store::accounts;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest life of an assertion, in seconds.
const MAX_LIFE: i64 = 3600;

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    assertion: Option<String>,
    scope: Option<String>,
    subject_token: Option<String>,
    requested_token_use: Option<String>,
}

#[derive(Deserialize)]
struct AssertionClaims {
    iss: Option<String>,
    sub: Option<String>,
    key: Option<String>,
    aud: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    ctx: Option<Value>,
}

pub(super) fn get_token(call: &Call<'_>) -> ApiResult<Reply> {
    let request: TokenRequest = call.json()?;
    if request.grant_type.as_deref() != Some(GRANT_TYPE) {
        return Err(ApiError::bad_request(format!(
            "unsupported_grant_type: the grant type must be {GRANT_TYPE}"
        )));
    }
    for (field, value) in
        [("subject_token", request.subject_token), ("requested_token_use", request.requested_token_use)]
    {
        if value.is_some_and(|value| !value.is_empty()) {
            return Err(ApiError::not_emulated(&format!("{field} of the token endpoint")));
        }
    }
    let assertion = request.assertion.unwrap_or_default();
    let Some(jws) = Jws::parse(&assertion) else {
        return Err(ApiError::invalid_grant("Invalid Assertion"));
    };
    let claims: AssertionClaims = jws.claims().ok_or_else(|| ApiError::invalid_grant("Invalid Claims"))?;

    let account = call.state.store.read(|connection| {
        let key = match &claims.key {
            Some(key_id) => accounts::key(connection, key_id)?,
            None => None,
        };
        let Some(key) = key else { return Err(ApiError::invalid_grant("Invalid Key ID")) };
        if !key.enabled {
            return Err(ApiError::invalid_grant("Key is disabled"));
        }
        if key.is_expired(call.now.seconds()) {
            return Err(ApiError::expired_key());
        }
        if !jws.is_signed_by_rsa(&key.public_key) {
            return Err(ApiError::invalid_grant("Invalid Signature"));
        }
        let client_id = key.client_id;
        if claims.iss.as_deref() != Some(&*client_id) || claims.sub.as_deref() != Some(&*client_id) {
            return Err(ApiError::invalid_grant("Invalid Issuer or Subject"));
        }
        accounts::account(connection, &client_id)?.ok_or_else(|| ApiError::invalid_grant("Invalid Client ID"))
    })?;

    let audience = claims.aud.unwrap_or_default();
    if !call.state.accepts_audience(&audience) {
        return Err(ApiError::invalid_grant(format!("Invalid Audience {audience}")));
    }
    check_expiry(claims.exp, call.now.seconds())?;
    check_start(claims.nbf, call.now.seconds())?;
    if let Some(context) = &claims.ctx {
        check_context(context)?;
    }
    if account.enforce_context && claims.ctx.is_none() {
        return Err(ApiError::invalid_grant("Context is required"));
    }
    let granted = granted_roles(&account.roles, request.scope.as_deref().unwrap_or_default())?;

    let grant = Grant {
        account_id: &call.state.account_id,
        client_id: &account.client_id,
        roles: &granted,
        context: claims.ctx.as_ref(),
        proof: Proof::Key(claims.key.as_deref().unwrap_or_default()),
    };
    let token = call.state.bearer_tokens.issue(call.now, &grant);
    Ok(Reply::json(json!({ "accessToken": token, "tokenType": "Bearer" })))
}

fn check_expiry(expiry: Option<f64>, now: i64) -> ApiResult<()> {
    let Some(expiry) = expiry else { return Err(ApiError::invalid_grant("Missing Expiry")) };
    // A JSON number; everything a clock can say fits without loss.
    let expiry = expiry as i64;
    if expiry.saturating_add(LEEWAY) <= now {
        return Err(ApiError::invalid_grant("Assertion is expired"));
    }
    if expiry > now + MAX_LIFE + LEEWAY {
        return Err(ApiError::invalid_grant("Expiry is more than 60 minutes ahead"));
    }
    Ok(())
}

/// A token may say when it begins to be valid (`nbf`).
pub(super) fn check_start(start: Option<f64>, now: i64) -> ApiResult<()> {
    if is_in_future(start, now) { Err(ApiError::invalid_grant("Assertion is not valid yet")) } else { Ok(()) }
}

fn check_context(context: &Value) -> ApiResult<()> {
    let valid = match context {
        Value::Object(members) => members
            .keys()
            .all(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')),
        Value::Array(_) | Value::Null => false,
        _ => true,
    };
    if valid { Ok(()) } else { Err(ApiError::bad_request("invalid_request: Invalid Context")) }
}

/// Without a scope every role of the account is granted.
fn granted_roles(roles: &str, scope: &str) -> ApiResult<Vec<String>> {
    let owned: Vec<&str> = role_ids(roles).collect();
    let mut granted = Vec::new();
    for entry in scope.split_whitespace() {
        match entry.strip_prefix("role:") {
            Some(id) if owned.contains(&id) => granted.push(id.to_owned()),
            Some(_) => return Err(ApiError::bad_request(format!("invalid_scope: Invalid Scope {entry}"))),
            None => return Err(ApiError::bad_request("Scopes in request token in wrong format")),
        }
    }
    if granted.is_empty() {
        granted = owned.into_iter().map(str::to_owned).collect();
    }
    Ok(granted)
}
