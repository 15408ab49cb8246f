#![doc = include_str!("../README.md")]

mod cache;
mod claims;
mod credentials;
mod document;
mod error;
mod exchange;
mod key;
mod key_file;
mod layer;
mod options;
mod pem;
mod provider;
mod providers;
mod sanitize;
mod service_account;
mod sign;
mod token;
mod token_uri;

pub use cache::Cached;
pub use claims::{is_expired, is_expired_at};
pub use credentials::Credentials;
pub use error::{AuthError, AuthErrorKind, CredentialsError, CredentialsErrorKind, KeyProblem};
pub use exchange::TokenExchange;
pub use key::{CREDENTIALS_ENV, ServiceAccountKey};
pub use layer::{Auth, AuthHeader, AuthLayer, CONNECTION_HEADER, CallTokens, HostGuard};
pub use options::{Context, TokenOptions};
pub use provider::{ApiKey, FnProvider, StaticToken, TokenFuture, TokenProvider, provider_fn};
pub use providers::TokenProviders;
pub use service_account::ServiceAccountTokens;
pub use token::AccessToken;
pub use token_uri::TokenUri;
