use skyflow_http::rest::Json;

use super::{SecretInfo, SecretMetadata, Secrets};
use crate::api::{secrets, types};
use crate::mode::Mode;
use crate::secrets::read::checked;
use crate::{Call, Error, InvalidInput, SecretPath};

impl<M: Mode> Secrets<M> {
    /// Reads version, tags and rotation status of a secret, and no value.
    pub fn read_metadata<P>(&self, path: P) -> Call<secrets::ReadMetadata, SecretInfo, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.try_call(checked(path).map(secrets::ReadMetadata::new))
    }

    /// Reads the metadata of many secrets. With [`expand_wildcards`](Call::expand_wildcards) the paths may be patterns.
    pub fn batch_metadata<S: Into<String>>(
        &self,
        paths: impl IntoIterator<Item = S>,
    ) -> Call<secrets::BatchMetadata, types::BatchMetadataResult, M> {
        let body = types::BatchMetadata::new(paths);
        let operation = match body.paths.len() {
            1..=super::batch::MAX_PATHS => Ok(secrets::BatchMetadata::new(body)),
            _ => Err(super::batch::wrong_count()),
        };
        self.try_call(operation)
    }

    /// Changes the metadata of a secret and no value: members are merged into the existing ones. See
    /// [`remove`](Call::remove) to remove one.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use scaivault::SecretMetadata;
    ///
    /// let metadata = SecretMetadata::default().tags(["critical"]);
    /// client.secrets().update_metadata("app/db/password", metadata).remove("owner").await?;
    /// # Ok(()) }
    /// ```
    pub fn update_metadata<P>(
        &self,
        path: P,
        metadata: SecretMetadata,
    ) -> Call<secrets::UpdateMetadata, SecretInfo, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let body = types::SecretMetadataUpdate::new(metadata);
        let path = checked(path);
        let changed = path.as_ref().ok().cloned();
        self.try_call(path.map(|path| secrets::UpdateMetadata::new(path, body))).changing(changed)
    }
}

impl<T, M: Mode> Call<secrets::BatchMetadata, T, M> {
    /// Lets the paths be patterns.
    pub fn expand_wildcards(self, yes: bool) -> Self {
        self.with(|mut operation| {
            operation.body.expand_wildcards = Some(yes);
            operation
        })
    }
}

impl<T, M: Mode> Call<secrets::UpdateMetadata, T, M> {
    /// Removes a member of the metadata.
    pub fn remove(self, name: impl Into<String>) -> Self {
        let null = Json::parse("null").map_err(|_| Error::invalid("metadata", "cannot be removed"));
        let name = name.into();
        self.checked(null, |mut operation, null| {
            let metadata = &mut operation.body.metadata;
            match name.as_str() {
                "description" => metadata.description = None,
                "owner" => metadata.owner = None,
                "tags" => metadata.tags = None,
                _ => {}
            }
            metadata.extra.insert(name, null);
            operation
        })
    }
}
