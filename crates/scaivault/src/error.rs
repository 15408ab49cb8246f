mod body;
mod code;
mod details;
mod sorting;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use skyflow_http::ErrorKind;
use skyflow_http::auth::{TokenError, TokenErrorKind};
use skyflow_types::RequestId;

pub use self::body::ErrorBody;
pub use self::code::ErrorCode;
pub use self::details::{CallError, InvalidInput, ServerError};

/// Says why a call has no result, sorted by what a caller can do about it.
///
/// The first nine variants are responses of the server. `Display` is one line without a value of yours: no secret, no
/// token and no key is in it, and none is in `Debug`.
///
/// ```
/// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
/// use scaivault::Error;
///
/// match client.secrets().read("app/db/password").await {
///     Ok(secret) => println!("version {}", secret.version),
///     Err(Error::NotFound(_)) => println!("no such path"),
///     Err(Error::AccessDenied(error)) => println!("no policy allows it: {:?}", error.details.get("failed_condition")),
///     Err(Error::RateLimited(error)) => println!("wait for {:?}", error.retry_after),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The server did not accept the token: it is missing, expired, revoked or unknown (401).
    Authentication(Box<ServerError>),
    /// The token's scopes or the policies do not allow the operation (403).
    AccessDenied(Box<ServerError>),
    /// The secret, version, policy or other object does not exist (404).
    NotFound(Box<ServerError>),
    /// The caller sends too many requests (429); [`ServerError::retry_after`] says how long to wait.
    RateLimited(Box<ServerError>),
    /// The server refused the request's content (400, 422).
    Validation(Box<ServerError>),
    /// The state of the object does not allow it: a soft-deleted path, a policy in use, a concurrent write (409).
    Conflict(Box<ServerError>),
    /// The service or a gateway before it is not available (502, 503, 504).
    Unavailable(Box<ServerError>),
    /// The server failed (500).
    Internal(Box<ServerError>),
    /// The server responded with another status.
    Api(Box<ServerError>),
    /// An argument cannot be used; nothing was sent.
    InvalidInput(InvalidInput),
    /// The configuration of the client cannot be used; nothing was sent.
    Config(InvalidInput),
    /// No token could be obtained, so the request was not sent.
    Token(TokenError),
    /// No connection could be made, or it broke.
    Transport(Box<CallError>),
    /// The attempt timeout or the deadline passed.
    Timeout(Box<CallError>),
    /// The response does not have the form that the operation defines. The operation was carried out.
    Decode(Box<CallError>),
    /// The response to a write was lost: the server may have carried it out. Read the state back before you repeat it.
    OutcomeUnknown(Box<CallError>),
    /// A list has no next page although the server says so, or its cursor repeats.
    Pagination(&'static str),
    /// A poll ended without the expected state; the text names it and the reason.
    Poll(String),
    /// A layer or a service of your own failed.
    Custom(Arc<dyn StdError + Send + Sync>),
}

impl From<InvalidInput> for Error {
    fn from(error: InvalidInput) -> Self {
        Self::InvalidInput(error)
    }
}

impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl Error {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidInput(InvalidInput::new(field, problem))
    }

    pub(crate) fn config(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config(InvalidInput::new(field, problem))
    }

    /// Returns the response of the server, when the error is one.
    pub fn server(&self) -> Option<&ServerError> {
        match self {
            Self::Authentication(error)
            | Self::AccessDenied(error)
            | Self::NotFound(error)
            | Self::RateLimited(error)
            | Self::Validation(error)
            | Self::Conflict(error)
            | Self::Unavailable(error)
            | Self::Internal(error)
            | Self::Api(error) => Some(error),
            _ => None,
        }
    }

    fn call(&self) -> Option<&CallError> {
        match self {
            Self::Transport(call) | Self::Timeout(call) | Self::Decode(call) | Self::OutcomeUnknown(call) => {
                Some(call)
            }
            _ => None,
        }
    }

    /// Returns the server's code, such as `secret_not_found`.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.server().map(|error| &error.code)
    }

    /// Returns the name of the argument or setting that cannot be used.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::InvalidInput(error) | Self::Config(error) => Some(error.field()),
            _ => None,
        }
    }

    /// Returns the HTTP status, when there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        match (self.server(), self.call(), self) {
            (Some(error), ..) => Some(error.status),
            (_, Some(call), _) => call.status,
            (_, _, Self::Token(error)) => error.status(),
            _ => None,
        }
    }

    /// Returns the server's name for the request, when there was a response.
    pub fn request_id(&self) -> Option<&RequestId> {
        match (self.server(), self.call(), self) {
            (Some(error), ..) => error.request_id.as_ref(),
            (_, Some(call), _) => call.request_id.as_ref(),
            (_, _, Self::Token(error)) => error.request_id(),
            _ => None,
        }
    }

    /// Returns how long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.server().and_then(|error| error.retry_after)
    }

    /// Returns how many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.server()
            .map(|error| error.attempts)
            .or_else(|| self.call().map(|call| call.attempts))
            .unwrap_or(0)
    }

    /// Tells whether the server may have carried the call out although it failed.
    pub fn may_have_been_applied(&self) -> bool {
        self.server().is_some_and(|error| error.may_have_been_applied)
            || self.call().is_some_and(|call| call.may_have_been_applied)
    }

    /// Tells whether the same call can succeed later without a change: rate limits, outages, lost connections.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited(_) | Self::Unavailable(_) | Self::Internal(_) | Self::Timeout(_) => true,
            Self::Transport(call) => {
                let source =
                    call.source.as_deref().and_then(|source| source.downcast_ref::<skyflow_http::Error>());
                source.is_none_or(|source| source.kind() != ErrorKind::Tls)
            }
            Self::Token(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Returns the exit code that the command line of ScaiVault has for this kind of error: 2 for the credentials, 3 for
    /// a missing right, 4 for what does not exist, 5 for wrong input, and 1 for everything else.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) {
    /// if let Err(error) = client.secrets().read("app/db/password").await {
    ///     eprintln!("{error}");
    ///     std::process::exit(error.exit_code().into());
    /// }
    /// # }
    /// ```
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Authentication(_) => 2,
            Self::Token(error) if error.kind() != TokenErrorKind::Unavailable => 2,
            Self::AccessDenied(_) => 3,
            Self::NotFound(_) => 4,
            Self::Validation(_) | Self::InvalidInput(_) | Self::Config(_) => 5,
            _ => 1,
        }
    }

    /// Tells whether the server cannot be used at the moment: what a cache may bridge with an older value.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Token(error) => error.kind() == TokenErrorKind::Unavailable,
            Self::Api(error) => error.status.is_server_error(),
            other => other.is_retryable(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.server() {
            return error.fmt(f);
        }
        match self {
            Self::InvalidInput(error) => error.fmt(f),
            Self::Config(error) => write!(f, "the client cannot be built: {error}"),
            Self::Token(error) => write!(f, "no token could be obtained: {error}"),
            Self::Transport(call) | Self::Timeout(call) | Self::Decode(call) => call.fmt(f),
            Self::OutcomeUnknown(call) => write!(f, "outcome unknown: {call}"),
            Self::Pagination(problem) => f.write_str(problem),
            Self::Poll(text) => f.write_str(text),
            _ => f.write_str("a layer of this client failed"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Custom(source) => Some(&**source),
            Self::Token(error) => error.source(),
            other => other.call()?.source.as_deref().map(|source| source as _),
        }
    }
}
