// The examples of the README and its links need these features.
#![cfg_attr(all(feature = "detect", feature = "server"), doc = include_str!("../README.md"))]
#![cfg_attr(not(all(feature = "detect", feature = "server")), doc = "An embedded Skyflow vault for tests.")]
//!
//! # Types
//!
//! | | |
//! |---|---|
//! | [`EmbeddedVault`], [`EmbeddedVaultBuilder`] | the vault, its settings, faults and journal |
//! | [`Table`], [`Column`] | tables of your own |
//! | [`NewServiceAccount`], [`ServiceAccount`], [`Role`] | who may call |
//! | [`ConnectionSpec`] | connections |
//! | [`Fault`] | failures on demand |
//!
//! # Errors
//!
//! [`BuildError`] says which setting or schema cannot be used. Calls fail with the statuses and messages of Skyflow's
//! service; a call that the emulator does not support fails with 501 and a message that names the gap.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accounts;
mod audit;
mod auth;
#[cfg(feature = "server")]
mod authority;
mod builder;
mod clock;
mod connections;
mod cors;
#[cfg(feature = "detect")]
mod detect;
mod downloads;
mod errors;
mod exact;
mod file_type;
mod invocation;
mod journal;
mod multipart;
mod object_id;
mod operations;
mod query;
mod request_body;
mod routes;
mod schema;
#[cfg(feature = "server")]
mod server;
mod service;
mod state;
mod store;
mod timestamps;
mod tokens;
mod vault;

pub use accounts::{AccountError, NewServiceAccount, ServiceAccount, ServiceAccountKey};
pub use auth::{AuthKind, Role};
pub use builder::{BuildError, EmbeddedVaultBuilder};
pub use connections::{ConnectionSpec, ConnectionSpecError};
#[cfg(feature = "detect")]
pub use detect::CannedRun;
pub use journal::{JournalCaller, JournalEntry};
pub use routes::Operation;
pub use schema::{Column, ColumnOperation, DataType, SchemaError, Table, TokenPolicy};
#[cfg(feature = "server")]
pub use server::{Server, ServerBuilder};
pub use service::VaultService;
#[cfg(feature = "detect")]
#[doc(inline)]
pub use skyflow_emulator_detect::{
    Dictionary, Finding, Ocr, OcrError, OcrWord, Passage, Recognizer, Tesseract,
};
#[doc(inline)]
pub use skyflow_testkit::Fault;
#[cfg(feature = "server")]
#[doc(inline)]
pub use skyflow_testkit::ServeError;
pub use vault::EmbeddedVault;
