use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use skyflow_http::rest::Json;

pub use crate::api::types::SecretMetadata;
use crate::api::types::SecretType;
use crate::model::{may_be_empty, model};
use crate::{SecretData, Timestamp};

/// A version of a secret.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Secret {
    /// The path.
    pub path: String,
    /// The number of the version, from 1.
    pub version: u64,
    /// The data.
    pub data: SecretData,
    /// What the data is; a hint only.
    pub secret_type: Option<SecretType>,
    /// Description, tags, owner and members of your own.
    #[serde(default, deserialize_with = "or_default")]
    pub metadata: SecretMetadata,
    /// When the version was written.
    #[serde(default, deserialize_with = "timestamp")]
    pub created_at: Option<Timestamp>,
    /// When the secret changed.
    #[serde(default, deserialize_with = "timestamp")]
    pub updated_at: Option<Timestamp>,
    /// When the secret expires.
    #[serde(default, deserialize_with = "timestamp")]
    pub expires_at: Option<Timestamp>,
    /// When the secret was last read.
    #[serde(default, deserialize_with = "timestamp")]
    pub last_accessed_at: Option<Timestamp>,
    /// The rotation policy that the secret is assigned to.
    pub rotation_policy_id: Option<String>,
    /// The recipe of its generated values.
    pub secret_policy_id: Option<String>,
    /// How long the secret was still valid when it was received, by the server's clock.
    #[serde(skip)]
    pub(crate) remaining: Option<Duration>,
}

impl Secret {
    /// Works out how long the secret is still valid. `now` is the server's time, so that a wrong clock of this machine
    /// changes nothing.
    pub(crate) fn received_at(mut self, now: SystemTime) -> Self {
        let end = self.expires_at.as_ref().and_then(Timestamp::time);
        self.remaining = end.map(|end| end.duration_since(now).unwrap_or_default());
        self
    }
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn timestamp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Timestamp::new))
}

model! {
    /// A secret without its data.
    SecretInfo from SecretInfo {
        /// The path.
        path: String,
        /// What the data is; a hint only.
        secret_type: Option<SecretType>,
        /// The number of the current version.
        version: Option<u64>,
        /// How many versions are kept.
        version_count: Option<u64>,
        /// Description, tags, owner and members of your own.
        metadata: Option<SecretMetadata>,
        /// The rotation policy that the secret is assigned to.
        rotation_policy_id: Option<String>,
        /// How the rotation goes.
        rotation_status: Option<String>,
        /// When the secret was first written.
        created_at: Option<Timestamp>,
        /// When the secret changed.
        updated_at: Option<Timestamp>,
        /// When the secret expires.
        expires_at: Option<Timestamp>,
        /// Members that no page documents.
        extra: BTreeMap<String, Json>,
    }
}

model! {
    /// The result of a write.
    WrittenSecret from SecretWriteResult {
        /// The path.
        path: String,
        /// The number of the version that was written.
        version: u64,
        /// What the data is; a hint only.
        secret_type: Option<SecretType>,
        /// Description, tags, owner and members of your own.
        metadata: Option<SecretMetadata>,
        /// When the secret was first written.
        created_at: Option<Timestamp>,
        /// When the secret changed.
        updated_at: Option<Timestamp>,
        /// When the secret expires.
        expires_at: Option<Timestamp>,
    }
}

model! {
    /// The result of a rotation. No page documents it, so every member may be absent.
    RotatedSecret from SecretRotateResult or default {
        /// The path.
        path: Option<String>,
        /// The version that was current before.
        old_version: Option<u64>,
        /// The version that is current now.
        new_version: Option<u64>,
        /// Until when the old version can be read.
        grace_period_ends: Option<Timestamp>,
        /// Members that no page documents.
        extra: BTreeMap<String, Json>,
    }
}

model! {
    /// The result of a deletion. No page documents it, so every member may be absent.
    DeletedSecret from SecretDeleteResult or default {
        /// The path.
        path: Option<String>,
        /// Whether the secret is gone for good.
        permanent: Option<bool>,
        /// Until when the secret can be restored.
        recoverable_until: Option<Timestamp>,
        /// Members that no page documents.
        extra: BTreeMap<String, Json>,
    }
}

impl DeletedSecret {
    /// The result of a deletion whose first response was lost.
    pub(super) fn gone() -> Self {
        Self { path: None, permanent: None, recoverable_until: None, extra: BTreeMap::new() }
    }
}

model! {
    /// A version in the history of a secret.
    SecretVersion from SecretVersion {
        /// The number of the version, from 1.
        version: u64,
        /// When the version was written.
        created_at: Option<Timestamp>,
        /// The identity that wrote it.
        created_by: Option<String>,
        /// Whether a read without a version returns it.
        is_current: Option<bool>,
        /// Members that no page documents.
        extra: BTreeMap<String, Json>,
    }
}

impl crate::model::FromWire<crate::api::types::BatchMetadataResult>
    for crate::api::types::BatchMetadataResult
{
    fn from_wire(wire: Self) -> Result<Self, crate::model::IncompleteResponse> {
        Ok(wire)
    }
}
may_be_empty!(crate::api::types::BatchMetadataResult, BatchMetadataResult, default);
