/// Reports why a text or the options of a request are not processed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// The options are invalid. The message names the option and repeats no value.
    #[error("{message}")]
    InvalidRequest {
        /// The message, in the wording of Skyflow's own errors.
        message: String,
    },
    /// The text or file takes longer than the caller of the engine allows.
    #[error("the work took longer than is allowed for one file")]
    OutOfTime,
    /// A text names a token that the vault does not have, and is to be refused for it.
    #[error("the text has a token that the vault does not have")]
    UnknownToken {
        /// The token.
        token: String,
    },
    /// The vault that holds the tokens failed.
    #[error("the vault that holds the tokens failed")]
    Vault {
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl DetectError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidRequest { message: message.into() }
    }

    /// Wraps the error of a [`VaultTokens`](crate::VaultTokens) or a [`TokenValues`](crate::TokenValues).
    pub fn vault(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Vault { source: source.into() }
    }
}
