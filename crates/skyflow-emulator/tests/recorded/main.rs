//! Every request that was recorded of the official Python and Node SDKs, as it was sent and changed at random.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod accepted;
mod mutations;
mod requests;
#[path = "../support/mod.rs"]
mod support;
mod vault;
