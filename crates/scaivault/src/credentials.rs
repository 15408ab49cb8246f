//! Where the tokens of a client come from.

mod client_credentials;
mod token_file;

use std::path::PathBuf;
use std::sync::Arc;

use skyflow_http::auth::{AccessToken, Cached, StaticToken, TokenProvider};
use skyflow_http::{Clock, HttpService, LogControl};
use skyflow_types::Secret;

use self::client_credentials::ClientCredentials;
use self::token_file::TokenFile;
use crate::Error;

/// Credentials as they were set.
pub(crate) enum Source {
    Token(Secret),
    File(PathBuf),
    Client { id: String, secret: Secret },
    Provider(Arc<dyn TokenProvider>),
}

/// How client credentials are exchanged for tokens.
pub(crate) struct Exchange {
    pub(crate) service: HttpService,
    pub(crate) url: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: LogControl,
}

/// Credentials that can be used.
pub(crate) struct Credentials(Arc<dyn TokenProvider>);

impl Credentials {
    pub(crate) fn new(source: Source, exchange: Exchange) -> Result<Self, Error> {
        let provider: Arc<dyn TokenProvider> = match source {
            Source::Token(token) => {
                let token = AccessToken::new(token).map_err(|error| {
                    let text = error.to_string();
                    Error::config("token", text.strip_prefix("token ").unwrap_or(&text))
                })?;
                Arc::new(StaticToken::with_clock(token, exchange.clock))
            }
            Source::File(path) => Arc::new(TokenFile::open(path)?),
            Source::Client { id, secret } => {
                let (clock, log) = (Arc::clone(&exchange.clock), exchange.log.clone());
                let minter = ClientCredentials::new(id, secret, exchange)?;
                Arc::new(Cached::with_clock(minter, clock).log_control(log))
            }
            Source::Provider(provider) => provider,
        };
        Ok(Self(provider))
    }

    pub(crate) fn into_provider(self) -> Arc<dyn TokenProvider> {
        self.0
    }
}
