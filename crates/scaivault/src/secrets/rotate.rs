use serde::Serialize;

use super::{RotatedSecret, Secrets};
use crate::api::{secrets, types};
use crate::mode::Mode;
use crate::secrets::read::checked;
use crate::secrets::write::object;
use crate::{Call, InvalidInput, SecretPath, VaultDuration};

impl<M: Mode> Secrets<M> {
    /// Makes a new version of a secret, and keeps the old one readable for a grace period.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let rotated = client
    ///     .secrets()
    ///     .rotate("app/db/password")
    ///     .reason("compromise")
    ///     .new_value(&serde_json::json!({"password": "new-value"}))
    ///     .grace_period("1h")
    ///     .await?;
    /// println!("version {:?}", rotated.new_version);
    /// # Ok(()) }
    /// ```
    pub fn rotate<P>(&self, path: P) -> Call<secrets::Rotate, RotatedSecret, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let path = checked(path);
        let changed = path.as_ref().ok().cloned();
        let operation = path.map(|path| secrets::Rotate::new(path).body(types::SecretRotate::default()));
        self.try_call(operation).changing(changed).hint("a new version may exist")
    }
}

impl<T, M: Mode> Call<secrets::Rotate, T, M> {
    fn body(self, change: impl FnOnce(types::SecretRotate) -> types::SecretRotate) -> Self {
        self.with(|mut operation| {
            operation.body = Some(change(operation.body.unwrap_or_default()));
            operation
        })
    }

    /// Says why, for the audit log.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.body(|body| body.reason(reason))
    }

    /// Sets the data of the new version; without it the secret policy generates a value.
    pub fn new_value<V: Serialize + ?Sized>(self, data: &V) -> Self {
        self.checked(object("new_value", data), |mut operation, data| {
            operation.body = Some(operation.body.unwrap_or_default().new_value(data));
            operation
        })
    }

    /// Sets how long the old version can be read.
    pub fn grace_period<D>(self, period: D) -> Self
    where
        D: TryInto<VaultDuration>,
        D::Error: Into<InvalidInput>,
    {
        self.checked(crate::syntax::duration_of("grace_period", period), |mut operation, period| {
            operation.body = Some(operation.body.unwrap_or_default().grace_period(period.to_string()));
            operation
        })
    }
}
