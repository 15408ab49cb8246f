//! Access policies.

use scaivault::PathPattern;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::{Call, Reply, millis, page, page_body};
use crate::events::{Event, emit};
use crate::failure::{Failure, Outcome, invalid};
use crate::policy::{Binding, Circumstances, Decision, PolicyDocument, Rule, decide};
use crate::state::State;

const PERMISSIONS: [&str; 6] = ["read", "write", "delete", "list", "rotate", "admin"];

#[derive(Deserialize)]
struct Write {
    name: String,
    description: Option<String>,
    rules: Vec<Rule>,
    scope: Option<String>,
}

fn checked(rules: &[Rule]) -> Outcome<()> {
    if rules.is_empty() {
        return Err(Failure::new("invalid_policy", "a policy needs a rule"));
    }
    for rule in rules {
        PathPattern::new(&rule.path_pattern).map_err(invalid("invalid_glob"))?;
        let unknown = |permission: &String| !PERMISSIONS.contains(&permission.as_str());
        if rule.permissions.is_empty() || rule.permissions.iter().any(unknown) {
            return Err(Failure::new("invalid_policy", "the permissions of a rule are empty or unknown"));
        }
    }
    Ok(())
}

fn find(state: &State, call: &Call) -> Outcome<PolicyDocument> {
    state.find("policy", &call.tenant, call.parameter("id"), "policy_not_found")
}

fn keep(state: &State, call: &Call, policy: &PolicyDocument) -> Outcome<()> {
    state.put("policy", &call.tenant, &policy.id, policy)
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let inactive = call.flag("include_inactive")?.unwrap_or_default();
    let mut policies: Vec<PolicyDocument> =
        state.store.list("policy", &call.tenant)?.into_iter().map(|(_, policy)| policy).collect();
    policies.retain(|policy: &PolicyDocument| {
        (inactive || policy.is_active) && call.query("scope").is_none_or(|scope| policy.scope == scope)
    });
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    let (policies, cursor) = page(&state.epoch, call, policies, 100, |policy| policy.id.clone())?;
    let summaries = policies.iter().map(|policy| {
        json!({
            "id": policy.id,
            "name": policy.name,
            "rule_count": policy.rules.len(),
            "binding_count": policy.bindings.len(),
            "is_active": policy.is_active,
            "created_at": policy.created_at,
            "updated_at": policy.updated_at,
        })
    });
    Reply::ok(&page_body("policies", summaries.collect(), cursor))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    checked(&body.rules)?;
    let policy = PolicyDocument {
        id: state.id("pol"),
        name: body.name,
        description: body.description,
        rules: body.rules,
        bindings: Vec::new(),
        scope: body.scope.unwrap_or_else(|| "tenant".to_owned()),
        is_active: true,
        created_at: call.time(),
        updated_at: call.time(),
    };
    keep(state, call, &policy)?;
    emit(
        state,
        call,
        &Event { kind: "policy.created", path: None, data: json!({ "policy_id": policy.id }) },
    )?;
    Reply::created(&policy)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, call)?)
}

pub(crate) fn replace(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    checked(&body.rules)?;
    let mut policy = find(state, call)?;
    (policy.name, policy.description, policy.rules) = (body.name, body.description, body.rules);
    policy.scope = body.scope.unwrap_or(policy.scope);
    updated(state, call, policy)
}

fn updated(state: &State, call: &Call, mut policy: PolicyDocument) -> Outcome<Reply> {
    policy.updated_at = call.time();
    keep(state, call, &policy)?;
    emit(
        state,
        call,
        &Event { kind: "policy.updated", path: None, data: json!({ "policy_id": policy.id }) },
    )?;
    Reply::ok(&policy)
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Patch {
        name: Option<String>,
        description: Option<String>,
        rules: Option<Vec<Rule>>,
        is_active: Option<bool>,
    }
    let body: Patch = call.json()?;
    let mut policy = find(state, call)?;
    if let Some(rules) = body.rules {
        checked(&rules)?;
        policy.rules = rules;
    }
    policy.name = body.name.unwrap_or(policy.name);
    policy.description = body.description.or(policy.description);
    policy.is_active = body.is_active.unwrap_or(policy.is_active);
    updated(state, call, policy)
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let policy = find(state, call)?;
    if !policy.bindings.is_empty() && !call.flag("force")?.unwrap_or_default() {
        return Err(Failure::new("policy_in_use", "the policy has bindings"));
    }
    state.store.remove("policy", &call.tenant, &policy.id)?;
    emit(
        state,
        call,
        &Event { kind: "policy.deleted", path: None, data: json!({ "policy_id": policy.id }) },
    )?;
    Reply::nothing()
}

pub(crate) fn list_bindings(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&json!({ "bindings": find(state, call)?.bindings }))
}

pub(crate) fn bind(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        identity_type: String,
        identity_id: String,
        expires_at: Option<String>,
    }
    let body: Body = call.json()?;
    if !["user", "service_account", "group"].contains(&body.identity_type.as_str()) {
        return Err(Failure::field("identity_type", "must be user, service_account or group"));
    }
    if body.expires_at.as_deref().is_some_and(|end| millis(end).is_none()) {
        return Err(Failure::field("expires_at", "must be a time"));
    }
    let mut policy = find(state, call)?;
    let binding = Binding {
        id: state.id("bnd"),
        identity_type: body.identity_type,
        identity_id: body.identity_id,
        expires_at: body.expires_at,
        created_at: call.time(),
    };
    policy.bindings.push(binding.clone());
    keep(state, call, &policy)?;
    let data = json!({ "policy_id": policy.id, "binding_id": binding.id });
    emit(state, call, &Event { kind: "policy.binding.created", path: None, data })?;
    Reply::created(&binding)
}

pub(crate) fn unbind(state: &State, call: &Call) -> Outcome<Reply> {
    let mut policy = find(state, call)?;
    let before = policy.bindings.len();
    policy.bindings.retain(|binding| binding.id != call.parameter("binding_id"));
    if policy.bindings.len() == before {
        return Err(Failure::new("binding_not_found", "there is no such binding"));
    }
    keep(state, call, &policy)?;
    let data = json!({ "policy_id": policy.id, "binding_id": call.parameter("binding_id") });
    emit(state, call, &Event { kind: "policy.binding.deleted", path: None, data })?;
    Reply::nothing()
}

pub(crate) fn test(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        identity_id: String,
        path: String,
        permission: String,
        #[serde(default)]
        context: Context,
    }
    #[derive(Deserialize, Default)]
    struct Context {
        source_ip: Option<String>,
        #[serde(default)]
        mfa_verified: bool,
        timestamp: Option<String>,
    }
    let body: Body = call.json()?;
    let known = state.store.get::<Vec<String>>("membership", "", &body.identity_id)?.unwrap_or_default();
    let who = Circumstances {
        identity_id: &body.identity_id,
        groups: &known,
        source_ip: body.context.source_ip.as_deref().and_then(|ip| ip.parse().ok()),
        mfa: body.context.mfa_verified,
        now: body.context.timestamp.as_deref().and_then(millis).unwrap_or(call.now),
    };
    let decision = decide(state, &call.tenant, &who, &body.path, &body.permission)?;
    let reply: Value = match decision {
        Decision::Allowed { policy } => json!({ "allowed": true, "matched_policy_id": policy }),
        Decision::Blocked { policy, condition } => {
            json!({ "allowed": false, "matched_policy_id": policy, "failed_condition": condition })
        }
        Decision::NoRule => json!({ "allowed": false, "reason": "no rule of a bound policy matches" }),
    };
    Reply::ok(&reply)
}
