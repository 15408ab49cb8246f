#![doc = include_str!("../README.md")]

pub mod auth;
mod body;
pub mod clock;
mod endpoint;
mod error;
mod http_layer;
pub mod layers;
mod operation;
mod path_template;
pub mod rest;
mod service;
mod stack;
#[cfg(feature = "hyper")]
mod transport;
mod uri;

pub use body::{Body, BodyProblem, SendBodyError};
pub use clock::{Clock, ManualClock, SystemClock};
pub use endpoint::Endpoint;
pub use error::{BoxError, Error, ErrorKind};
pub use http_layer::HttpLayer;
pub use layers::{LogControl, request_id};
pub use operation::{CallOptions, Deadline, Idempotency, OperationInfo, Progress, RetryStop, Setting};
pub use path_template::{PathTemplate, PathTemplateError};
pub use service::{DynLayer, HttpService, Request, Response, try_clone_request};
pub use stack::Stack;
#[cfg(feature = "hyper")]
pub use transport::{HttpVersions, Proxies, ProxyError, TlsError, Transport, TransportBuilder};
pub use uri::{BaseUri, BaseUriError, RequestTarget, TargetError, form_pairs, form_urlencoded};

/// The `tracing` target of every span and event of this crate.
pub const TARGET: &str = "rest_client";
