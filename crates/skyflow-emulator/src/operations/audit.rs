use serde_json::{Value, json};

use super::parameters::invalid;
use super::{Call, Reply};
use crate::audit::AuditEvent;
use crate::auth::{Caller, Permission};
use crate::errors::ApiResult;
use crate::timestamps;

/// How many events one response holds by default, and at most.
const DEFAULT_LIMIT: u32 = 25;
const MAX_LIMIT: u32 = 1000;

/// Which filter looks at which member of an event.
const FILTERS: &[(&str, &str)] = &[
    ("filterOps.context.changeID", "/context/changeID"),
    ("filterOps.context.requestID", "/context/requestID"),
    ("filterOps.context.traceID", "/context/traceID"),
    ("filterOps.context.sessionID", "/context/sessionID"),
    ("filterOps.context.actor", "/context/actor"),
    ("filterOps.context.actorType", "/context/actorType"),
    ("filterOps.context.accessType", "/context/accessType"),
    ("filterOps.context.ipAddress", "/context/ipAddress"),
    ("filterOps.context.origin", "/context/origin"),
    ("filterOps.context.authMode", "/context/authMode"),
    ("filterOps.context.jwtID", "/context/jwtID"),
    ("filterOps.context.bearerTokenContextID", "/context/bearerTokenContextID"),
    ("filterOps.parentAccountID", "/parentAccountID"),
    ("filterOps.accountID", "/accountID"),
    ("filterOps.workspaceID", "/request/workspaceID"),
    ("filterOps.vaultID", "/request/vaultID"),
    ("filterOps.actionType", "/request/actionType"),
    ("filterOps.resourceType", "/request/resourceType"),
    ("filterOps.responseCode", "/response/code"),
    ("filterOps.responseMessage", "/response/message"),
    ("filterOps.apiName", "/request/apiName"),
    ("filterOps.httpMethod", "/request/httpInfo/method"),
    ("filterOps.httpURI", "/request/httpInfo/URI"),
];

pub(super) fn list_events(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let query = &call.query;
    if query.one("filterOps.accountID").is_none() {
        return Err(invalid("filterOps.accountID", "an account ID"));
    }
    let limit = query.number("limit")?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(invalid("limit", "a number from 1 to 1000"));
    }
    if !matches!(query.one("sortOps.sortBy"), None | Some("timestamp" | "request.timestamp")) {
        return Err(invalid("sortOps.sortBy", "timestamp"));
    }
    let ascending = match query.one("sortOps.orderBy") {
        None | Some("DESCENDING") => false,
        Some("ASCENDING") => true,
        Some(_) => return Err(invalid("sortOps.orderBy", "ASCENDING or DESCENDING")),
    };

    let mut events = call.state.audit.snapshot();
    if !ascending {
        events.reverse();
    }
    events.retain(|event| fits(call, event));
    let after = query.one("afterOps.changeID");
    if after.is_some() && (query.one("offset").is_some() || query.one("sortOps.orderBy").is_some()) {
        return Err(invalid("afterOps", "it without sortOps and offset"));
    }
    let start = match after {
        // A cursor whose event is no longer kept has nothing after it.
        Some(change_id) => events
            .iter()
            .position(|event| event.change_id == change_id)
            .map_or(events.len(), |index| index + 1),
        None => query.number("offset")?.unwrap_or(0) as usize,
    };
    let total = events.len();
    let page: Vec<AuditEvent> = events.into_iter().skip(start).take(limit as usize).collect();
    let next = match page.last() {
        Some(last) if start + page.len() < total => {
            json!({ "timestamp": timestamps::sql(last.at), "changeID": last.change_id })
        }
        _ => Value::Null,
    };
    let count = page.len();
    let bodies: Vec<Value> = page.into_iter().map(|event| event.body).collect();
    Ok(Reply::json(json!({ "event": bodies, "nextOps": next })).counting(count, 0))
}

fn fits(call: &Call<'_>, event: &AuditEvent) -> bool {
    let query = &call.query;
    let member = |path: &str| match event.body.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let plain = FILTERS
        .iter()
        .all(|(parameter, path)| query.one(parameter).is_none_or(|wanted| wanted == member(path)));
    let listed = |parameter: &str, path: &str| {
        query.one(parameter).is_none_or(|wanted| {
            let values = event.body.pointer(path).and_then(Value::as_array);
            wanted.split(',').any(|wanted| values.is_some_and(|all| all.iter().any(|v| v == wanted.trim())))
        })
    };
    let time = timestamps::sql(event.at);
    // Both notations of a timestamp sort in the same way once their separator is the same.
    let bound = |parameter: &str| query.one(parameter).map(|text| text.replace('T', " ").replace('Z', ""));
    plain
        && listed("filterOps.resourceIDs", "/resourceIDs")
        && listed("filterOps.tags", "/request/tags")
        && bound("filterOps.startTime").is_none_or(|start| time >= start)
        && bound("filterOps.endTime").is_none_or(|end| time <= end)
}
