//! The token cache and the retry budget of `skyflow-http`, over the types of loom.
//!
//! The modules are the shipped files; only `sync` is another one.

pub use skyflow_http::{Clock, LogControl, SystemClock, TARGET};

pub mod auth;
#[path = "../../../crates/skyflow-http/src/layers/retry_budget.rs"]
mod retry_budget;
mod sync;

pub use retry_budget::{RetryBudget, RetryCost};
