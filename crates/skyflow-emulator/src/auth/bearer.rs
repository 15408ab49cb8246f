//! Bearer tokens and API keys of vault calls.

use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{AuthKind, Caller};
use super::jws::{self, Jws};
use super::keys;
use super::role::Role;
use super::role_ids;
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::state::State;
use crate::store::accounts;
use skyflow_testkit::Random;

#[derive(Deserialize)]
struct BearerClaims {
    sub: String,
    exp: i64,
    jti: String,
    generation: i64,
    roles: Vec<String>,
    ctx: Option<Value>,
    /// The key that bought the token.
    key: Option<String>,
    /// The user of another issuer whose token was exchanged.
    act_for: Option<String>,
}

/// What a bearer token says about its owner.
pub(crate) struct Grant<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) roles: &'a [String],
    pub(crate) context: Option<&'a Value>,
    pub(crate) proof: Proof<'a>,
}

/// What a bearer token was given for.
pub(crate) enum Proof<'a> {
    /// An assertion, signed with this key.
    Key(&'a str),
    /// The token of another issuer, for this user.
    OutsideToken(&'a str),
}

/// Makes a bearer token that expires.
pub(crate) fn issue(state: &State, now: Now, grant: &Grant<'_>) -> String {
    let life = i64::try_from(state.bearer_lifetime.as_secs()).unwrap_or(i64::MAX);
    let mut claims = json!({
        "iss": "skyflow-emulator",
        "sub": grant.client_id,
        "accountID": state.account_id,
        "jti": Random::system().uuid(),
        "iat": now.seconds(),
        "exp": now.seconds().saturating_add(life),
        "generation": state.bearer_generation.load(Ordering::SeqCst),
        "roles": grant.roles,
    });
    let (key, subject) = match grant.proof {
        Proof::Key(key) => (Some(Value::from(key)), None),
        Proof::OutsideToken(subject) => (None, Some(Value::from(subject))),
    };
    let optional = [("ctx", grant.context.cloned()), ("key", key), ("act_for", subject)];
    if let Some(members) = claims.as_object_mut() {
        members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    jws::sign(&state.bearer_key, &claims)
}

/// Finds out who sends a request.
pub(crate) fn authenticate(state: &State, headers: &HeaderMap, now: Now) -> ApiResult<Caller> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let credential = match header.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => return Err(ApiError::unauthorized()),
    };
    authenticate_credential(state, credential, now)
}

/// Finds out whose an API key or a bearer token is.
pub(crate) fn authenticate_credential(state: &State, credential: &str, now: Now) -> ApiResult<Caller> {
    if credential.starts_with("sky-") {
        from_api_key(state, credential)
    } else {
        from_bearer(state, credential, now)
    }
}

fn from_api_key(state: &State, api_key: &str) -> ApiResult<Caller> {
    let account = state.store.read(|connection| match accounts::api_key(connection, api_key)? {
        Some(key) if key.enabled => accounts::account(connection, &key.client_id),
        _ => Ok(None),
    })?;
    let Some(account) = account else { return Err(ApiError::unauthorized()) };
    Ok(Caller {
        kind: AuthKind::ApiKey,
        roles: state.roles_of(role_ids(&account.roles)),
        client_id: account.client_id,
        token_id: None,
        key_id: Some(keys::api_key_id(api_key)),
        subject: None,
        context: None,
        enforce_signed_tokens: account.enforce_signed_tokens,
    })
}

fn from_bearer(state: &State, token: &str, now: Now) -> ApiResult<Caller> {
    let claims: BearerClaims = Jws::parse(token)
        .filter(|jws| jws.is_signed_by(&state.bearer_key))
        .and_then(|jws| jws.claims())
        .ok_or_else(ApiError::unauthorized)?;
    if claims.exp <= now.seconds() {
        return Err(ApiError::expired_bearer());
    }
    if claims.generation != state.bearer_generation.load(Ordering::SeqCst) {
        return Err(ApiError::unauthorized());
    }
    let account = state.store.read(|connection| accounts::account(connection, &claims.sub))?;
    let Some(account) = account else { return Err(ApiError::unauthorized()) };
    let roles: Vec<Role> = state.roles_of(claims.roles.iter().map(String::as_str));
    Ok(Caller {
        kind: if claims.act_for.is_some() { AuthKind::ExchangedToken } else { AuthKind::BearerToken },
        client_id: account.client_id,
        token_id: Some(claims.jti),
        key_id: claims.key,
        subject: claims.act_for,
        roles,
        context: claims.ctx,
        enforce_signed_tokens: account.enforce_signed_tokens,
    })
}
