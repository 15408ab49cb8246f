//! Operations whose response is read as another type than the bindings have for it.

use std::marker::PhantomData;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use skyflow_api::runtime::decode_json;
use skyflow_api::{DecodeError, EncodeError, Operation};
use skyflow_http::{OperationInfo, Request};

/// Sends an operation as it is, and reads its response as `T`: where elements are kept as JSON, so that one of an
/// unexpected shape loses no other.
pub(super) struct ReadAs<O, T> {
    operation: O,
    response: PhantomData<fn() -> T>,
}

impl<O, T> ReadAs<O, T> {
    pub(super) fn new(operation: O) -> Self {
        Self { operation, response: PhantomData }
    }
}

impl<O: Operation, T: DeserializeOwned> Operation for ReadAs<O, T> {
    type Output = T;
    type Error = O::Error;
    const INFO: OperationInfo = O::INFO;

    fn encode(self) -> Result<Request, EncodeError> {
        self.operation.encode()
    }

    fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<T, DecodeError> {
        decode_json(body)
    }
}
