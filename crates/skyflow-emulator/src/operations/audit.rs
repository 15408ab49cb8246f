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
    ("filterOps.context.keyID", "/context/keyID"),
    ("filterOps.context.subject", "/context/subject"),
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

/// What a sort may name, beside the filters' members.
const TIMES: [&str; 2] = ["/request/timestamp", "/response/timestamp"];

/// The values of filters that mean no filter.
const NO_FILTER: [&str; 4] = ["NONE", "NONE_API", "ACCESS_NONE", "AUTH_NONE"];

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
    let offset = query.number("offset")?;
    let sort = query.one("sortOps.sortBy").map(member_of).transpose()?;
    let order = query.name("sortOps.orderBy").filter(|order| order != "NONE");
    let descending = match order.as_deref() {
        None | Some("ASCENDING") => false,
        Some("DESCENDING") => true,
        Some(_) => return Err(invalid("sortOps.orderBy", "ASCENDING or DESCENDING")),
    };
    let after = After { change_id: query.one("afterOps.changeID"), time: query.one("afterOps.timestamp") };
    if after.is_set() && (offset.is_some() || sort.is_some() || order.is_some()) {
        return Err(invalid("afterOps", "it without sortOps and offset"));
    }

    let is_further_page = after.is_set();
    let mut events = after.rest(call.state.audit.snapshot());
    events.retain(|event| fits(call, event));
    if let Some(member) = &sort {
        events.sort_by_cached_key(|event| sort_key(&event.body, member));
    }
    if descending {
        events.reverse();
    }
    let offset = offset.unwrap_or(0) as usize;
    let page: Vec<AuditEvent> = events.into_iter().skip(offset).take(limit as usize).collect();
    let next =
        page.last().map(|last| json!({ "timestamp": timestamps::sql(last.at), "changeID": last.change_id }));
    let count = page.len();
    let mut body = json!({ "event": page.into_iter().map(|event| event.body).collect::<Vec<Value>>() });
    if let (Some(next), Some(members)) = (next, body.as_object_mut()) {
        members.insert("nextOps".to_owned(), next);
    }
    let mut reply = Reply::json(body).counting(count, 0);
    reply.audit.is_further_page = is_further_page;
    Ok(reply)
}

/// The cursor of a page: its last event, or a time.
struct After<'a> {
    change_id: Option<&'a str>,
    time: Option<&'a str>,
}

impl After<'_> {
    fn is_set(&self) -> bool {
        self.change_id.is_some() || self.time.is_some()
    }

    /// Returns the events after the cursor. An event that is no longer kept is found by its time.
    fn rest(&self, mut events: Vec<AuditEvent>) -> Vec<AuditEvent> {
        let position = self.change_id.and_then(|id| events.iter().position(|event| event.change_id == id));
        match (position, self.time.map(comparable)) {
            (Some(position), _) => events.drain(..=position).for_each(drop),
            (None, Some(time)) => events.retain(|event| timestamps::sql(event.at) > time),
            (None, None) if self.is_set() => events.clear(),
            (None, None) => {}
        }
        events
    }
}

/// Finds the member that a sort names, such as `context.actor` or `timestamp`.
fn member_of(name: &str) -> ApiResult<String> {
    let wanted = format!("/{}", name.replace('.', "/"));
    let known = FILTERS.iter().map(|(_, member)| *member).chain(TIMES);
    let mut known = known.filter(|member| member.ends_with(&wanted));
    known.next().map(str::to_owned).ok_or_else(|| invalid("sortOps.sortBy", "a member of an event"))
}

/// Numbers come before texts, in their own order.
fn sort_key(event: &Value, member: &str) -> (Option<u64>, String) {
    match event.pointer(member) {
        Some(Value::String(text)) => (None, text.clone()),
        Some(other) => (other.as_u64(), other.to_string()),
        None => (None, String::new()),
    }
}

/// Both notations of a timestamp sort in the same way once their separator is the same.
fn comparable(time: &str) -> String {
    time.replace('T', " ").replace('Z', "")
}

fn fits(call: &Call<'_>, event: &AuditEvent) -> bool {
    let query = &call.query;
    let member = |path: &str| match event.body.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let plain = FILTERS.iter().all(|(parameter, path)| {
        let wanted = query.one(parameter).filter(|wanted| !NO_FILTER.contains(wanted));
        wanted.is_none_or(|wanted| wanted == member(path))
    });
    let listed = |parameter: &str, path: &str| {
        query.one(parameter).is_none_or(|wanted| {
            let values = event.body.pointer(path).and_then(Value::as_array);
            wanted.split(',').any(|wanted| values.is_some_and(|all| all.iter().any(|v| v == wanted.trim())))
        })
    };
    let time = timestamps::sql(event.at);
    let bound = |parameter: &str| query.one(parameter).map(comparable);
    plain
        && listed("filterOps.resourceIDs", "/resourceIDs")
        && listed("filterOps.tags", "/request/tags")
        && bound("filterOps.startTime").is_none_or(|start| time >= start)
        && bound("filterOps.endTime").is_none_or(|end| time <= end)
}
