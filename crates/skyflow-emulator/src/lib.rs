#![doc = include_str!("../README.md")]

mod accounts;
mod audit;
mod auth;
mod builder;
mod connections;
mod detect;
mod downloads;
mod errors;
mod faults;
mod file_type;
mod journal;
mod multipart;
mod operations;
mod query;
mod random;
mod routes;
mod schema;
mod server;
mod service;

mod state;
mod store;
mod timestamps;
mod tls;
mod tokens;
mod vault;

pub use accounts::{AccountError, NewServiceAccount, ServiceAccount, ServiceAccountKey};
pub use auth::{AuthKind, Role};
pub use builder::{BuildError, EmbeddedVaultBuilder};
pub use connections::{ConnectionSpec, ConnectionSpecError};
pub use detect::{CannedRun, Dictionary, Finding, Ocr, OcrError, OcrWord, Passage, Recognizer, Tesseract};
pub use faults::Fault;
pub use journal::JournalEntry;
pub use routes::Operation;
pub use schema::{Column, ColumnOperation, DataType, SchemaError, Table, TokenPolicy};
pub use server::{ServeError, Server, ServerBuilder};
pub use service::VaultService;
pub use vault::EmbeddedVault;
