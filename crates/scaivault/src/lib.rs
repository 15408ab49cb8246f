#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod acme;
pub mod audit;
pub mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod cache;
mod call;
mod client;
mod credentials;
pub mod dns;
pub mod dynamic;
mod environment;
mod error;
pub mod federation;
mod generated;
mod handle;
pub mod identity;
mod mode;
mod model;
mod page;
pub mod pki;
pub mod policies;
mod refusal;
pub mod rotation;
#[doc(hidden)]
pub mod runtime;
mod secret_data;
pub mod secret_policies;
pub mod secrets;
pub mod subscriptions;
mod syntax;
pub mod system;
mod tasks;
mod timestamp;
mod watch;
pub mod webhooks;

pub use acme::Acme;
pub use audit::Audit;
pub use auth::Auth;
pub use builder::ClientBuilder;
pub use cache::{CacheOptions, CachedSecret, SecretCache};
pub use call::Call;
pub use client::{Client, ScaiVault};
pub use dns::Dns;
pub use dynamic::Dynamic;
pub use error::{CallError, Error, ErrorBody, ErrorCode, InvalidInput, ServerError};
pub use federation::Federation;
pub use identity::Identity;
pub use mode::{Async, CallFuture, ItemStream, Mode};
pub use page::Page;
pub use pki::Pki;
pub use policies::Policies;
pub use rotation::Rotation;
pub use secret_data::SecretData;
pub use secret_policies::SecretPolicies;
pub use secrets::{Secret, SecretInfo, SecretMetadata, Secrets};
pub use skyflow_http::rest::{DecodeError, Element, Json, Operation};
pub use skyflow_http::{CallOptions, RetryStop};
pub use skyflow_types::Secret as SecretText;
pub use skyflow_types::{LogLevel, RequestId};
pub use subscriptions::Subscriptions;
pub use syntax::{DurationList, PathPattern, SecretPath, VaultDuration};
pub use system::System;
pub use timestamp::Timestamp;
pub use watch::{SecretChange, WatchSecret};
pub use webhooks::Webhooks;

/// The generated bindings: every operation of the API, each marked as documented or inferred, and its models.
pub mod api {
    pub use crate::generated::*;
}
/// The base of this client: layers, transport, clocks and the token seam.
pub use skyflow_http as http;
