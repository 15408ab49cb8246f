use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::IntoFuture;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use skyflow_http::rest::{DecodeError, EncodeError, Operation};
use skyflow_http::{OperationInfo, Request};

use super::{SecretMetadata, Secrets};
use crate::api::types::{BatchReadOptions, SecretType};
use crate::api::{secrets, types};
use crate::error::ErrorBody;
use crate::handle::Handle;
use crate::mode::{Async, CallFuture, Mode};
use crate::{Error, ErrorCode, InvalidInput, SecretData, SecretPath};

/// The largest number of paths in one request.
pub(super) const MAX_PATHS: usize = 100;

pub(super) fn wrong_count() -> Error {
    Error::invalid("paths", format!("must be from 1 to {MAX_PATHS} paths"))
}

/// A read of many secrets that is not sent yet.
#[must_use = "a call does nothing until it is sent"]
pub struct BatchRead<M = Async> {
    mode: M,
    handle: Handle,
    paths: Result<BTreeSet<SecretPath>, Error>,
    options: BatchReadOptions,
    all: bool,
}

/// The secrets of a batch, and why the others are missing, by path.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct BatchResult {
    /// The secrets that were read.
    pub secrets: BTreeMap<String, BatchSecret>,
    /// Why a secret was not read: it does not exist, is not allowed, or its part of the response cannot be read.
    pub errors: BTreeMap<String, Error>,
}

/// A secret of a batch.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct BatchSecret {
    /// The data.
    pub data: SecretData,
    /// The number of the version, from 1.
    pub version: u64,
    /// What the data is; a hint only.
    pub secret_type: Option<SecretType>,
    /// Description, tags, owner and members of your own, when the batch asks for them.
    pub metadata: Option<SecretMetadata>,
}

impl<M: Mode> Secrets<M> {
    /// Reads up to 100 secrets in one request; duplicates are sent once.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let paths = ["integrations/salesforce/oauth", "integrations/stripe/api-key"];
    /// let batch = client.secrets().batch_read(paths).await?;
    /// for (path, secret) in &batch.secrets {
    ///     println!("{path}: version {}", secret.version);
    /// }
    /// for (path, error) in &batch.errors {
    ///     println!("{path}: {error}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn batch_read<P>(&self, paths: impl IntoIterator<Item = P>) -> BatchRead<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let paths: Result<BTreeSet<_>, Error> = paths
            .into_iter()
            .enumerate()
            .map(|(at, path)| {
                path.try_into().map_err(|error| error.into().in_field(format!("paths[{at}]")).into())
            })
            .collect();
        let (mode, handle) = (self.mode.clone(), self.handle.clone());
        BatchRead { mode, handle, paths, options: BatchReadOptions::default(), all: false }
    }

    /// Reads any number of secrets, with one request for each 100 of them.
    pub fn batch_read_all<P>(&self, paths: impl IntoIterator<Item = P>) -> BatchRead<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        BatchRead { all: true, ..self.batch_read(paths) }
    }
}

impl<M: Mode> BatchRead<M> {
    /// Asks for the metadata of the secrets too.
    pub fn include_metadata(mut self, yes: bool) -> Self {
        self.options = self.options.include_metadata(yes);
        self
    }

    /// Fails as a whole when one path does.
    pub fn fail_fast(mut self, yes: bool) -> Self {
        self.options = self.options.fail_fast(yes);
        self
    }

    /// Reads this version of each secret.
    pub fn version(mut self, version: u32) -> Self {
        self.options = self.options.version(version.into());
        self
    }

    /// Sends the batch.
    ///
    /// # Errors
    ///
    /// Fails when no path is given, or more than 100 ([`Secrets::batch_read_all`] has no limit), when a path cannot be
    /// used, and when a request fails. What fails for one path is in [`BatchResult::errors`].
    pub fn send(self) -> M::Outcome<BatchResult> {
        let mode = self.mode.clone();
        mode.run(self.result())
    }

    async fn result(self) -> Result<BatchResult, Error> {
        let Self { handle, paths, options, all, .. } = self;
        let paths: Vec<SecretPath> = paths?.into_iter().collect();
        if paths.is_empty() || (paths.len() > MAX_PATHS && !all) {
            return Err(wrong_count());
        }
        let mut result = BatchResult::default();
        for part in paths.chunks(MAX_PATHS) {
            let body = types::BatchRead::new(part.iter().map(SecretPath::as_str)).options(options.clone());
            let response = handle.send(Batch(secrets::BatchRead::new(body))).await?;
            let (part_result, body) = response.body;
            crate::secret_data::wipe(body);
            result.take(part_result, part);
        }
        Ok(result)
    }
}

impl BatchResult {
    fn take(&mut self, part: Self, paths: &[SecretPath]) {
        self.secrets.extend(part.secrets);
        self.errors.extend(part.errors);
        for path in paths.iter().map(SecretPath::as_str) {
            if !self.secrets.contains_key(path) && !self.errors.contains_key(path) {
                let code = ErrorCode::Other("missing_in_response".to_owned());
                let message = "the response has neither the secret nor an error".to_owned();
                self.errors.insert(path.to_owned(), Error::of_element(NAME, code, message));
            }
        }
    }
}

const NAME: &str = secrets::BatchRead::INFO.name;

/// Reads each element of the response by itself, so that a malformed one does not lose the others.
struct Batch(secrets::BatchRead);

impl Operation for Batch {
    type Output = (BatchResult, Bytes);
    type Error = ErrorBody;
    const INFO: OperationInfo = secrets::BatchRead::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        self.0.encode()
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<(BatchResult, Bytes), DecodeError> {
        let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| DecodeError::new(&error, body))?;
        let mut result = BatchResult::default();
        for (path, json) in wire.secrets.unwrap_or_default() {
            match serde_json::from_str(json.get()) {
                Ok(secret) => {
                    result.secrets.insert(path, secret);
                }
                Err(error) => {
                    let error = DecodeError::new(&error, json.get().as_bytes());
                    result.errors.insert(path, Error::undecodable(NAME, error));
                }
            }
        }
        for (path, json) in wire.errors.unwrap_or_default() {
            let error = match serde_json::from_str::<WireError>(json.get()) {
                Ok(WireError { code, message }) => Error::of_element(NAME, code, message),
                Err(error) => Error::undecodable(NAME, DecodeError::new(&error, json.get().as_bytes())),
            };
            result.errors.insert(path, error);
        }
        Ok((result, body.clone()))
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    secrets: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    errors: Option<BTreeMap<String, &'a RawValue>>,
}

#[derive(Deserialize)]
struct WireError {
    code: ErrorCode,
    #[serde(default)]
    message: String,
}

impl IntoFuture for BatchRead<Async> {
    type Output = Result<BatchResult, Error>;
    type IntoFuture = CallFuture<BatchResult>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl<M> fmt::Debug for BatchRead<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.paths.as_ref().map_or(0, BTreeSet::len);
        f.debug_struct("BatchRead").field("paths", &paths).finish_non_exhaustive()
    }
}
