//! Callers, tokens, and the identities of the tenants.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::{TokenDocument, description, fingerprint};
use crate::call::{Call, Reply, time};
use crate::failure::{Failure, Outcome};
use crate::identity::Identity;
use crate::state::State;

const PARTNER: &str = "ptn_emulator";

pub(crate) fn whoami(_: &State, call: &Call) -> Outcome<Reply> {
    let identity = &call.caller.identity;
    Reply::ok(&json!({
        "identity_id": identity.id,
        "identity_type": identity.kind(),
        "display_name": identity.id,
        "tenant_id": call.tenant,
        "partner_id": PARTNER,
        "scopes": identity.scopes,
        "groups": identity.groups,
        "roles": if identity.root { vec!["admin"] } else { Vec::new() },
        "mfa_verified_at": identity.mfa.then(|| call.time()),
        "token_expires_at": call.caller.expires_at.map(time),
    }))
}

pub(crate) fn introspect(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        token: String,
    }
    let body: Body = call.json()?;
    let token: Option<TokenDocument> = state.store.get("token", "", &fingerprint(&body.token))?;
    Reply::ok(&match token {
        Some(token) => description(&token, call.now, &state.tenant),
        None => json!({ "active": false }),
    })
}

/// Every workload token is accepted: the server cannot check those of other systems.
pub(crate) fn exchange(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        subject_token: Option<String>,
    }
    let body: Body = call.json()?;
    if body.subject_token.is_none_or(|token| token.is_empty()) {
        return Err(Failure::field("subject_token", "is required"));
    }
    let identity = Identity::new("sa:workload").scopes(["secrets:read", "secrets:list"]);
    let scope = identity.scopes.join(" ");
    let token = state.issue_token(identity, call.now, Some(call.now + 3_600_000))?;
    Reply::ok(&json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": scope }))
}

fn numbered(call: &Call, name: &str, elements: Vec<Value>) -> Outcome<Reply> {
    let number = |name, default| Ok::<_, Failure>(call.number(name)?.unwrap_or(default).clamp(1, 1_000));
    let (page, size) = (number("page", 1)?, number("page_size", 50)?);
    let total = elements.len();
    let (skip, take) = (usize::try_from((page - 1) * size), usize::try_from(size));
    let shown: Vec<_> =
        elements.into_iter().skip(skip.unwrap_or(usize::MAX)).take(take.unwrap_or(usize::MAX)).collect();
    Reply::ok(&json!({ name: shown, "total": total, "page": page, "page_size": size }))
}

pub(crate) fn partners(_: &State, call: &Call) -> Outcome<Reply> {
    let partner = json!({
        "id": PARTNER, "name": "Emulator", "slug": "emulator", "region": "local", "status": "active",
        "last_synced_at": call.time(),
    });
    numbered(call, "partners", vec![partner])
}

pub(crate) fn tenants(state: &State, call: &Call) -> Outcome<Reply> {
    let known = state.store.list::<bool>("tenant", "")?;
    let tenants =
        known.into_iter().map(|(id, _)| json!({ "id": id, "partner_id": PARTNER, "status": "active" }));
    numbered(call, "tenants", tenants.collect())
}

/// Returns the identities that tokens were issued for.
fn identities(state: &State) -> Outcome<Vec<Identity>> {
    let mut identities: Vec<Identity> = state
        .store
        .list::<TokenDocument>("token", "")?
        .into_iter()
        .map(|(_, token)| token.identity)
        .collect();
    identities.sort_by(|a, b| a.id.cmp(&b.id));
    identities.dedup_by(|a, b| a.id == b.id);
    Ok(identities)
}

fn of_tenant(state: &State, call: &Call) -> Outcome<Vec<Identity>> {
    let tenant = call.parameter("tenant_id");
    if state.store.get::<bool>("tenant", "", tenant)?.is_none() {
        return Err(Failure::new("tenant_not_found", "there is no such tenant"));
    }
    let mut identities = identities(state)?;
    identities.retain(|identity| identity.tenant.as_deref().unwrap_or(&state.tenant) == tenant);
    Ok(identities)
}

fn user(state: &State, identity: &Identity, roles: &[String]) -> Value {
    json!({
        "id": identity.id,
        "tenant_id": identity.tenant.as_deref().unwrap_or(&state.tenant),
        "email": identity.id.strip_prefix("user:"),
        "display_name": identity.id,
        "status": "active",
        "mfa_enabled": identity.mfa,
        "groups": identity.groups,
        "roles": roles,
    })
}

pub(crate) fn users(state: &State, call: &Call) -> Outcome<Reply> {
    let search = call.query("q").unwrap_or_default().to_owned();
    let users: Outcome<Vec<Value>> = of_tenant(state, call)?
        .iter()
        .filter(|identity| identity.kind() == "user" && identity.id.contains(&search))
        .map(|identity| Ok(user(state, identity, &stored_roles(state, &identity.id)?)))
        .collect();
    numbered(call, "users", users?)
}

pub(crate) fn groups(state: &State, call: &Call) -> Outcome<Reply> {
    let mut groups: Vec<String> =
        of_tenant(state, call)?.into_iter().flat_map(|identity| identity.groups).collect();
    groups.sort();
    groups.dedup();
    numbered(call, "groups", groups.into_iter().map(|id| json!({ "id": id, "name": id })).collect())
}

pub(crate) fn members(state: &State, call: &Call) -> Outcome<Reply> {
    let group = call.parameter("group_id");
    let members =
        identities(state)?.into_iter().filter(|identity| identity.groups.iter().any(|known| known == group));
    let members = members.map(|identity| {
        json!({ "user_id": identity.id, "email": identity.id.strip_prefix("user:"), "membership_type": "direct" })
    });
    numbered(call, "members", members.collect())
}

pub(crate) fn resolve(state: &State, call: &Call) -> Outcome<Reply> {
    let wanted = call.parameter("identity_id");
    let found = identities(state)?.into_iter().find(|identity| identity.id == wanted);
    let found = found.filter(|identity| identity.kind() == call.parameter("identity_type"));
    let found = found.ok_or_else(|| Failure::new("identity_not_found", "there is no such identity"))?;
    Reply::ok(&json!({ "id": found.id, "type": found.kind(), "groups": found.groups }))
}

pub(crate) fn sync(state: &State, call: &Call) -> Outcome<Reply> {
    let id = state.id("sync");
    let accepted = json!({ "sync_id": id, "status": "accepted", "started_at": call.time() });
    state.put("identity_sync", &call.tenant, &id, &accepted)?;
    Reply::json(202, &accepted)
}

pub(crate) fn sync_history(state: &State, call: &Call) -> Outcome<Reply> {
    let history = state.store.list::<Value>("identity_sync", &call.tenant)?;
    let history: Vec<_> = history.into_iter().map(|(_, item)| item).collect();
    Reply::ok(&json!({ "history": history }))
}

pub(crate) fn roles(_: &State, _: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "roles": ["admin", "developer", "auditor"] }))
}

fn stored_roles(state: &State, user: &str) -> Outcome<Vec<String>> {
    Ok(state.store.get("user_roles", "", user)?.unwrap_or_default())
}

pub(crate) fn get_user_roles(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "roles": stored_roles(state, call.parameter("user_id"))? }))
}

pub(crate) fn set_user_roles(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        roles: Vec<String>,
    }
    let body: Body = call.json()?;
    state.put("user_roles", "", call.parameter("user_id"), &body.roles)?;
    Reply::ok(&json!({ "roles": body.roles }))
}

pub(crate) fn receive_webhook(_: &State, call: &Call) -> Outcome<Reply> {
    let _: Value = call.json()?;
    Reply::ok(&json!({ "status": "accepted" }))
}
