#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod build_error;
mod builder;
mod call;
mod events;
mod failure;
mod generators;
mod identity;
mod operations;
mod order_fault;
mod outbox;
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

pub use build_error::BuildError;
pub use builder::EmbeddedScaiVaultBuilder;
pub use identity::Identity;
pub use order_fault::OrderFault;
pub use server::{Server, ServerBuilder};
pub use service::VaultService;
pub use skyflow_testkit::{Fault, JournalEntry, ServeError};
pub use store::StoreError;
pub use vault::EmbeddedScaiVault;
