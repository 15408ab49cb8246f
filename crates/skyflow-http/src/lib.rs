#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | [`layers`] | deadline, retry, attempt timeout, headers, traces, response metadata |
//! | [`Stack`] | all of them in the right order, with a slot for each thing that differs between clients |
//! | [`auth`] | tokens: providers, the cache, the layer that attaches them |
//! | [`rest`] | what generated operations are written against: [`rest::Client`], errors, JSON, multipart |
//! | `metrics` | the metrics of calls, attempts, tokens and connections (feature `metrics`) |
//! | [`clock`] | time, real and manual |
//! | [`Body`], [`HttpService`], [`DynLayer`] | the one body type, the erased service, the erased layer |
//!
//! # Errors
//!
//! Services return [`BoxError`]. [`Error::find`] finds the error of this crate in it: its [`ErrorKind`] says whether the
//! request was sent. [`Progress`], in the [`CallContext`] of a request, says how often it was sent, why it was not sent
//! again, and whether it may have been applied.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod body;
mod call;
pub mod clock;
mod content_encoding;
mod endpoint;
mod error;
pub mod files;
mod http_layer;
pub mod layers;
mod metadata_address;
#[cfg(feature = "metrics")]
pub mod metrics;
mod operation;
mod path_template;
mod progress;
pub mod rest;
mod sent_headers;
mod service;
mod stack;
mod sync;
#[cfg(feature = "transport")]
mod transport;
mod uri;

pub use body::{Body, BodyProblem, SendBodyError};
pub use call::{CallContext, try_clone_request};
#[doc(inline)]
pub use clock::{Clock, ManualClock, SystemClock};
pub use endpoint::Endpoint;
pub use error::{BoxError, Error, ErrorKind};
pub use http_layer::HttpLayer;
#[doc(inline)]
pub use layers::{LogControl, request_id};
pub use metadata_address::is_metadata_address;
pub use operation::{CallOptions, CallSubject, Idempotency, OperationInfo, Setting};
pub use path_template::{PathTemplate, PathTemplateError};
pub use progress::{Progress, RetryStop};
pub use service::{DynLayer, HttpService, Request, Response, ResponseFuture};
pub use stack::Stack;
#[cfg(feature = "transport")]
pub use transport::{HttpVersions, Proxies, ProxyError, TlsError, Transport, TransportBuilder};
pub use uri::{BaseUri, BaseUriError, RequestTarget, TargetError, form_pairs, form_urlencoded};

/// The `tracing` target of every span and event of this crate.
pub const TARGET: &str = "rest_client";
