#![doc = include_str!("../README.md")]

mod accounts;
mod audit;
mod auth;
mod authority;
mod builder;
mod connections;
mod detect;
mod downloads;
mod errors;
mod file_type;
mod journal;
mod multipart;
mod object_id;
mod operations;
mod query;
mod routes;
mod schema;
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
pub use detect::{CannedRun, Dictionary, Finding, Ocr, OcrError, OcrWord, Passage, Recognizer, Tesseract};
pub use journal::{JournalCaller, JournalEntry};
pub use routes::Operation;
pub use schema::{Column, ColumnOperation, DataType, SchemaError, Table, TokenPolicy};
pub use server::{Server, ServerBuilder};
pub use service::VaultService;
pub use skyflow_testkit::{Fault, ServeError};
pub use vault::EmbeddedVault;
