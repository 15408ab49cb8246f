// The examples of the README need this feature.
#![cfg_attr(feature = "transport", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "transport"), doc = "Skyflow credentials, bearer tokens and signed data tokens.")]
//!
//! # Errors
//!
//! [`CredentialsError`] says which part of the credentials cannot be used, before anything is sent. [`AuthError`] says
//! why no token could be obtained: [`AuthErrorKind::Rejected`] will be rejected again, and
//! [`AuthErrorKind::Unavailable`] may succeed later. Both hold no key and no token.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
mod claims;
#[cfg(feature = "command")]
mod command;
mod config;
mod connection;
mod credentials;
mod credentials_error;
mod crypto;
mod document;
#[cfg(feature = "dotenv")]
mod dotenv;
mod environment;
mod exchange;
mod explain;
mod key;
mod key_file;
mod metadata;
#[cfg(feature = "transport")]
mod mint;
mod options;
mod pem;
mod providers;
mod service_account;
mod sign;
mod signed_token;
mod static_token;
mod sts;
mod token_hosts;
mod token_uri;

/// The traits of [`ServiceAccountKey::with_signer`], re-exported from the version of jsonwebtoken in use.
pub mod signer {
    pub use jsonwebtoken::Algorithm;
    pub use jsonwebtoken::crypto::JwtSigner;
    pub use jsonwebtoken::signature::{Error, Signer};
}

pub use claims::{is_expired, is_expired_at};
#[cfg(feature = "command")]
pub use command::{CommandError, CommandTokens};
pub use config::CredentialsConfig;
pub use connection::{CONNECTION_HEADER, connection_header, connection_refusal};
pub use credentials::{Credentials, CredentialsKind};
pub use credentials_error::{CredentialsError, CredentialsErrorKind, KeyProblem};
#[cfg(feature = "dotenv")]
pub use dotenv::DotEnv;
pub use environment::{API_KEY_ENV, CREDENTIALS_ENV, CREDENTIALS_PATH_ENV, InvalidVariable, variable};
pub use exchange::TokenExchange;
pub use explain::explain;
pub use key::ServiceAccountKey;
pub use metadata::{METADATA_ENV, is_off, skyflow_metadata, skyflow_user_agent};
#[cfg(feature = "transport")]
pub use mint::mint;
pub use options::{Context, TokenOptions};
pub use providers::{EndUserTokens, TokenProviders};
pub use service_account::{ScopedTokens, ServiceAccountTokens};
pub use signed_token::{DataTokenSigner, SignedDataToken};
#[doc(inline)]
pub use skyflow_http::auth::{
    AccessToken, Auth, AuthFuture, AuthHeader, AuthLayer, Cached, CallTokens, FnProvider, HostGuard,
    InvalidToken, ScopedProvider, TokenError as AuthError, TokenErrorKind as AuthErrorKind, TokenFuture,
    TokenProvider, provider_fn,
};
pub use static_token::{ApiKey, StaticToken};
pub use sts::StsTokens;
pub use token_hosts::TOKEN_HOSTS_ENV;
pub use token_uri::TokenUri;
