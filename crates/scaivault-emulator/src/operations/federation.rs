//! Federated backends. They are only kept: nothing is read from another system.

use serde_json::{Map, Value, json};

use crate::call::{Call, Reply};
use crate::failure::{Failure, Outcome};
use crate::state::State;

const TYPES: [&str; 4] =
    ["hashicorp-vault", "aws-secrets-manager", "azure-key-vault", "google-secret-manager"];

fn find(state: &State, call: &Call) -> Outcome<Map<String, Value>> {
    state.find("backend", &call.tenant, call.parameter("id"), "not_found")
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let backends = state.store.list::<Value>("backend", &call.tenant)?;
    let backends: Vec<_> = backends.into_iter().map(|(_, backend)| backend).collect();
    Reply::ok(&json!({ "backends": backends }))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let mut body: Map<String, Value> = call.json()?;
    for name in ["name", "type", "config", "path_mapping", "mode"] {
        if !body.contains_key(name) {
            return Err(Failure::field(name, "is required"));
        }
    }
    if !TYPES.contains(&body.get("type").and_then(Value::as_str).unwrap_or_default()) {
        return Err(Failure::field("type", "is unknown"));
    }
    let id = state.id("fed");
    body.insert("id".to_owned(), id.clone().into());
    body.insert("created_at".to_owned(), call.time().into());
    state.put("backend", &call.tenant, &id, &body)?;
    Reply::created(&body)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, call)?)
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    let mut backend = find(state, call)?;
    let changes: Map<String, Value> = call.json()?;
    backend.extend(changes.into_iter().filter(|(name, _)| name != "id"));
    state.put("backend", &call.tenant, call.parameter("id"), &backend)?;
    Reply::ok(&backend)
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    find(state, call)?;
    state.store.remove("backend", &call.tenant, call.parameter("id"))?;
    Reply::nothing()
}

pub(crate) fn status(state: &State, call: &Call) -> Outcome<Reply> {
    let backend = find(state, call)?;
    Reply::ok(&json!({
        "id": backend.get("id"),
        "name": backend.get("name"),
        "status": "healthy",
        "last_sync": backend.get("last_sync"),
        "secrets_synced": 0,
        "connection": { "status": "connected", "latency_ms": 1 },
    }))
}

pub(crate) fn sync(state: &State, call: &Call) -> Outcome<Reply> {
    let mut backend = find(state, call)?;
    backend.insert("last_sync".to_owned(), call.time().into());
    state.put("backend", &call.tenant, call.parameter("id"), &backend)?;
    Reply::ok(&json!({ "status": "completed", "secrets_synced": 0 }))
}

pub(crate) fn conflicts(state: &State, call: &Call) -> Outcome<Reply> {
    find(state, call)?;
    Reply::ok(&json!({ "conflicts": [] }))
}
