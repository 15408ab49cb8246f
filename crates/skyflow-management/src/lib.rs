// The examples of the README need this feature.
#![cfg_attr(feature = "client", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "client"),
    doc = "Bindings of the Skyflow Management API: operations and models without I/O."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod environment;
#[cfg(feature = "client")]
mod error;
mod generated;

#[cfg(feature = "client")]
pub use builder::ClientBuilder;
#[cfg(feature = "client")]
pub use client::{ACCOUNT_ID, Client};
#[cfg(feature = "client")]
pub use environment::{ACCOUNT_ID_ENV, ENVIRONMENT_ENV};
#[cfg(feature = "client")]
pub use error::{Error, ErrorKind};
pub use generated::*;
