//! The audit log.

use serde_json::{Value, json};

use crate::call::{Call, Reply, member, millis, page, page_body, set, time};
use crate::failure::{Failure, Outcome};
use crate::state::State;

/// How many events are kept.
const KEPT: usize = 10_000;

/// Returns the action that an operation is recorded as; `None` for operations that are not.
fn action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "secrets.read" | "secrets.batch_read" | "secrets.read_partner" => "read",
        "secrets.write" | "secrets.update_metadata" | "secrets.undelete" | "secrets.write_partner" => "write",
        "secrets.delete" => "delete",
        "secrets.list" | "secrets.list_versions" | "secrets.list_expiring" => "list",
        "secrets.rotate" | "rotation.trigger" => "rotate",
        "policies.create" => "policy_create",
        "policies.replace" | "policies.update" => "policy_update",
        "policies.delete" => "policy_delete",
        "policies.bind" => "policy_bind",
        "policies.unbind" => "policy_unbind",
        "pki_authorities.create" => "pki_ca_create",
        "pki_certificates.issue" => "pki_issue",
        "pki_certificates.sign" | "pki_csrs.sign" => "pki_sign",
        "pki_certificates.revoke" | "pki_authorities.revoke" => "pki_revoke",
        "dynamic_leases.generate_credentials" => "dynamic_generate",
        "dynamic_leases.renew" => "dynamic_renew",
        "dynamic_leases.revoke" => "dynamic_revoke",
        "federation.sync" => "federation_sync",
        "identity.sync" => "identity_sync",
        "audit.export_create" => "export_created",
        _ => return None,
    })
}

/// Records an operation, whether it succeeded or not.
pub(crate) fn record(state: &State, operation: &str, call: &Call, failure: Option<&Failure>) -> Outcome<()> {
    let Some(action) = action(operation) else { return Ok(()) };
    let path = match call.parameter("path") {
        "" => call.parameter("secret_path"),
        path => path,
    };
    let id = state.id("log");
    let event = json!({
        "id": id,
        "timestamp": call.time(),
        "action": action,
        "identity_type": call.caller.identity.kind(),
        "identity_id": call.caller.identity.id,
        "secret_path": (!path.is_empty()).then_some(path),
        "source_ip": call.source_ip,
        "user_agent": call.headers.get("user-agent").and_then(|value| value.to_str().ok()),
        "success": failure.is_none(),
        "duration_ms": (state.now() - call.now).max(0),
        "request_id": call.request_id,
        "extra_data": failure.map(|failure| json!({ "error": failure.code })),
    });
    state.put("audit", &call.tenant, &id, &event)?;
    state.store.trim("audit", &call.tenant, KEPT)?;
    Ok(())
}

/// Returns events, the newest first, each with its place, which cursors name.
fn events(state: &State, call: &Call, keep: impl Fn(&Value) -> bool) -> Outcome<Vec<(usize, Value)>> {
    let all = state.store.list::<Value>("audit", &call.tenant)?;
    let newest_first = all.into_iter().rev().map(|(_, event)| event).enumerate();
    Ok(newest_first.filter(|(_, event)| keep(event)).collect())
}

fn in_time(call: &Call, event: &Value) -> bool {
    let at = event["timestamp"].as_str().and_then(millis).unwrap_or_default();
    let from = call.query("from").and_then(millis).is_none_or(|from| at >= from);
    let to = call.query("to").and_then(millis).is_none_or(|to| at < to);
    from && to
}

fn reply(state: &State, call: &Call, events: Vec<(usize, Value)>) -> Outcome<Reply> {
    let (events, cursor) = page(&state.epoch, call, events, 100, |(at, _)| format!("{at:010}"))?;
    Reply::ok(&page_body("logs", events.into_iter().map(|(_, event)| event).collect(), cursor))
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    for name in ["from", "to"] {
        if call.query(name).is_some_and(|time| millis(time).is_none()) {
            return Err(Failure::new("invalid_request", format!("{name} must be a time")));
        }
    }
    let success = call.flag("success")?;
    let is = |event: &Value, name: &str| call.query(name).is_none_or(|wanted| event[name] == wanted);
    let events = events(state, call, |event| {
        let actions = call.query("action");
        actions.is_none_or(|actions| actions.split(',').any(|action| event["action"] == action.trim()))
            && ["identity_id", "identity_type", "source_ip", "request_id"].iter().all(|name| is(event, name))
            && success.is_none_or(|success| event["success"] == success)
            && call.query("path_prefix").is_none_or(|prefix| {
                event["secret_path"].as_str().is_some_and(|path| path.starts_with(prefix))
            })
            && in_time(call, event)
    })?;
    reply(state, call, events)
}

pub(crate) fn secret_trail(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    let events = events(state, call, |event| event["secret_path"] == path.as_str())?;
    reply(state, call, events)
}

pub(crate) fn identity_trail(state: &State, call: &Call) -> Outcome<Reply> {
    let events = events(state, call, |event| event["identity_id"] == call.parameter("identity_id"))?;
    reply(state, call, events)
}

pub(crate) fn summary(state: &State, call: &Call) -> Outcome<Reply> {
    let events = events(state, call, |event| in_time(call, event))?;
    let successful = events.iter().filter(|(_, event)| event["success"] == true).count();
    Reply::ok(&json!({
        "total_events": events.len(),
        "successful_events": successful,
        "failed_events": events.len() - successful,
    }))
}

pub(crate) fn export(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Value = call.json()?;
    if !["jsonl", "csv"].contains(&member(&body, "format").as_str().unwrap_or_default()) {
        return Err(Failure::field("format", "must be jsonl or csv"));
    }
    let id = state.id("exp");
    let export = json!({ "id": id, "status": "pending", "created_at": time(call.now) });
    state.put("audit_export", &call.tenant, &id, &export)?;
    Reply::json(202, &export)
}

/// An export is complete at the first look at it; nothing is written anywhere.
pub(crate) fn get_export(state: &State, call: &Call) -> Outcome<Reply> {
    let mut export: Value = state.find("audit_export", &call.tenant, call.parameter("id"), "not_found")?;
    if *member(&export, "status") == "pending" {
        let count = state.store.list::<Value>("audit", &call.tenant)?.len();
        set(&mut export, "status", "completed");
        set(&mut export, "manifest", json!({ "records": count, "files": [] }));
        state.put("audit_export", &call.tenant, call.parameter("id"), &export)?;
    }
    Reply::ok(&export)
}
