#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod builder;
mod call;
mod events;
mod failure;
mod generators;
mod operations;
mod pki;
mod policy;
mod rates;
mod routes;
mod schedule;
mod server;
mod service;
mod state;
mod store;
mod vault;
mod versions;

pub use auth::Identity;
pub use builder::{BuildError, EmbeddedScaiVaultBuilder};
pub use operations::acme::OrderFault;
pub use server::{Server, ServerBuilder};
pub use service::VaultService;
pub use skyflow_testkit::{Fault, JournalEntry, ServeError};
pub use store::StoreError;
pub use vault::EmbeddedScaiVault;
