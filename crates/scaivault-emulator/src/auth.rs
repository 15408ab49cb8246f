//! Tokens and clients: whose they are, and what they may be used for.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::json;
use skyflow_http::form_pairs;

use crate::call::{Reply, time};
use crate::failure::{Failure, Outcome};
use crate::identity::{Caller, Identity};
use crate::state::State;

/// A token that was issued.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenDocument {
    pub(crate) identity: Identity,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked: bool,
}

/// Client credentials.
#[derive(Serialize, Deserialize)]
pub(crate) struct ClientDocument {
    pub(crate) secret: String,
    pub(crate) identity: Identity,
}

impl State {
    /// Issues a token.
    pub(crate) fn issue_token(
        &self,
        identity: Identity,
        now: i64,
        expires_at: Option<i64>,
    ) -> Outcome<String> {
        let token = format!("skt_{}", self.random.hex(40));
        let document = TokenDocument { identity, issued_at: now, expires_at, revoked: false };
        self.put("token", "", &fingerprint(&token), &document)?;
        Ok(token)
    }
}

/// Finds the owner of a token.
pub(crate) fn caller(state: &State, headers: &HeaderMap, now: i64) -> Outcome<Caller> {
    let required = || Failure::new("authentication_required", "the request has no bearer token");
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(required)?;
    let token = header.strip_prefix("Bearer ").ok_or_else(required)?;
    let unknown = || Failure::new("token_invalid", "the token is unknown");
    let document: TokenDocument = state.store.get("token", "", &fingerprint(token))?.ok_or_else(unknown)?;
    if document.revoked {
        return Err(Failure::new("token_revoked", "the token was revoked"));
    }
    if document.expires_at.is_some_and(|end| now >= end) {
        return Err(Failure::new("token_expired", "the token has expired"));
    }
    Ok(Caller { identity: document.identity, expires_at: document.expires_at })
}

/// Tokens are found by their hash, so that the ids of documents tell none.
pub(crate) fn fingerprint(token: &str) -> String {
    crate::call::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref())
}

/// Checks that the token may be used for an operation. `a|b` means that one of the scopes is enough.
pub(crate) fn require_scope(caller: &Caller, scope: Option<&str>) -> Outcome<()> {
    let Some(scope) = scope else { return Ok(()) };
    let has = scope.split('|').any(|scope| caller.identity.scopes.iter().any(|held| held == scope));
    if has {
        return Ok(());
    }
    Err(Failure::new("insufficient_scope", format!("the token lacks the scope {scope}"))
        .with("required_scope", scope))
}

/// The token endpoint: OAuth 2.0, client credentials.
pub(crate) fn token_endpoint(state: &State, headers: &HeaderMap, body: &[u8], now: i64) -> Reply {
    let refuse = |status, code: &str, text: &str| {
        let body = json!({ "error": code, "error_description": text });
        Reply::new(status, "application/json", body.to_string().into_bytes())
    };
    let pairs = form_pairs(&String::from_utf8_lossy(body));
    let field = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    if field("grant_type").as_deref() != Some("client_credentials") {
        return refuse(400, "unsupported_grant_type", "the grant type must be client_credentials");
    }
    let (id, secret) = match basic(headers) {
        Some(pair) => pair,
        None => (field("client_id").unwrap_or_default(), field("client_secret").unwrap_or_default()),
    };
    let client = state.store.get::<ClientDocument>("client", "", &id).ok().flatten();
    let Some(client) =
        client.filter(|client| skyflow_types::Secret::new(secret.as_str()) == client.secret.as_str().into())
    else {
        return refuse(401, "invalid_client", "the client is unknown, or its secret is another one");
    };
    let mut identity = client.identity;
    if let Some(scope) = field("scope").filter(|scope| !scope.trim().is_empty()) {
        let wanted: Vec<String> = scope.split_whitespace().map(ToOwned::to_owned).collect();
        if wanted.iter().any(|scope| !identity.scopes.contains(scope)) {
            return refuse(400, "invalid_scope", "the client does not have one of the scopes");
        }
        identity.scopes = wanted;
    }
    let lifetime = state.token_lifetime;
    let scope = identity.scopes.join(" ");
    let seconds = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
    match state.issue_token(identity, now, Some(now.saturating_add(seconds.saturating_mul(1000)))) {
        Ok(token) => {
            let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope });
            Reply::new(200, "application/json", body.to_string().into_bytes())
        }
        Err(failure) => refuse(500, "server_error", &failure.message),
    }
}

/// Reads HTTP Basic client authentication.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    use base64::Engine as _;
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Describes a token to [`introspect`](crate::operations::identity::introspect).
pub(crate) fn description(document: &TokenDocument, now: i64, tenant: &str) -> serde_json::Value {
    let active = !document.revoked && document.expires_at.is_none_or(|end| now < end);
    if !active {
        return json!({ "active": false });
    }
    json!({
        "active": true,
        "identity_id": document.identity.id,
        "identity_type": document.identity.kind(),
        "tenant_id": document.identity.tenant.as_deref().unwrap_or(tenant),
        "scopes": document.identity.scopes,
        "expires_at": document.expires_at.map(time),
        "issued_at": time(document.issued_at),
    })
}
