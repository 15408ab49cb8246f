mod api;
mod decode;
mod message;
mod page;

use http::StatusCode;
use skyflow_types::RequestId;

pub use api::{ApiError, ErrorBody};
pub use decode::{DecodeError, DecodeErrorKind};
pub(super) use decode::{places, plain_name};
pub use message::{clean, plain_text};

use crate::{BaseUriError, BoxError, Progress, TargetError};

/// Says why an operation has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E: ErrorBody> {
    /// The request could not be made; nothing was sent.
    #[error("the request could not be made")]
    Encode(#[from] EncodeError),
    /// The service gave no response: a layer refused, or the transport failed.
    #[error("the request got no response")]
    #[non_exhaustive]
    Service {
        /// The error of the service, such as a [`crate::Error`].
        source: BoxError,
        /// The attempts so far.
        progress: Progress,
    },
    /// The server responded with a status other than 2xx.
    #[error(transparent)]
    Api(#[from] Box<ApiError<E>>),
    /// The server responded with 2xx, and the response could not be read. The operation was carried out.
    #[error("the response could not be read")]
    #[non_exhaustive]
    Decode {
        /// The HTTP status of the response.
        status: StatusCode,
        /// The server's name for this call, when it sent one.
        request_id: Option<RequestId>,
        /// The reason why the response could not be read.
        source: DecodeError,
        /// The attempts so far.
        progress: Progress,
    },
}

impl<E: ErrorBody> Error<E> {
    /// Returns the HTTP status, when there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Encode(_) | Self::Service { .. } => None,
            Self::Api(error) => Some(error.status),
            Self::Decode { status, .. } => Some(*status),
        }
    }

    /// Returns the server's name for the call, when it sent one.
    pub fn request_id(&self) -> Option<&RequestId> {
        match self {
            Self::Encode(_) | Self::Service { .. } => None,
            Self::Api(error) => error.request_id.as_ref(),
            Self::Decode { request_id, .. } => request_id.as_ref(),
        }
    }

    /// Returns what is known about the attempts; `None` when nothing was sent.
    pub fn progress(&self) -> Option<&Progress> {
        match self {
            Self::Encode(_) => None,
            Self::Api(error) => Some(&error.progress),
            Self::Service { progress, .. } | Self::Decode { progress, .. } => Some(progress),
        }
    }
}

/// Says why a request could not be made. It never repeats a value.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A path parameter is empty or a dot segment, or the URI is too long.
    #[error("a path parameter is invalid: {0}")]
    Target(#[from] TargetError),
    /// The URI does not fit the client's base URL.
    #[error("the path cannot be joined to the base url: {0}")]
    Base(#[from] BaseUriError),
    /// The body is a stream, and the client's service takes bodies in memory only.
    #[error("a stream cannot be sent: the body type of the client holds bytes only")]
    Stream,
    /// The request has no path.
    #[error("the request has no path")]
    NoPath,
    /// The body has no JSON form; serde's own message could quote it.
    #[error("the body has no JSON form")]
    Json,
    /// A number is NaN or infinite: JSON has neither, and `null` in its place would erase a value. It holds the path of
    /// the field.
    #[error("{} must be a finite number: JSON has neither NaN nor infinities", if .0.is_empty() { "the body" } else { .0 })]
    NotFinite(Box<str>),
    /// A form without files holds an object or a nested list.
    #[error("a form field must be a string, a number, a boolean or a list of them")]
    Form,
    /// Content in memory has another length than the announced one.
    #[error("the content of a form part has another length than the announced one")]
    Length,
    /// A time limit of the call is zero: the call would end before it is sent.
    #[error("{0} must be greater than zero")]
    ZeroTimeout(&'static str),
    /// The content type or the boundary of a form part is not a valid header value.
    #[error("the {0} of a form part is not a valid header value")]
    Part(&'static str),
}
