#![doc = include_str!("../README.md")]

mod auth;
mod builder;
mod errors;
mod faults;
mod journal;
mod operations;
mod random;
mod routes;
mod schema;
mod server;
mod service;
mod state;
mod store;
mod tokens;
mod vault;

pub use auth::{AuthKind, Role};
pub use builder::{BuildError, EmbeddedVaultBuilder};
pub use faults::Fault;
pub use journal::JournalEntry;
pub use routes::Operation;
pub use schema::{Column, ColumnOperation, DataType, SchemaError, Table, TokenPolicy};
pub use server::{ServeError, Server, ServerBuilder};
pub use service::VaultService;
pub use vault::EmbeddedVault;
