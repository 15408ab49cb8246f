//! The seam between requests and the tokens that open a server.
//!
//! A [`TokenProvider`] gets tokens, [`Cached`] shares one token among many callers, [`ScopedTokens`] keeps the tokens
//! of end users apart, and [`AuthLayer`] attaches a token to each request that goes to a host of its [`HostGuard`].

mod cache;
mod error;
mod header;
mod layer;
mod provider;
mod sanitize;
mod scoped;
mod token;

pub use cache::Cached;
pub use error::{TokenError, TokenErrorKind};
pub use header::{AuthHeader, Refusal, RefusalRule, Scheme};
pub use layer::{Auth, AuthFuture, AuthLayer, CallTokens, HostGuard};
pub use provider::{FnProvider, StaticToken, TokenFuture, TokenProvider, provider_fn};
pub use scoped::{ScopedProvider, ScopedTokens};
pub use token::{AccessToken, InvalidToken};
