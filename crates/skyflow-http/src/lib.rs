#![doc = include_str!("../README.md")]

pub mod auth;
mod body;
pub mod clock;
mod endpoint;
mod error;
mod http_layer;
pub mod layers;
mod log_control;
mod operation;
mod path_template;
mod pieces;
pub mod rest;
mod service;
mod stack;
#[cfg(feature = "hyper")]
mod transport;
mod uri;

pub use body::Body;
pub use clock::{Clock, ManualClock, SystemClock};
pub use endpoint::Endpoint;
pub use error::{BoxError, Error, ErrorKind};
pub use http_layer::HttpLayer;
pub use log_control::LogControl;
pub use operation::{CallOptions, Deadline, Idempotency, OperationInfo, Progress, RetryStop, Setting};
pub use path_template::{PathTemplate, PathTemplateError};
pub use service::{DynLayer, HttpService, Request, Response, try_clone_request};
pub use stack::Stack;
#[cfg(feature = "hyper")]
pub use transport::{TlsError, Transport, TransportBuilder};
pub use uri::{BaseUri, BaseUriError, RequestTarget, TargetError, form_pairs, form_urlencoded};

/// Reads the request id that a server gave its response; it is never made up.
pub fn request_id(headers: &http::HeaderMap) -> Option<skyflow_types::RequestId> {
    let header = headers.get(skyflow_types::RequestId::HEADER)?;
    skyflow_types::RequestId::from_bytes(header.as_bytes())
}

/// The `tracing` target of every span and event of this crate.
pub const TARGET: &str = "rest_client";
