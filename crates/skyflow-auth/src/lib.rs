#![doc = include_str!("../README.md")]

#[cfg(feature = "blocking")]
pub mod blocking;
mod cache;
mod claims;
#[cfg(feature = "command")]
mod command;
mod config;
mod credentials;
mod credentials_error;
mod document;
#[cfg(feature = "dotenv")]
mod dotenv;
mod environment;
mod error;
mod exchange;
mod key;
mod key_file;
mod layer;
#[cfg(feature = "hyper")]
mod mint;
mod options;
mod pem;
mod provider;
mod providers;
mod sanitize;
mod scoped;
mod service_account;
mod sign;
mod signed_token;
mod sts;
mod token;
mod token_uri;

pub use cache::Cached;
pub use claims::{is_expired, is_expired_at};
#[cfg(feature = "command")]
pub use command::{CommandError, CommandTokens};
pub use config::CredentialsConfig;
pub use credentials::{Credentials, CredentialsKind};
pub use credentials_error::{CredentialsError, CredentialsErrorKind, KeyProblem};
#[cfg(feature = "dotenv")]
pub use dotenv::DotEnv;
pub use environment::{API_KEY_ENV, CREDENTIALS_ENV, CREDENTIALS_PATH_ENV};
pub use error::{AuthError, AuthErrorKind};
pub use exchange::TokenExchange;
pub use key::ServiceAccountKey;
pub use layer::{Auth, AuthFuture, AuthHeader, AuthLayer, CONNECTION_HEADER, CallTokens, HostGuard};
#[cfg(feature = "hyper")]
pub use mint::mint;
pub use options::{Context, TokenOptions};
pub use provider::{ApiKey, FnProvider, StaticToken, TokenFuture, TokenProvider, provider_fn};
pub use providers::TokenProviders;
pub use scoped::ScopedTokens;
pub use service_account::ServiceAccountTokens;
pub use signed_token::{DataTokenSigner, SignedDataToken};
pub use sts::StsTokens;
pub use token::AccessToken;
pub use token_uri::TokenUri;
