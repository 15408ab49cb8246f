//! What happens by itself, as time passes: rotations, warnings, and the end of leases. It is worked off before each
//! request, at the time of the server's clock.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::call::time;
use crate::events::{Event, publish};
use crate::failure::Outcome;
use crate::operations::dynamic;
use crate::operations::replacement::rotate_by_policy;
use crate::operations::rotation::{Assignment, RotationDocument, assignments};
use crate::state::State;
use crate::versions::{SecretDocument, keep};

/// Acts for the server.
const SYSTEM: &str = "system:rotation";

/// Days before the expiry of a secret at which its owners are warned.
const EXPIRY_DAYS: [u64; 3] = [30, 7, 1];

/// Does all that is due. A failure of one part does not keep the request from its work.
pub(crate) fn run(state: &State) {
    let second = state.now().div_euclid(1000);
    // What became due within this second is found in the next one.
    if state.last_schedule.swap(second, Ordering::Relaxed) == second {
        return;
    }
    let parts: [fn(&State, i64) -> Outcome<()>; 3] = [rotations, expiries, dynamic::end_leases];
    let now = state.now();
    for part in parts {
        if state.store.begin().is_err() {
            continue;
        }
        let outcome = part(state, now);
        let _ = state.store.end(outcome.is_ok());
    }
}

fn rotations(state: &State, now: i64) -> Outcome<()> {
    for tenant in state.store.tenants("assignment")? {
        for assignment in assignments(state, &tenant)? {
            let policy: Option<RotationDocument> =
                state.store.get("rotation_policy", &tenant, &assignment.policy_id)?;
            if let Some(policy) = policy.filter(|policy| policy.is_active) {
                rotation(state, &tenant, &policy, assignment, now)?;
            }
        }
    }
    Ok(())
}

/// Reports the thresholds that have passed, each once and in order, and rotates once however late it is.
fn rotation(
    state: &State,
    tenant: &str,
    policy: &RotationDocument,
    mut assignment: Assignment,
    now: i64,
) -> Outcome<()> {
    let due = assignment.last_rotated_at.saturating_add(policy.interval_millis());
    let path = assignment.secret_path.clone();
    let mut thresholds = policy.thresholds();
    thresholds.push(0);
    let mut changed = false;
    for threshold in thresholds {
        if now >= due.saturating_sub(threshold) && !assignment.reported.contains(&threshold) {
            assignment.reported.push(threshold);
            changed = true;
            let data = json!({
                "rotation_policy_id": policy.id,
                "due_at": time(due),
                "warn_before_seconds": threshold / 1000,
                "due_now": threshold == 0,
            });
            publish(
                state,
                tenant,
                SYSTEM,
                None,
                now,
                &Event { kind: "rotation.due", path: Some(&path), data },
            )?;
        }
    }
    let overdue = now >= due.saturating_add(policy.grace_millis());
    if overdue && !policy.auto_generate && !assignment.overdue_reported {
        assignment.overdue_reported = true;
        changed = true;
        let data = json!({ "rotation_policy_id": policy.id, "due_at": time(due) });
        publish(
            state,
            tenant,
            SYSTEM,
            None,
            now,
            &Event { kind: "rotation.overdue", path: Some(&path), data },
        )?;
    }
    if changed {
        state.put("assignment", tenant, &path, &assignment)?;
    }
    if now >= due && policy.auto_generate {
        match rotate_by_policy(state, tenant, policy, &path, now, SYSTEM) {
            Ok(_) => {}
            Err(failure) => {
                let item = json!({
                    "policy_id": policy.id, "secret_path": path, "status": "failed", "rotated_at": time(now),
                    "error": failure.message,
                });
                state.put("rotation_history", tenant, &state.id("rh"), &item)?;
                // It is tried again after another interval.
                assignment.last_rotated_at = now;
                assignment.reported.clear();
                state.put("assignment", tenant, &path, &assignment)?;
                let data = json!({ "rotation_policy_id": policy.id, "error": failure.code });
                publish(
                    state,
                    tenant,
                    SYSTEM,
                    None,
                    now,
                    &Event { kind: "rotation.failed", path: Some(&path), data },
                )?;
            }
        }
    }
    Ok(())
}

fn expiries(state: &State, now: i64) -> Outcome<()> {
    for tenant in state.store.tenants("secret")? {
        for (_, mut secret) in state.store.list::<SecretDocument>("secret", &tenant)? {
            let Some(end) = secret.expires_at.filter(|_| !secret.is_deleted()) else { continue };
            let mut changed = false;
            for days in EXPIRY_DAYS {
                let threshold = i64::try_from(days).unwrap_or_default() * 86_400_000;
                let is_near = now >= end.saturating_sub(threshold) && now < end;
                if is_near
                    && end.saturating_sub(secret.updated_at) > threshold
                    && !secret.expiry_warnings.contains(&days)
                {
                    secret.expiry_warnings.push(days);
                    changed = true;
                    let left = (end - now).div_euclid(86_400_000);
                    let data = json!({ "expires_at": time(end), "days_remaining": left, "threshold": format!("{days}d") });
                    let path = Some(secret.path.as_str());
                    publish(
                        state,
                        &tenant,
                        "system:expiry",
                        None,
                        now,
                        &Event { kind: "secret.expiring", path, data },
                    )?;
                }
            }
            if now >= end && !secret.expiry_warnings.contains(&0) {
                secret.expiry_warnings.push(0);
                changed = true;
                let (path, data) = (Some(secret.path.as_str()), json!({ "expires_at": time(end) }));
                publish(
                    state,
                    &tenant,
                    "system:expiry",
                    None,
                    now,
                    &Event { kind: "secret.expired", path, data },
                )?;
            }
            if changed {
                keep(state, &tenant, &secret)?;
            }
        }
    }
    Ok(())
}
