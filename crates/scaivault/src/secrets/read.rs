use std::time::SystemTime;

use bytes::Bytes;
use http::header::DATE;
use http::{HeaderMap, StatusCode};
use skyflow_http::rest::{DecodeError, EncodeError, Operation};
use skyflow_http::{OperationInfo, Request};

use super::{Secret, Secrets};
use crate::api::secrets;
use crate::error::ErrorBody;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse};
use crate::{Call, Error, InvalidInput, SecretPath};

/// A read that is not sent yet.
pub type ReadSecret<M> = Call<ReadOperation, Secret, M>;

/// Reads a secret. Its response is decoded into a buffer that is wiped, and the body is wiped where that is possible.
#[derive(Debug, Clone)]
pub struct ReadOperation(Source);

#[derive(Debug, Clone)]
enum Source {
    Tenant(secrets::Read),
    Partner(secrets::ReadPartner),
}

/// A response that was read, and its body.
pub struct ReadResponse {
    secret: Secret,
    body: Bytes,
}

impl ReadOperation {
    pub(crate) fn new(path: &SecretPath) -> Self {
        Self(Source::Tenant(secrets::Read::new(path.as_str())))
    }
}

impl Operation for ReadOperation {
    type Output = ReadResponse;
    type Error = ErrorBody;
    const INFO: OperationInfo = secrets::Read::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        match self.0 {
            Source::Tenant(read) => read.encode(),
            Source::Partner(read) => read.encode(),
        }
    }

    fn decode(_: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<ReadResponse, DecodeError> {
        let secret: Secret = serde_json::from_slice(body).map_err(|error| DecodeError::new(&error, body))?;
        let secret = match server_time(headers) {
            Some(now) => secret.received_at(now),
            None => secret,
        };
        Ok(ReadResponse { secret, body: body.clone() })
    }
}

/// Reads the time at which the server sent a response.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

impl FromWire<ReadResponse> for Secret {
    fn from_wire(response: ReadResponse) -> Result<Self, IncompleteResponse> {
        crate::secret_data::wipe(response.body);
        Ok(response.secret)
    }
}

impl<M: Mode> Secrets<M> {
    /// Reads the current version of a secret.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let current = client.secrets().read("app/db/password").await?;
    /// let first = client.secrets().read("app/db/password").version(1).await?;
    /// # Ok(()) }
    /// ```
    pub fn read<P>(&self, path: P) -> ReadSecret<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.try_call(checked(path).map(|path| ReadOperation::new(&path)))
    }

    /// Reads a secret that all tenants of the partner share.
    pub fn read_partner<P>(&self, path: P) -> ReadSecret<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let read =
            |path: SecretPath| ReadOperation(Source::Partner(secrets::ReadPartner::new(path.as_str())));
        self.try_call(checked(path).map(read))
    }
}

/// Checks a path.
pub(crate) fn checked<P>(path: P) -> Result<SecretPath, Error>
where
    P: TryInto<SecretPath>,
    P::Error: Into<InvalidInput>,
{
    path.try_into().map_err(|error| Error::InvalidInput(error.into()))
}

impl<T, M: Mode> Call<ReadOperation, T, M> {
    /// Reads this version instead of the current one.
    pub fn version(self, version: u64) -> Self {
        let version = i64::try_from(version).ok().filter(|version| *version > 0);
        let version = version.ok_or_else(|| Error::invalid("version", "must be a number from 1"));
        self.checked(version, |operation, version| match operation.0 {
            Source::Tenant(read) => ReadOperation(Source::Tenant(read.version(version))),
            Source::Partner(read) => ReadOperation(Source::Partner(read.version(version))),
        })
    }
}
