#![doc = include_str!("../README.md")]
//!
//! # Errors
//!
//! [`InvalidId`] names the id and the rule it breaks, [`UnknownValue`] says that a text names no value of a list, and
//! [`UnknownField`] names an unknown field of a configuration and the nearest known one. None of them repeats a secret.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod detect_entity;
mod env;
mod error_from_client;
mod ids;
mod log_level;
mod media_type;
mod named_values;
mod redact;
mod redaction;
mod secret;
mod sensitive;
mod token_mode;
mod unknown_field;

pub use detect_entity::DetectEntity;
pub use env::Env;
pub use error_from_client::{ERROR_FROM_CLIENT, error_from_client};
pub use ids::{ClusterId, ConnectionId, InvalidId, RequestId, VaultId};
pub use log_level::LogLevel;
pub use media_type::media_type_of;
pub use named_values::UnknownValue;
pub use redact::{is_invisible, redact_text};
pub use redaction::Redaction;
pub use secret::Secret;
pub use sensitive::Sensitive;
pub use token_mode::TokenMode;
pub use unknown_field::{UnknownField, UnknownFields};
