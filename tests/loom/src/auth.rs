//! The token cache.

pub use skyflow_http::auth::{AccessToken, TokenError, TokenErrorKind, TokenFuture, TokenProvider};

#[path = "../../../crates/skyflow-http/src/auth/cache.rs"]
mod cache;
#[path = "../../../crates/skyflow-http/src/auth/entry.rs"]
mod entry;
#[path = "../../../crates/skyflow-http/src/auth/flight.rs"]
mod flight;

pub use cache::Cached;
