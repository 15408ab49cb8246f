#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod convert;
mod error_body;
mod generated;
#[doc(hidden)]
pub mod runtime;
#[cfg(test)]
#[cfg(all(feature = "data", feature = "detect", feature = "detect-v2", feature = "flow", feature = "auth"))]
mod tests;

pub use error_body::ApiErrorBody;
pub use generated::*;
/// An HTTP response as services return it; [`Response`] is the response to an operation.
#[doc(inline)]
pub use skyflow_http::Response as HttpResponse;
#[doc(inline)]
pub use skyflow_http::rest::{
    Base64, Client, DecodeError, DecodeErrorKind, Element, EncodeError, ErrorBody, FilePart, Json, Multipart,
    Operation, Response,
};
#[doc(inline)]
pub use skyflow_http::{BaseUri, Body, BoxError, CallOptions, HttpService, OperationInfo, Progress, Request};

/// Says why an operation of this API has no result.
pub type Error = skyflow_http::rest::Error<ApiErrorBody>;

/// Reports a response of this API with a status other than 2xx.
pub type ApiError = skyflow_http::rest::ApiError<ApiErrorBody>;
