#![doc = include_str!("../README.md")]
//!
//! # Errors
//!
//! A service with a fault fails with a [`skyflow_http::Error`], as a transport does. A server that cannot be started
//! fails with `ServeError`, and a fault that cannot be read with [`FaultParseError`].
#![cfg_attr(docsrs, feature(doc_cfg))]

mod canaries;
#[cfg(feature = "server")]
mod certificates;
mod constant;
mod fault_layer;
mod faults;
mod gate;
mod journal;
#[cfg(feature = "server")]
pub mod large_bodies;
mod output;
mod peer;
pub mod polling;
mod random;
#[cfg(feature = "server")]
pub mod raw_server;
mod recorder;
mod reply;
mod scripted;
#[cfg(feature = "server")]
mod server;
mod strict;

pub use canaries::Canaries;
#[cfg(feature = "server")]
pub use certificates::{Authority, AuthorityBuilder, CertificateError, Identity};
pub use constant::Constant;
pub use fault_layer::{FaultLayer, FaultService};
pub use faults::{Fault, FaultParseError, Faults, Plan, Verdict};
pub use gate::Gate;
pub use journal::{Journal, JournalEntry};
pub use output::Output;
pub use peer::Peer;
pub use random::Random;
pub use recorder::{Exchange, Recorder};
pub use reply::Reply;
pub use scripted::Scripted;
#[cfg(feature = "server")]
pub use server::{ServeError, Server, ServerBuilder};
pub use strict::Strict;

/// An API key in Skyflow's format that no vault knows.
pub const API_KEY: &str = "sky-abcde-0123456789abcdef0123456789abcdef";
