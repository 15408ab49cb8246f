//! Dynamic secrets: engines, roles, credentials and their leases.

use scaivault::VaultDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Call, Reply, duration_millis, page, page_body, time};
use crate::failure::{Failure, Outcome, invalid};
use crate::generators;
use crate::state::State;

const HOUR: i64 = 3_600_000;

/// An engine as it is stored.
#[derive(Serialize, Deserialize)]
struct EngineDocument {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    config: Map<String, Value>,
    default_ttl: Option<String>,
    max_ttl: Option<String>,
    is_active: bool,
    created_at: String,
}

#[derive(Serialize, Deserialize)]
struct RoleDocument {
    name: String,
    engine: String,
    #[serde(default)]
    creation_statements: Vec<String>,
    #[serde(default)]
    revocation_statements: Vec<String>,
    default_ttl: Option<String>,
    max_ttl: Option<String>,
    created_at: String,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// A lease as it is stored; its credentials are not kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct LeaseDocument {
    pub(crate) lease_id: String,
    engine: String,
    role: String,
    owner: String,
    created_at: i64,
    pub(crate) expires_at: i64,
    /// No renewal goes beyond this.
    max_until: i64,
    /// `active`, `expired` or `revoked`.
    pub(crate) status: String,
}

impl LeaseDocument {
    pub(crate) fn is_live(&self, now: i64) -> bool {
        self.status == "active" && now < self.expires_at
    }

    fn shown(&self, now: i64) -> Value {
        let status = if self.status == "active" && now >= self.expires_at { "expired" } else { &self.status };
        json!({
            "lease_id": self.lease_id,
            "engine": self.engine,
            "role": self.role,
            "ttl_seconds": (self.expires_at - now).max(0).div_euclid(1000),
            "renewable": true,
            "created_at": time(self.created_at),
            "expires_at": time(self.expires_at),
            "status": status,
        })
    }
}

fn ttl(text: Option<&String>) -> Outcome<Option<i64>> {
    let parsed = text.map(|text| VaultDuration::new(text).map_err(invalid("invalid_duration")));
    Ok(parsed.transpose()?.map(duration_millis))
}

fn engine(state: &State, call: &Call) -> Outcome<EngineDocument> {
    let wanted = call.parameter("engine");
    if let Some(engine) = state.store.get("engine", &call.tenant, wanted)? {
        return Ok(engine);
    }
    let all = state.store.list::<EngineDocument>("engine", &call.tenant)?;
    let by_id = all.into_iter().map(|(_, engine)| engine).find(|engine| engine.id == wanted);
    by_id.ok_or_else(|| Failure::new("engine_not_found", "there is no such engine"))
}

fn role_id(engine: &str, role: &str) -> String {
    format!("{engine}/{role}")
}

fn role(state: &State, call: &Call, engine: &str) -> Outcome<RoleDocument> {
    state.find("dynamic_role", &call.tenant, &role_id(engine, call.parameter("role")), "role_not_found")
}

pub(crate) fn create_engine(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        config: Map<String, Value>,
        default_ttl: Option<String>,
        max_ttl: Option<String>,
    }
    let body: Body = call.json()?;
    if body.name.is_empty() {
        return Err(Failure::field("name", "must not be empty"));
    }
    if state.store.get::<Value>("engine", &call.tenant, &body.name)?.is_some() {
        return Err(Failure::new("invalid_request", "there is an engine of this name"));
    }
    let url = body.config.get("connection_url").and_then(Value::as_str);
    if url.is_some_and(|url| !url.contains("{{username}}") || !url.contains("{{password}}")) {
        return Err(Failure::new("invalid_config", "connection_url must have {{username}} and {{password}}"));
    }
    ttl(body.default_ttl.as_ref())?;
    ttl(body.max_ttl.as_ref())?;
    let engine = EngineDocument {
        id: state.id("eng"),
        name: body.name,
        kind: body.kind,
        config: body.config,
        default_ttl: body.default_ttl,
        max_ttl: body.max_ttl,
        is_active: true,
        created_at: call.time(),
    };
    state.put("engine", &call.tenant, &engine.name, &engine)?;
    Reply::created(&engine)
}

pub(crate) fn list_engines(state: &State, call: &Call) -> Outcome<Reply> {
    let mut engines = state.store.list::<Value>("engine", &call.tenant)?;
    engines.sort_by(|a, b| a.0.cmp(&b.0));
    let (engines, cursor) = page(&state.epoch, call, engines, 100, |(name, _)| name.clone())?;
    Reply::ok(&page_body("data", engines.into_iter().map(|(_, engine)| engine).collect(), cursor))
}

pub(crate) fn get_engine(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&engine(state, call)?)
}

pub(crate) fn update_engine(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Patch {
        config: Option<Map<String, Value>>,
        default_ttl: Option<String>,
        max_ttl: Option<String>,
    }
    let body: Patch = call.json()?;
    let mut engine = engine(state, call)?;
    ttl(body.default_ttl.as_ref())?;
    ttl(body.max_ttl.as_ref())?;
    engine.config.extend(body.config.unwrap_or_default());
    engine.default_ttl = body.default_ttl.or(engine.default_ttl);
    engine.max_ttl = body.max_ttl.or(engine.max_ttl);
    state.put("engine", &call.tenant, &engine.name, &engine)?;
    Reply::ok(&engine)
}

pub(crate) fn delete_engine(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    for (id, mut lease) in state.store.list::<LeaseDocument>("lease", &call.tenant)? {
        if lease.engine == engine.name && lease.is_live(call.now) {
            lease.status = "revoked".to_owned();
            state.put("lease", &call.tenant, &id, &lease)?;
        }
    }
    state.store.remove("engine", &call.tenant, &engine.name)?;
    Reply::nothing()
}

pub(crate) fn health(state: &State, call: &Call) -> Outcome<Reply> {
    engine(state, call)?;
    Reply::ok(&json!({ "status": "healthy", "latency_ms": 1 }))
}

pub(crate) fn list_roles(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    let mut roles = state.store.list::<RoleDocument>("dynamic_role", &call.tenant)?;
    roles.retain(|(_, role)| role.engine == engine.name);
    roles.sort_by(|a, b| a.0.cmp(&b.0));
    let (roles, cursor) = page(&state.epoch, call, roles, 100, |(id, _)| id.clone())?;
    let roles: Result<Vec<_>, _> = roles.into_iter().map(|(_, role)| serde_json::to_value(role)).collect();
    let roles = roles.map_err(|_| Failure::new("internal_error", "a role has no JSON form"))?;
    Reply::ok(&page_body("data", roles, cursor))
}

pub(crate) fn create_role(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    let mut body: Map<String, Value> = call.json()?;
    body.insert("engine".to_owned(), engine.name.clone().into());
    body.insert("created_at".to_owned(), call.time().into());
    keep_role(state, call, body, 201)
}

fn keep_role(state: &State, call: &Call, body: Map<String, Value>, status: u16) -> Outcome<Reply> {
    let role: RoleDocument = serde_json::from_value(Value::Object(body))
        .map_err(|_| Failure::new("validation_error", "the body does not have the expected members"))?;
    if role.name.is_empty() || role.name.contains('/') {
        return Err(Failure::field("name", "must be a word"));
    }
    ttl(role.default_ttl.as_ref())?;
    ttl(role.max_ttl.as_ref())?;
    state.put("dynamic_role", &call.tenant, &role_id(&role.engine, &role.name), &role)?;
    Reply::json(status, &role)
}

pub(crate) fn get_role(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    Reply::ok(&role(state, call, &engine.name)?)
}

pub(crate) fn update_role(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    let known = serde_json::to_value(role(state, call, &engine.name)?);
    let Ok(Value::Object(mut known)) = known else {
        return Err(Failure::new("internal_error", "the role has no JSON form"));
    };
    let changes: Map<String, Value> = call.json()?;
    known.extend(changes.into_iter().filter(|(name, _)| name != "name" && name != "engine"));
    keep_role(state, call, known, 200)
}

pub(crate) fn delete_role(state: &State, call: &Call) -> Outcome<Reply> {
    let engine = engine(state, call)?;
    let role = role(state, call, &engine.name)?;
    state.store.remove("dynamic_role", &call.tenant, &role_id(&engine.name, &role.name))?;
    Reply::nothing()
}

#[derive(Deserialize, Default)]
struct TtlBody {
    ttl: Option<String>,
}

pub(crate) fn generate(state: &State, call: &Call) -> Outcome<Reply> {
    let body: TtlBody = call.optional_json()?;
    let engine = engine(state, call)?;
    let role = role(state, call, &engine.name)?;
    let maximum = [ttl(role.max_ttl.as_ref())?, ttl(engine.max_ttl.as_ref())?].into_iter().flatten().min();
    let maximum = maximum.unwrap_or(24 * HOUR);
    let default = ttl(role.default_ttl.as_ref())?.or(ttl(engine.default_ttl.as_ref())?).unwrap_or(HOUR);
    // A longer lifetime is cut, and the response says so.
    let lifetime = ttl(body.ttl.as_ref())?.unwrap_or(default).min(maximum);
    let username = format!("v-{}-{}", role.name, state.random.hex(12));
    let password = generators::random(state, 32, "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789");
    let mut data = Map::new();
    if let Some(url) = engine.config.get("connection_url").and_then(Value::as_str) {
        let url = url.replace("{{username}}", &username).replace("{{password}}", &password);
        data.insert("connection_url".to_owned(), url.into());
    }
    data.insert("username".to_owned(), username.into());
    data.insert("password".to_owned(), password.into());
    let lease = LeaseDocument {
        lease_id: state.id("lease"),
        engine: engine.name,
        role: role.name,
        owner: call.caller.identity.id.clone(),
        created_at: call.now,
        expires_at: call.now.saturating_add(lifetime),
        max_until: call.now.saturating_add(maximum),
        status: "active".to_owned(),
    };
    state.put("lease", &call.tenant, &lease.lease_id, &lease)?;
    let mut shown = lease.shown(call.now);
    if let Some(members) = shown.as_object_mut() {
        members.insert("data".to_owned(), Value::Object(data));
    }
    Reply::ok(&shown)
}

pub(crate) fn list_leases(state: &State, call: &Call) -> Outcome<Reply> {
    let matches = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let mut leases: Vec<(String, Value)> = state
        .store
        .list::<LeaseDocument>("lease", &call.tenant)?
        .into_iter()
        .filter(|(_, lease)| matches("engine", &lease.engine) && matches("role", &lease.role))
        .map(|(id, lease)| (id, lease.shown(call.now)))
        .filter(|(_, lease)| matches("status", lease["status"].as_str().unwrap_or_default()))
        .collect();
    leases.sort_by(|a, b| a.0.cmp(&b.0));
    let (leases, cursor) = page(&state.epoch, call, leases, 100, |(id, _)| id.clone())?;
    Reply::ok(&page_body("data", leases.into_iter().map(|(_, lease)| lease).collect(), cursor))
}

fn lease(state: &State, call: &Call) -> Outcome<LeaseDocument> {
    state.find("lease", &call.tenant, call.parameter("lease_id"), "lease_not_found")
}

pub(crate) fn get_lease(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&lease(state, call)?.shown(call.now))
}

pub(crate) fn renew(state: &State, call: &Call) -> Outcome<Reply> {
    let body: TtlBody = call.optional_json()?;
    let mut lease = lease(state, call)?;
    if !lease.is_live(call.now) {
        return Err(Failure::new("lease_not_found", "the lease has ended"));
    }
    let lifetime = ttl(body.ttl.as_ref())?.unwrap_or(HOUR);
    lease.expires_at = call.now.saturating_add(lifetime).min(lease.max_until).max(lease.expires_at);
    state.put("lease", &call.tenant, &lease.lease_id, &lease)?;
    Reply::ok(&lease.shown(call.now))
}

/// A lease that is revoked or has expired is gone.
pub(crate) fn revoke(state: &State, call: &Call) -> Outcome<Reply> {
    let mut lease = lease(state, call)?;
    if !lease.is_live(call.now) {
        return Err(Failure::new("lease_not_found", "the lease has ended"));
    }
    lease.status = "revoked".to_owned();
    state.put("lease", &call.tenant, &lease.lease_id, &lease)?;
    Reply::nothing()
}

/// Notes which leases have ended.
pub(crate) fn end_leases(state: &State, now: i64) -> Outcome<()> {
    for tenant in state.store.tenants("lease")? {
        for (id, mut lease) in state.store.list::<LeaseDocument>("lease", &tenant)? {
            if lease.status == "active" && now >= lease.expires_at {
                lease.status = "expired".to_owned();
                state.put("lease", &tenant, &id, &lease)?;
            }
        }
    }
    Ok(())
}
