//! Rotation policies and the secrets that are assigned to them.

use scaivault::{DurationList, VaultDuration};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Reply, duration_millis, page, page_body, time};
use crate::failure::{Failure, Outcome, invalid};
use crate::operations::replacement::{DEFAULT_GRACE, rotate_by_policy};
use crate::state::State;
use crate::versions::{keep, live};

/// A rotation policy as it is stored.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct RotationDocument {
    pub(crate) id: String,
    pub(crate) name: String,
    description: Option<String>,
    pub(crate) interval: String,
    grace_period: String,
    pub(crate) warn_before: Option<String>,
    pub(crate) auto_generate: bool,
    pub(crate) secret_policy_id: Option<String>,
    webhook_ids: Vec<String>,
    pub(crate) is_active: bool,
    created_at: String,
}

/// The schedule of one secret under a policy.
#[derive(Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) policy_id: String,
    pub(crate) secret_path: String,
    pub(crate) last_rotated_at: i64,
    /// Thresholds in milliseconds before the rotation that were reported; 0 is the rotation itself.
    pub(crate) reported: Vec<i64>,
    pub(crate) overdue_reported: bool,
}

#[derive(Deserialize)]
struct Write {
    name: Option<String>,
    description: Option<String>,
    interval: Option<String>,
    grace_period: Option<String>,
    warn_before: Option<String>,
    auto_generate: Option<bool>,
    secret_policy_id: Option<String>,
    webhook_ids: Option<Vec<String>>,
}

impl RotationDocument {
    pub(crate) fn interval_millis(&self) -> i64 {
        VaultDuration::new(&self.interval).map_or(i64::MAX, duration_millis)
    }

    pub(crate) fn grace_millis(&self) -> i64 {
        VaultDuration::new(&self.grace_period).map_or(DEFAULT_GRACE, duration_millis)
    }

    /// Returns the thresholds of warnings, the earliest first.
    pub(crate) fn thresholds(&self) -> Vec<i64> {
        let list =
            self.warn_before.as_deref().and_then(|text| DurationList::new(text).ok()).unwrap_or_default();
        let mut thresholds: Vec<i64> = list.iter().map(duration_millis).collect();
        thresholds.sort_by(|a, b| b.cmp(a));
        thresholds
    }

    fn checked(self) -> Outcome<Self> {
        let interval = VaultDuration::new(&self.interval).map_err(invalid("invalid_duration"))?;
        let grace = VaultDuration::new(&self.grace_period).map_err(invalid("invalid_duration"))?;
        if grace >= interval {
            return Err(Failure::field("grace_period", "must be shorter than the interval"));
        }
        if let Some(text) = &self.warn_before {
            let list = DurationList::new(text).map_err(invalid("invalid_duration"))?;
            if list.iter().any(|threshold| threshold >= interval) {
                return Err(Failure::field("warn_before", "must be shorter than the interval"));
            }
        }
        Ok(self)
    }

    fn shown(&self, state: &State, tenant: &str) -> Outcome<Value> {
        let secrets = assignments(state, tenant)?.iter().filter(|one| one.policy_id == self.id).count();
        Ok(json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "interval": self.interval,
            "interval_seconds": self.interval_millis() / 1000,
            "grace_period": self.grace_period,
            "warn_before": self.warn_before,
            "auto_generate": self.auto_generate,
            "secret_policy_id": self.secret_policy_id,
            "webhook_ids": self.webhook_ids,
            "secrets_count": secrets,
            "is_active": self.is_active,
            "created_at": self.created_at,
        }))
    }
}

fn find(state: &State, call: &Call) -> Outcome<RotationDocument> {
    state.find("rotation_policy", &call.tenant, call.parameter("id"), "rotation_policy_not_found")
}

pub(crate) fn assignments(state: &State, tenant: &str) -> Outcome<Vec<Assignment>> {
    Ok(state.store.list("assignment", tenant)?.into_iter().map(|(_, assignment)| assignment).collect())
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let active_only = call.flag("active_only")?.unwrap_or_default();
    let mut policies: Vec<RotationDocument> =
        state.store.list("rotation_policy", &call.tenant)?.into_iter().map(|(_, policy)| policy).collect();
    policies.retain(|policy: &RotationDocument| policy.is_active || !active_only);
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    let (policies, cursor) = page(&state.epoch, call, policies, 100, |policy| policy.id.clone())?;
    let shown: Outcome<Vec<_>> = policies.iter().map(|policy| policy.shown(state, &call.tenant)).collect();
    Reply::ok(&page_body("data", shown?, cursor))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    let missing = |field: &str| Failure::field(field, "is required");
    let policy = RotationDocument {
        id: state.id("rot"),
        name: body.name.ok_or_else(|| missing("name"))?,
        description: body.description,
        interval: body.interval.ok_or_else(|| missing("interval"))?,
        grace_period: body.grace_period.unwrap_or_else(|| "48h".to_owned()),
        warn_before: body.warn_before,
        auto_generate: body.auto_generate.unwrap_or_default(),
        secret_policy_id: body.secret_policy_id,
        webhook_ids: body.webhook_ids.unwrap_or_default(),
        is_active: true,
        created_at: call.time(),
    }
    .checked()?;
    state.put("rotation_policy", &call.tenant, &policy.id, &policy)?;
    Reply::created(&policy.shown(state, &call.tenant)?)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, call)?.shown(state, &call.tenant)?)
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    let mut policy = find(state, call)?;
    policy.name = body.name.unwrap_or(policy.name);
    policy.description = body.description.or(policy.description);
    policy.interval = body.interval.unwrap_or(policy.interval);
    policy.grace_period = body.grace_period.unwrap_or(policy.grace_period);
    policy.warn_before = body.warn_before.or(policy.warn_before);
    policy.auto_generate = body.auto_generate.unwrap_or(policy.auto_generate);
    policy.secret_policy_id = body.secret_policy_id.or(policy.secret_policy_id);
    policy.webhook_ids = body.webhook_ids.unwrap_or(policy.webhook_ids);
    save(state, call, policy.checked()?)
}

fn save(state: &State, call: &Call, policy: RotationDocument) -> Outcome<Reply> {
    state.put("rotation_policy", &call.tenant, &policy.id, &policy)?;
    Reply::ok(&policy.shown(state, &call.tenant)?)
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let policy = find(state, call)?;
    for assignment in assignments(state, &call.tenant)?.iter().filter(|one| one.policy_id == policy.id) {
        detach_path(state, &call.tenant, &assignment.secret_path)?;
    }
    state.store.remove("rotation_policy", &call.tenant, &policy.id)?;
    Reply::nothing()
}

pub(crate) fn enable(state: &State, call: &Call) -> Outcome<Reply> {
    save(state, call, RotationDocument { is_active: true, ..find(state, call)? })
}

pub(crate) fn disable(state: &State, call: &Call) -> Outcome<Reply> {
    save(state, call, RotationDocument { is_active: false, ..find(state, call)? })
}

pub(crate) fn assign(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        secret_path: String,
    }
    let body: Body = call.json()?;
    let mut secret = live(state, &call.tenant, &body.secret_path)?;
    let policy = find(state, call)?;
    let assignment = assign_to(state, call, &call.tenant, &policy.id, &body.secret_path)?;
    secret.rotation_policy_id = Some(policy.id.clone());
    keep(state, &call.tenant, &secret)?;
    Reply::created(&json!({
        "policy_id": policy.id,
        "secret_path": body.secret_path,
        "last_rotated_at": time(assignment.last_rotated_at),
        "next_rotation_at": time(assignment.last_rotated_at.saturating_add(policy.interval_millis())),
    }))
}

/// Starts the schedule of a secret; one that is under the same policy already keeps its schedule.
pub(crate) fn assign_to(
    state: &State,
    call: &Call,
    tenant: &str,
    policy: &str,
    path: &str,
) -> Outcome<Assignment> {
    let _: RotationDocument = state.find("rotation_policy", tenant, policy, "rotation_policy_not_found")?;
    let known: Option<Assignment> = state.store.get("assignment", tenant, path)?;
    if let Some(known) = known.filter(|known| known.policy_id == policy) {
        return Ok(known);
    }
    let assignment = Assignment {
        policy_id: policy.to_owned(),
        secret_path: path.to_owned(),
        last_rotated_at: call.now,
        reported: Vec::new(),
        overdue_reported: false,
    };
    state.put("assignment", tenant, path, &assignment)?;
    Ok(assignment)
}

pub(crate) fn detach(state: &State, call: &Call) -> Outcome<Reply> {
    let policy = find(state, call)?;
    let path = call.parameter("secret_path");
    let known: Option<Assignment> = state.store.get("assignment", &call.tenant, path)?;
    if known.is_none_or(|known| known.policy_id != policy.id) {
        return Err(
            Failure::new("secret_not_found", "the secret is not assigned to the policy").with("path", path)
        );
    }
    detach_path(state, &call.tenant, path)?;
    Reply::nothing()
}

fn detach_path(state: &State, tenant: &str, path: &str) -> Outcome<()> {
    state.store.remove("assignment", tenant, path)?;
    if let Ok(mut secret) = live(state, tenant, path) {
        secret.rotation_policy_id = None;
        keep(state, tenant, &secret)?;
    }
    Ok(())
}

/// Restarts the schedule of a secret that was written.
pub(crate) fn note_write(state: &State, tenant: &str, path: &str, now: i64) -> Outcome<()> {
    let Some(mut assignment) = state.store.get::<Assignment>("assignment", tenant, path)? else {
        return Ok(());
    };
    assignment.last_rotated_at = now;
    assignment.reported.clear();
    assignment.overdue_reported = false;
    state.put("assignment", tenant, path, &assignment)
}

pub(crate) fn trigger(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize, Default)]
    struct Body {
        secret_paths: Option<Vec<String>>,
    }
    let body: Body = call.optional_json()?;
    let policy = find(state, call)?;
    let assigned: Vec<String> = assignments(state, &call.tenant)?
        .into_iter()
        .filter(|one| one.policy_id == policy.id)
        .map(|one| one.secret_path)
        .collect();
    let paths = body.secret_paths.unwrap_or_else(|| assigned.clone());
    let mut items = Vec::new();
    for path in paths {
        if !assigned.contains(&path) {
            return Err(Failure::new("secret_not_found", "the secret is not assigned to the policy")
                .with("path", path));
        }
        let by = call.caller.identity.id.as_str();
        let (old, new) = rotate_by_policy(state, &call.tenant, &policy, &path, call.now, by)?;
        items.push(json!({
            "secret_path": path, "status": "success", "rotated_at": call.time(), "old_version": old, "new_version": new,
        }));
    }
    Reply::ok(&items)
}

pub(crate) fn history(state: &State, call: &Call) -> Outcome<Reply> {
    let policy = find(state, call)?;
    let mut items: Vec<(usize, Value)> = state
        .store
        .list::<Value>("rotation_history", &call.tenant)?
        .into_iter()
        .map(|(_, item)| item)
        .filter(|item| item["policy_id"] == policy.id.as_str())
        .filter(|item| call.query("status").is_none_or(|status| item["status"] == status))
        .enumerate()
        .collect();
    items.sort_by_key(|(at, _)| *at);
    let (items, cursor) = page(&state.epoch, call, items, 100, |(at, _)| format!("{at:010}"))?;
    Reply::ok(&page_body("data", items.into_iter().map(|(_, item)| item).collect(), cursor))
}

pub(crate) fn due(state: &State, call: &Call) -> Outcome<Reply> {
    let hours = i64::try_from(call.number("within_hours")?.unwrap_or(24)).unwrap_or(i64::MAX);
    let overdue = call.flag("include_overdue")?.unwrap_or(true);
    let until = call.now.saturating_add(hours.saturating_mul(3_600_000));
    let mut items = Vec::new();
    for assignment in assignments(state, &call.tenant)? {
        let policy: Option<RotationDocument> =
            state.store.get("rotation_policy", &call.tenant, &assignment.policy_id)?;
        let Some(policy) = policy.filter(|policy| policy.is_active) else { continue };
        if call.query("policy_id").is_some_and(|wanted| wanted != policy.id) {
            continue;
        }
        let due = assignment.last_rotated_at.saturating_add(policy.interval_millis());
        let is_overdue = due <= call.now;
        if due <= until && (overdue || !is_overdue) {
            items.push(json!({
                "secret_path": assignment.secret_path, "policy_id": policy.id, "due_at": time(due), "is_overdue": is_overdue,
            }));
        }
    }
    Reply::ok(&json!({ "data": items }))
}
