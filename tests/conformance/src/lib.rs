//! Replays recorded calls of the official SDK through this one, and compares requests and results.
//!
//! `cargo xtask conformance [DIR]` runs it over a directory of recordings. Where the two differ on purpose, a rule says
//! when, and demands what holds instead; see [`rules`].

pub mod call;
pub mod compare;
pub mod difference;
pub mod identity;
pub mod json;
pub mod lab;
mod media_types;
pub mod outcome;
pub mod promise;
pub mod recorded;
pub mod replay;
pub mod report;
pub mod rules;
pub mod trace;
pub mod wire;
