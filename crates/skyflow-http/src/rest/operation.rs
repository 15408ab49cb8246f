use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{DecodeError, EncodeError, ErrorBody};
use crate::{OperationInfo, Request};

/// Describes one call of the API as plain data: how it becomes a request, and how its response is read.
///
/// Both directions are pure, so an operation can be sent by [`Client`](super::Client), by a client of your own, or
/// looked at in a test.
pub trait Operation: Sized {
    /// The result of a successful response.
    type Output;

    /// The body of a response with an error status.
    type Error: ErrorBody;

    /// Describes the operation to layers, which find it in the extensions of the request.
    const INFO: OperationInfo;

    /// Makes the request. Its URI has a path and a query only: the client adds the server.
    ///
    /// # Errors
    ///
    /// Fails when a path parameter is empty or a dot segment, or when the body cannot be written.
    fn encode(self) -> Result<Request, EncodeError>;

    /// Reads a successful (2xx) response.
    ///
    /// # Errors
    ///
    /// Fails when the body is not the JSON that the operation responds with.
    fn decode(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<Self::Output, DecodeError>;
}
