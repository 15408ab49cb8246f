//! The examples of the Skyflow SDK for Rust: one file per task, beside this crate's `Cargo.toml`.
//!
//! `cargo run --example <name>` runs one; the tests of this workspace run them all.
