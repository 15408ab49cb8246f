//! A secret and its versions.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::call::time;
use crate::failure::{Failure, Outcome};
use crate::state::State;

/// How many versions are kept unless a write says otherwise.
const DEFAULT_VERSIONS: u64 = 10;

/// A secret as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct SecretDocument {
    pub(crate) path: String,
    pub(crate) secret_type: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) versions: Vec<Version>,
    /// Numbers are never used again.
    pub(crate) next_version: u64,
    pub(crate) max_versions: u64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) last_accessed_at: Option<i64>,
    pub(crate) rotation_policy_id: Option<String>,
    pub(crate) secret_policy_id: Option<String>,
    pub(crate) deleted_at: Option<i64>,
    /// Which warnings about the expiry were sent.
    #[serde(default)]
    pub(crate) expiry_warnings: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: u64,
    /// As it was written: numbers keep their digits.
    pub(crate) data: Box<RawValue>,
    pub(crate) created_at: i64,
    pub(crate) created_by: String,
    /// The end of the grace period, for a version that a rotation has replaced.
    pub(crate) grace_until: Option<i64>,
}

impl SecretDocument {
    pub(crate) fn new(path: &str, now: i64) -> Self {
        Self {
            path: path.to_owned(),
            secret_type: "kv".to_owned(),
            metadata: Map::new(),
            versions: Vec::new(),
            next_version: 1,
            max_versions: DEFAULT_VERSIONS,
            created_at: now,
            updated_at: now,
            expires_at: None,
            last_accessed_at: None,
            rotation_policy_id: None,
            secret_policy_id: None,
            deleted_at: None,
            expiry_warnings: Vec::new(),
        }
    }

    /// Appends a version. A grace period lets the one before be read for that long and no longer.
    pub(crate) fn append(&mut self, data: Box<RawValue>, by: &str, now: i64, grace: Option<i64>) -> u64 {
        if let (Some(grace), Some(current)) = (grace, self.versions.last_mut()) {
            current.grace_until = Some(now.saturating_add(grace));
        }
        let version = self.next_version;
        self.next_version += 1;
        self.updated_at = now;
        self.versions.push(Version {
            version,
            data,
            created_at: now,
            created_by: by.to_owned(),
            grace_until: None,
        });
        self.prune(now);
        version
    }

    /// Drops versions that can no longer be read. A grace period outlives the limit of versions.
    pub(crate) fn prune(&mut self, now: i64) {
        let keep = usize::try_from(self.max_versions).unwrap_or(usize::MAX);
        let first_kept = self.versions.len().saturating_sub(keep);
        let last = self.versions.len().saturating_sub(1);
        let mut at = 0;
        self.versions.retain(|version| {
            let keeps = match version.grace_until {
                _ if at == last => true,
                Some(end) => now < end,
                None => at >= first_kept,
            };
            at += 1;
            keeps
        });
    }

    pub(crate) fn current(&self) -> Option<&Version> {
        self.versions.last()
    }

    pub(crate) fn current_number(&self) -> u64 {
        self.current().map_or(0, |version| version.version)
    }

    /// Returns a version that can be read at this time.
    pub(crate) fn version(&self, wanted: Option<u64>, now: i64) -> Outcome<&Version> {
        let Some(wanted) = wanted else {
            return self.current().ok_or_else(|| not_found(&self.path));
        };
        let is_readable =
            |version: &&Version| version.version == wanted && version.grace_until.is_none_or(|end| now < end);
        self.versions.iter().find(is_readable).ok_or_else(|| {
            Failure::new("version_not_found", "there is no such version, or it is no longer kept")
                .with("path", self.path.as_str())
                .with("version", wanted)
        })
    }

    /// Describes the secret without its data.
    pub(crate) fn info(&self) -> Value {
        json!({
            "path": self.path,
            "secret_type": self.secret_type,
            "version": self.current_number(),
            "version_count": self.versions.len(),
            "metadata": self.metadata,
            "rotation_policy_id": self.rotation_policy_id,
            "secret_policy_id": self.secret_policy_id,
            "rotation_status": if self.rotation_policy_id.is_some() { "assigned" } else { "none" },
            "created_at": time(self.created_at),
            "updated_at": time(self.updated_at),
            "expires_at": self.expires_at.map(time),
        })
    }

    /// Tells whether the secret is deleted, and can still be restored.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }
}

pub(crate) fn not_found(path: &str) -> Failure {
    Failure::new("secret_not_found", "there is no secret at this path").with("path", path)
}

/// Returns a secret that is not deleted.
pub(crate) fn live(state: &State, tenant: &str, path: &str) -> Outcome<SecretDocument> {
    let secret: Option<SecretDocument> = stored(state, tenant, path)?;
    secret.filter(|secret| !secret.is_deleted()).ok_or_else(|| not_found(path))
}

/// Returns a secret, deleted or not, unless its retention has ended.
pub(crate) fn stored(state: &State, tenant: &str, path: &str) -> Outcome<Option<SecretDocument>> {
    let Some(mut secret) = state.store.get::<SecretDocument>("secret", tenant, path)? else {
        return Ok(None);
    };
    let now = state.now();
    if secret.deleted_at.is_some_and(|deleted| now >= deleted.saturating_add(retention(state))) {
        state.store.remove("secret", tenant, path)?;
        return Ok(None);
    }
    secret.prune(now);
    Ok(Some(secret))
}

/// How long a deleted secret can be restored, in milliseconds.
pub(crate) fn retention(state: &State) -> i64 {
    i64::try_from(state.retention.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn keep(state: &State, tenant: &str, secret: &SecretDocument) -> Outcome<()> {
    state.put("secret", tenant, &secret.path, secret)
}
