//! The replacement of a version by a rotation.

use scaivault::VaultDuration;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::call::{Call, Reply, duration_millis, time};
use crate::events::{Event, publish};
use crate::failure::{Failure, Outcome, invalid};
use crate::generators;
use crate::operations::rotation::{RotationDocument, note_write};
use crate::operations::secret_policies::generated;
use crate::policy::authorize;
use crate::state::State;
use crate::versions::{SecretDocument, keep, live};

/// How long the version before can be read unless a rotation says otherwise: 48 hours.
pub(crate) const DEFAULT_GRACE: i64 = 172_800_000;

/// Who rotates, and why.
pub(crate) struct Rotated<'a> {
    pub(crate) by: &'a str,
    pub(crate) policy: Option<&'a RotationDocument>,
    pub(crate) auto_generated: bool,
}

/// Replaces the current version of a secret. Returns the old and the new version and the end of the grace period.
pub(crate) fn replace(
    state: &State,
    tenant: &str,
    secret: &mut SecretDocument,
    data: Box<RawValue>,
    grace: i64,
    now: i64,
    rotated: &Rotated<'_>,
) -> Outcome<(u64, u64, i64)> {
    let old = secret.current_number();
    let new = secret.append(data, rotated.by, now, Some(grace));
    let ends = now.saturating_add(grace);
    keep(state, tenant, secret)?;
    let event = json!({
        "old_version": old,
        "new_version": new,
        "rotation_policy_id": rotated.policy.map(|policy| &policy.id),
        "rotation_policy_name": rotated.policy.map(|policy| &policy.name),
        "grace_period_ends": time(ends),
        "auto_generated": rotated.auto_generated,
    });
    let kind = "secret.rotated";
    publish(state, tenant, rotated.by, None, now, &Event { kind, path: Some(&secret.path), data: event })?;
    if let Some(policy) = rotated.policy {
        let item = json!({
            "policy_id": policy.id,
            "secret_path": secret.path,
            "status": "success",
            "rotated_at": time(now),
            "old_version": old,
            "new_version": new,
        });
        state.put("rotation_history", tenant, &state.id("rh"), &item)?;
        let data = json!({ "rotation_policy_id": policy.id, "version": new });
        let kind = "rotation.completed";
        publish(state, tenant, rotated.by, None, now, &Event { kind, path: Some(&secret.path), data })?;
    }
    Ok((old, new, ends))
}

/// Rotates a secret under its policy, with a generated value.
pub(crate) fn rotate_by_policy(
    state: &State,
    tenant: &str,
    policy: &RotationDocument,
    path: &str,
    now: i64,
    by: &str,
) -> Outcome<(u64, u64)> {
    let mut secret = live(state, tenant, path)?;
    let recipe = policy.secret_policy_id.as_ref().or(secret.secret_policy_id.as_ref());
    let data = match recipe {
        Some(recipe) => generated(state, tenant, recipe)?,
        None => generators::like(state, secret.current().map_or("{}", |version| version.data.get()))?,
    };
    let rotated = Rotated { by, policy: Some(policy), auto_generated: true };
    let (old, new, _) = replace(state, tenant, &mut secret, data, policy.grace_millis(), now, &rotated)?;
    note_write(state, tenant, path, now)?;
    Ok((old, new))
}

/// Returns the recipe of a secret: its own, or that of the rotation policy that it is assigned to.
fn recipe_of(state: &State, tenant: &str, secret: &SecretDocument) -> Outcome<Option<String>> {
    if let (None, Some(id)) = (&secret.secret_policy_id, &secret.rotation_policy_id) {
        let policy: Option<RotationDocument> = state.store.get("rotation_policy", tenant, id)?;
        return Ok(policy.and_then(|policy| policy.secret_policy_id));
    }
    Ok(secret.secret_policy_id.clone())
}

#[derive(Deserialize, Default)]
struct RotateBody {
    #[serde(default)]
    reason: Option<String>,
    new_value: Option<Box<RawValue>>,
    grace_period: Option<String>,
}

pub(crate) fn rotate(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "rotate")?;
    let body: RotateBody = call.optional_json()?;
    let grace = match body.grace_period {
        Some(text) => duration_millis(VaultDuration::new(text).map_err(invalid("invalid_duration"))?),
        None => DEFAULT_GRACE,
    };
    let mut secret = live(state, &call.tenant, path.as_str())?;
    let auto_generated = body.new_value.is_none();
    let data = match (body.new_value, recipe_of(state, &call.tenant, &secret)?) {
        (Some(data), _) if data.get().starts_with('{') => data,
        (Some(_), _) => return Err(Failure::field("new_value", "must be an object")),
        (None, Some(recipe)) => generated(state, &call.tenant, &recipe)?,
        (None, None) => {
            return Err(Failure::field(
                "new_value",
                "is required: neither the secret nor its rotation policy has a secret policy",
            ));
        }
    };
    let rotated = Rotated { by: &call.caller.identity.id, policy: None, auto_generated };
    let (old, new, ends) = replace(state, &call.tenant, &mut secret, data, grace, call.now, &rotated)?;
    note_write(state, &call.tenant, path.as_str(), call.now)?;
    Reply::ok(&json!({
        "path": path.as_str(),
        "old_version": old,
        "new_version": new,
        "grace_period_ends": time(ends),
        "reason": body.reason,
    }))
}
