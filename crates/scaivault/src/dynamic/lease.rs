use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use skyflow_http::rest::{DecodeError, EncodeError, Json, Operation};
use skyflow_http::{OperationInfo, Request};

use crate::api::types::LeaseStatus;
use crate::api::{dynamic_leases, types};
use crate::error::ErrorBody;
use crate::model::{Field, FromWire, IncompleteResponse, may_be_empty};
use crate::secrets::server_time;
use crate::{SecretData, Timestamp};

/// A lease: the time for which credentials are valid.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Lease {
    /// The id, which renews and revokes it.
    pub lease_id: String,
    /// The engine.
    pub engine: Option<String>,
    /// The role.
    pub role: Option<String>,
    /// The credentials, such as `username`, `password` and `connection_url`; absent when a lease is read or renewed.
    pub data: Option<SecretData>,
    /// The lifetime in seconds from the time of the response.
    pub ttl_seconds: Option<u64>,
    /// Whether it can be renewed.
    pub renewable: Option<bool>,
    /// When it began.
    pub created_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it is active, expired or revoked.
    pub status: Option<LeaseStatus>,
    /// Members that no page documents.
    pub extra: BTreeMap<String, Json>,
    end: LeaseEnd,
    server_time: Option<SystemTime>,
}

/// When a lease ends, on the monotonic clock: a wall clock that is wrong changes nothing. Clones share it, so that
/// what revokes a lease knows of its renewals.
#[derive(Debug, Clone, Default)]
struct LeaseEnd(Arc<Mutex<Option<Instant>>>);

impl LeaseEnd {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lifetime that is assumed when a response tells none.
const ASSUMED: Duration = Duration::from_secs(3600);

impl Lease {
    /// Counts the remaining time from the receipt of the response.
    pub(crate) fn received(mut self, now: Instant, local_time: SystemTime) -> Self {
        let by_clock = || {
            let end = self.expires_at.as_ref()?.time()?;
            Some(end.duration_since(self.server_time.unwrap_or(local_time)).unwrap_or_default())
        };
        let remaining = self.ttl_seconds.map(Duration::from_secs).or_else(by_clock).unwrap_or(ASSUMED);
        self.end = LeaseEnd(Arc::new(Mutex::new(now.checked_add(remaining))));
        self
    }

    /// Notes a renewal, or one that may have been applied. The end never moves back.
    pub(crate) fn extend(&self, to: Instant) {
        let mut end = self.end.lock();
        *end = (*end).max(Some(to));
    }

    /// Returns how long it is still valid at `now`; `None` when that is not known.
    pub(crate) fn remaining(&self, now: Instant) -> Option<Duration> {
        (*self.end.lock()).map(|end| end.saturating_duration_since(now))
    }
}

impl FromWire<types::Lease> for Lease {
    fn from_wire(wire: types::Lease) -> Result<Self, IncompleteResponse> {
        Ok(Self {
            lease_id: wire.lease_id.ok_or(IncompleteResponse("lease_id"))?,
            engine: wire.engine,
            role: wire.role,
            data: Field::read("data", wire.data)?,
            ttl_seconds: Field::read("ttl_seconds", wire.ttl_seconds)?,
            renewable: wire.renewable,
            created_at: Field::read("created_at", wire.created_at)?,
            expires_at: Field::read("expires_at", wire.expires_at)?,
            status: wire.status,
            extra: wire.extra,
            end: LeaseEnd::default(),
            server_time: None,
        })
    }
}

may_be_empty!(Lease, Lease, required);

/// Generates credentials. Its response is decoded into a buffer that is wiped, and the body is wiped where that is
/// possible.
pub(super) struct GenerateOperation(pub(super) dynamic_leases::GenerateCredentials);

/// What a response with credentials holds.
#[derive(Deserialize)]
struct Wire {
    lease_id: String,
    engine: Option<String>,
    role: Option<String>,
    data: SecretData,
    ttl_seconds: Option<u64>,
    renewable: Option<bool>,
    created_at: Option<String>,
    expires_at: Option<String>,
    status: Option<LeaseStatus>,
}

impl Operation for GenerateOperation {
    type Output = (Lease, Bytes);
    type Error = ErrorBody;
    const INFO: OperationInfo = dynamic_leases::GenerateCredentials::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        self.0.encode()
    }

    fn decode(_: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<(Lease, Bytes), DecodeError> {
        let wire: Wire = serde_json::from_slice(body).map_err(|error| DecodeError::new(&error, body))?;
        let lease = Lease {
            lease_id: wire.lease_id,
            engine: wire.engine,
            role: wire.role,
            data: Some(wire.data),
            ttl_seconds: wire.ttl_seconds,
            renewable: wire.renewable,
            created_at: wire.created_at.map(Timestamp::new),
            expires_at: wire.expires_at.map(Timestamp::new),
            status: wire.status,
            extra: BTreeMap::new(),
            end: LeaseEnd::default(),
            server_time: server_time(headers),
        };
        Ok((lease, body.clone()))
    }
}

impl Lease {
    /// Takes the place of a lease that was handed out already.
    pub(super) fn absent() -> Self {
        Self {
            lease_id: String::new(),
            engine: None,
            role: None,
            data: None,
            ttl_seconds: None,
            renewable: None,
            created_at: None,
            expires_at: None,
            status: None,
            extra: BTreeMap::new(),
            end: LeaseEnd::default(),
            server_time: None,
        }
    }
}
