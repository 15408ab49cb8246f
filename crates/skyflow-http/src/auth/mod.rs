//! The seam between requests and the tokens that open a server.
//!
//! A [`TokenProvider`] gets tokens, [`Cached`] shares one token among many callers, [`ScopedTokens`] keeps the tokens
//! of end users apart, and [`AuthLayer`] attaches a token to each request that goes to a host of its [`HostGuard`].

mod cache;
mod entry;
mod error;
mod flight;
mod layer;
mod sanitize;
mod scoped;
mod token;

pub use cache::Cached;
pub use error::{TokenError, TokenErrorKind};
pub use layer::{
    Auth, AuthFuture, AuthHeader, AuthLayer, CallTokens, HostGuard, Refusal, RefusalRule, Scheme,
};
pub use scoped::{ScopedProvider, ScopedTokens};
pub use token::{
    AccessToken, ChangeFuture, FnProvider, InvalidToken, StaticToken, TokenFuture, TokenProvider, provider_fn,
};
