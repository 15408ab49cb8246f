use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;
use skyflow_http::rest::Json;

use super::{ReadOperation, SecretMetadata, Secrets, WrittenSecret};
use crate::api::{secrets, types};
use crate::handle::Handle;
use crate::mode::{Async, CallFuture, Mode};
use crate::secrets::read::checked;
use crate::syntax::duration_of;
use crate::{Call, Error, ErrorCode, InvalidInput, SecretPath, VaultDuration};

/// A write that is not sent yet.
#[must_use = "a call does nothing until it is sent"]
pub struct WriteSecret<M = Async> {
    call: Call<secrets::Write, WrittenSecret, M>,
    mode: M,
    handle: Handle,
    path: Option<SecretPath>,
    expected: Option<u64>,
    verifies: bool,
}

/// Writes data as a JSON object.
pub(super) fn object<V: Serialize + ?Sized>(field: &'static str, data: &V) -> Result<Json, Error> {
    let json = Json::from_serialize(data).map_err(|_| Error::invalid(field, "has no JSON form"))?;
    match json.get().starts_with('{') {
        true => Ok(json),
        false => Err(Error::invalid(field, "must be a JSON object")),
    }
}

impl<M: Mode> Secrets<M> {
    /// Writes a new version of a secret, or its first one.
    ///
    /// Each write appends a version, so it is not repeated when its response is lost: the error is then
    /// [`Error::OutcomeUnknown`]. [`verify_after_loss`](WriteSecret::verify_after_loss) reads the secret back in this case.
    pub fn write<P, V>(&self, path: P, data: &V) -> WriteSecret<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
        V: Serialize + ?Sized,
    {
        let path = checked(path);
        let changed = path.as_ref().ok().cloned();
        let operation = path.and_then(|path| {
            let body = types::SecretWrite::new(object("data", data)?);
            Ok(secrets::Write::new(path, body))
        });
        WriteSecret {
            call: self.try_call(operation).changing(changed.clone()).hint("a new version may exist"),
            mode: self.mode.clone(),
            handle: self.handle.clone(),
            path: changed,
            expected: None,
            verifies: false,
        }
    }

    /// Writes a secret that all tenants of the partner share. It needs the rights of a partner admin.
    pub fn write_partner<P, V>(&self, path: P, data: &V) -> Call<secrets::WritePartner, WrittenSecret, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
        V: Serialize + ?Sized,
    {
        self.try_call(checked(path).and_then(|path| {
            let body = types::SecretWrite::new(object("data", data)?);
            Ok(secrets::WritePartner::new(path, body))
        }))
    }
}

impl<M: Mode> WriteSecret<M> {
    fn body(mut self, change: impl FnOnce(types::SecretWrite) -> types::SecretWrite) -> Self {
        self.call = self.call.with(|mut operation| {
            operation.body = change(operation.body);
            operation
        });
        self
    }

    fn option(self, change: impl FnOnce(types::SecretWriteOptions) -> types::SecretWriteOptions) -> Self {
        self.body(|mut body| {
            body.options = Some(change(body.options.unwrap_or_default()));
            body
        })
    }

    /// Says what the data is; a hint only.
    pub fn secret_type(self, secret_type: impl Into<types::SecretType>) -> Self {
        self.body(|body| body.secret_type(secret_type))
    }

    /// Sets description, tags, owner and members of your own.
    pub fn metadata(self, metadata: SecretMetadata) -> Self {
        self.body(|body| body.metadata(metadata))
    }

    /// Sets how many versions are kept, from 1 on.
    pub fn max_versions(mut self, versions: u32) -> Self {
        let versions = match versions {
            0 => Err(Error::invalid("max_versions", "must be at least 1")),
            versions => Ok(versions),
        };
        self.call = self.call.checked(versions, |mut operation, versions| {
            let options = operation.body.options.unwrap_or_default();
            operation.body.options = Some(options.max_versions(versions.into()));
            operation
        });
        self
    }

    /// Lets the secret expire.
    pub fn expires_in<D>(mut self, duration: D) -> Self
    where
        D: TryInto<VaultDuration>,
        D::Error: Into<InvalidInput>,
    {
        self.call = self.call.checked(duration_of("expires_in", duration), |mut operation, duration| {
            let options = operation.body.options.unwrap_or_default();
            operation.body.options = Some(options.expires_in(duration.to_string()));
            operation
        });
        self
    }

    /// Assigns the secret to a rotation policy.
    pub fn rotation_policy(self, policy_id: impl Into<String>) -> Self {
        self.option(|options| options.rotation_policy_id(policy_id))
    }

    /// Writes only when the current version is this one; 0 means that the secret must not exist.
    ///
    /// The server has no such condition: the client reads the metadata first, so a write of another client between the
    /// two is not noticed. It needs the scope `secrets:list`.
    pub fn expected_version(mut self, version: u64) -> Self {
        self.expected = Some(version);
        self
    }

    /// Reads the secret back when the response to the write is lost: the write has succeeded when the current version
    /// holds the same data. It needs the scope `secrets:read`.
    pub fn verify_after_loss(mut self) -> Self {
        self.verifies = true;
        self
    }

    /// Sets the time for one attempt of this call.
    pub fn timeout(mut self, one_attempt: Duration) -> Self {
        self.call = self.call.timeout(one_attempt);
        self
    }

    /// Says whether the write may be sent again after a lost response. It may then append a version more.
    pub fn retry_writes(mut self, yes: bool) -> Self {
        self.call = self.call.retry_writes(yes);
        self
    }

    /// Sends the write.
    ///
    /// # Errors
    ///
    /// Fails as [`Call::send`] does, and with [`Error::Conflict`] when the current version is not the expected one.
    pub fn send(self) -> M::Outcome<WrittenSecret> {
        let mode = self.mode.clone();
        mode.run(self.result())
    }

    async fn result(self) -> Result<WrittenSecret, Error> {
        let Self { call, handle, path, expected, verifies, .. } = self;
        if let (Some(path), Some(expected)) = (&path, expected) {
            let current = match handle.send(secrets::ReadMetadata::new(path.as_str())).await {
                Ok(response) => response.body.and_then(|info| info.version).unwrap_or_default(),
                Err(Error::NotFound(_)) => 0,
                Err(error) => return Err(error),
            };
            if u64::try_from(current) != Ok(expected) {
                let message = "the current version is not the expected one; nothing was written";
                let code = ErrorCode::VersionConflict;
                return Err(Error::of_element("secrets.write", code, message.to_owned()));
            }
        }
        let written = call.written();
        match call.result().await {
            Err(error @ Error::OutcomeUnknown(_)) if verifies => match (path, written) {
                (Some(path), Some(written)) => verified(&handle, &path, &written).await.ok_or(error),
                _ => Err(error),
            },
            outcome => outcome,
        }
    }
}

impl<M> Call<secrets::Write, WrittenSecret, M> {
    /// Returns the data that is written.
    fn written(&self) -> Option<Json> {
        self.operation().map(|operation| operation.body.data.clone())
    }
}

/// Reads a secret back; `None` unless its current version holds the data.
async fn verified(handle: &Handle, path: &SecretPath, written: &Json) -> Option<WrittenSecret> {
    let read = handle.send(ReadOperation::new(path)).await.ok()?;
    let secret = <super::Secret as crate::model::FromWire<_>>::from_wire(read.body).ok()?;
    secret.data.is_same_as(written).then_some(WrittenSecret {
        path: secret.path,
        version: secret.version,
        secret_type: secret.secret_type,
        metadata: Some(secret.metadata),
        created_at: secret.created_at,
        updated_at: secret.updated_at,
        expires_at: secret.expires_at,
    })
}

impl IntoFuture for WriteSecret<Async> {
    type Output = Result<WrittenSecret, Error>;
    type IntoFuture = CallFuture<WrittenSecret>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl<M> fmt::Debug for WriteSecret<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteSecret").field("path", &self.path).finish_non_exhaustive()
    }
}
