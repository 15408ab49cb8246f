//! Secrets.

use scaivault::VaultDuration;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::{Call, Reply, duration_millis, page, page_body, time};
use crate::events::{Event, emit};
use crate::failure::{Failure, Outcome, invalid};
use crate::operations::rotation;
use crate::policy::{authorize, may_list};
use crate::state::State;
use crate::versions::{SecretDocument, Version, keep, live, not_found, retention, stored};

const TYPES: [&str; 5] = ["kv", "json", "certificate", "ssh_key", "api_key"];

/// Secrets that all tenants of the partner share.
const PARTNER: &str = "partner";

const PAGE: u64 = 100;

/// A version as a response has it; its data is written as it came.
#[derive(Serialize)]
struct Shown<'a> {
    path: &'a str,
    secret_type: &'a str,
    version: u64,
    data: &'a RawValue,
    metadata: &'a Map<String, Value>,
    created_at: String,
    updated_at: String,
    expires_at: Option<String>,
    last_accessed_at: Option<String>,
    rotation_policy_id: Option<&'a str>,
    secret_policy_id: Option<&'a str>,
}

fn shown<'a>(secret: &'a SecretDocument, version: &'a Version) -> Shown<'a> {
    Shown {
        path: &secret.path,
        secret_type: &secret.secret_type,
        version: version.version,
        data: &version.data,
        metadata: &secret.metadata,
        created_at: time(version.created_at),
        updated_at: time(secret.updated_at),
        expires_at: secret.expires_at.map(time),
        last_accessed_at: secret.last_accessed_at.map(time),
        rotation_policy_id: secret.rotation_policy_id.as_deref(),
        secret_policy_id: secret.secret_policy_id.as_deref(),
    }
}

pub(crate) fn read(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "read")?;
    read_from(state, call, &call.tenant, path.as_str())
}

pub(crate) fn read_partner(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    read_from(state, call, PARTNER, path.as_str())
}

fn read_from(state: &State, call: &Call, tenant: &str, path: &str) -> Outcome<Reply> {
    let mut secret = live(state, tenant, path)?;
    if secret.expires_at.is_some_and(|end| call.now >= end) {
        return Err(not_found(path));
    }
    let wanted = call.number("version")?;
    if wanted == Some(0) {
        return Err(Failure::new("invalid_request", "version must be a number from 1"));
    }
    secret.version(wanted, call.now)?;
    secret.last_accessed_at = Some(call.now);
    keep(state, tenant, &secret)?;
    let version = secret.version(wanted, call.now)?;
    let data = json!({ "version": version.version });
    emit(state, call, &Event { kind: "secret.accessed", path: Some(path), data })?;
    Reply::ok(&shown(&secret, version))
}

#[derive(Deserialize)]
struct Write {
    data: Box<RawValue>,
    secret_type: Option<String>,
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    options: WriteOptions,
}

#[derive(Deserialize, Default)]
struct WriteOptions {
    max_versions: Option<u64>,
    expires_in: Option<String>,
    rotation_policy_id: Option<String>,
}

pub(crate) fn write(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "write")?;
    write_to(state, call, &call.tenant, path.as_str())
}

pub(crate) fn write_partner(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    if !call.caller.identity.root {
        return Err(Failure::new("access_denied", "only partner admins write here"));
    }
    write_to(state, call, PARTNER, path.as_str())
}

fn write_to(state: &State, call: &Call, tenant: &str, path: &str) -> Outcome<Reply> {
    let body: Write = call.json()?;
    if !body.data.get().starts_with('{') {
        return Err(Failure::field("data", "must be an object"));
    }
    let known = stored(state, tenant, path)?;
    if known.as_ref().is_some_and(SecretDocument::is_deleted) {
        return Err(
            Failure::new("secret_exists", "the path is deleted and still retained").with("path", path)
        );
    }
    let is_new = known.is_none();
    let mut secret = known.unwrap_or_else(|| SecretDocument::new(path, call.now));
    if let Some(kind) = body.secret_type {
        if !TYPES.contains(&kind.as_str()) {
            return Err(Failure::new("invalid_secret_type", "the secret type is unknown"));
        }
        secret.secret_type = kind;
    }
    if let Some(metadata) = body.metadata {
        secret.metadata = metadata;
        secret.metadata.retain(|_, value| !value.is_null());
    }
    if let Some(versions) = body.options.max_versions {
        if versions == 0 {
            return Err(Failure::field("max_versions", "must be at least 1"));
        }
        secret.max_versions = versions;
    }
    if let Some(expires) = body.options.expires_in {
        let expires = VaultDuration::new(expires).map_err(invalid("invalid_duration"))?;
        secret.expires_at = Some(call.now + duration_millis(expires));
        secret.expiry_warnings.clear();
    }
    if let Some(policy) = body.options.rotation_policy_id {
        rotation::assign_to(state, call, tenant, &policy, path)?;
        secret.rotation_policy_id = Some(policy);
    }
    let before = secret.current_number();
    let version = secret.append(body.data, &call.caller.identity.id, call.now, None);
    keep(state, tenant, &secret)?;
    rotation::note_write(state, tenant, path, call.now)?;
    let (kind, data) = match is_new {
        true => (
            "secret.created",
            json!({
                "version": version, "secret_type": secret.secret_type, "created_by": call.caller.identity.id,
                "tags": secret.metadata.get("tags"), "expires_at": secret.expires_at.map(time),
            }),
        ),
        false => (
            "secret.updated",
            json!({
                "old_version": before, "new_version": version, "updated_by": call.caller.identity.id, "is_rotation": false,
            }),
        ),
    };
    emit(state, call, &Event { kind, path: Some(path), data })?;
    let status = if is_new { 201 } else { 200 };
    Reply::json(
        status,
        &json!({
            "path": path,
            "version": version,
            "secret_type": secret.secret_type,
            "metadata": secret.metadata,
            "created_at": time(secret.created_at),
            "updated_at": time(secret.updated_at),
            "expires_at": secret.expires_at.map(time),
        }),
    )
}

pub(crate) fn update_metadata(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        metadata: Map<String, Value>,
    }
    let path = call.path()?;
    authorize(state, call, path.as_str(), "write")?;
    let body: Body = call.json()?;
    let mut secret = live(state, &call.tenant, path.as_str())?;
    for (name, value) in body.metadata {
        if value.is_null() {
            secret.metadata.remove(&name);
        } else {
            secret.metadata.insert(name, value);
        }
    }
    secret.updated_at = call.now;
    keep(state, &call.tenant, &secret)?;
    Reply::ok(&secret.info())
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "delete")?;
    let permanent = call.flag("permanent")?.unwrap_or_default();
    let known = stored(state, &call.tenant, path.as_str())?;
    // A deleted secret can still be removed for good.
    let mut secret =
        known.filter(|secret| permanent || !secret.is_deleted()).ok_or_else(|| not_found(path.as_str()))?;
    let recoverable = (!permanent).then(|| time(call.now.saturating_add(retention(state))));
    let data = json!({
        "version_count": secret.versions.len(),
        "deleted_by": call.caller.identity.id,
        "permanent": permanent,
        "recoverable_until": recoverable,
    });
    if permanent {
        state.store.remove("secret", &call.tenant, path.as_str())?;
    } else {
        secret.deleted_at = Some(call.now);
        keep(state, &call.tenant, &secret)?;
    }
    emit(state, call, &Event { kind: "secret.deleted", path: Some(path.as_str()), data })?;
    Reply::ok(&json!({ "path": path.as_str(), "permanent": permanent, "recoverable_until": recoverable }))
}

pub(crate) fn undelete(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "write")?;
    let mut secret = stored(state, &call.tenant, path.as_str())?.ok_or_else(|| not_found(path.as_str()))?;
    secret.deleted_at = None;
    keep(state, &call.tenant, &secret)?;
    Reply::ok(&secret.info())
}

pub(crate) fn read_metadata(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "list")?;
    Reply::ok(&live(state, &call.tenant, path.as_str())?.info())
}

pub(crate) fn list_versions(state: &State, call: &Call) -> Outcome<Reply> {
    let path = call.path()?;
    authorize(state, call, path.as_str(), "list")?;
    let secret = live(state, &call.tenant, path.as_str())?;
    let current = secret.current_number();
    let (versions, cursor) = page(&state.epoch, call, secret.versions.iter().collect(), PAGE, |version| {
        format!("{:020}", version.version)
    })?;
    let versions = versions.into_iter().map(|version| {
        json!({
            "version": version.version,
            "created_at": time(version.created_at),
            "created_by": version.created_by,
            "is_current": version.version == current,
        })
    });
    Reply::ok(&page_body("versions", versions.collect(), cursor))
}

/// Returns the secrets that a caller may list, ordered by path.
pub(crate) fn listed(state: &State, call: &Call) -> Outcome<Vec<SecretDocument>> {
    let prefix = call.query("prefix").unwrap_or_default();
    let all = state.store.list::<SecretDocument>("secret", &call.tenant)?;
    let mut secrets: Vec<_> = all
        .into_iter()
        .map(|(_, secret)| secret)
        .filter(|secret| {
            !secret.is_deleted() && secret.path.starts_with(prefix) && may_list(state, call, &secret.path)
        })
        .collect();
    secrets.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(secrets)
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let (secrets, cursor) =
        page(&state.epoch, call, listed(state, call)?, PAGE, |secret| secret.path.clone())?;
    Reply::ok(&page_body("data", secrets.iter().map(SecretDocument::info).collect(), cursor))
}

pub(crate) fn list_expiring(state: &State, call: &Call) -> Outcome<Reply> {
    let days = call.number("days")?.unwrap_or(30);
    let until = call.now.saturating_add(i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(86_400_000));
    let mut secrets = listed(state, call)?;
    secrets.retain(|secret| secret.expires_at.is_some_and(|end| end <= until));
    let (secrets, cursor) = page(&state.epoch, call, secrets, PAGE, |secret| secret.path.clone())?;
    Reply::ok(&page_body("data", secrets.iter().map(SecretDocument::info).collect(), cursor))
}
