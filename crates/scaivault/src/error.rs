mod body;
mod code;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};
use skyflow_http::auth::{TokenError, TokenErrorKind};
use skyflow_http::rest::{self, DecodeError, EncodeError};
use skyflow_http::{BoxError, ErrorKind, Idempotency, OperationInfo, RetryStop};
use skyflow_types::{RequestId, redact_text};

pub use self::body::ErrorBody;
pub use self::code::ErrorCode;

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

/// Describes an error response of the server.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerError {
    /// The code, such as `secret_not_found`.
    pub code: ErrorCode,
    /// The server's message.
    pub message: String,
    /// What the server adds, such as `path`, `fields` or `failed_condition`. It may repeat values of the request.
    pub details: Map<String, Value>,
    /// The server's name for the request.
    pub request_id: Option<RequestId>,
    /// The HTTP status.
    pub status: StatusCode,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The operation, such as `secrets.read`.
    pub operation: &'static str,
    /// How many times the request was sent.
    pub attempts: u32,
    /// Whether an attempt may have been carried out.
    pub may_have_been_applied: bool,
    /// Why the call was not tried again, when that could have helped.
    pub retry_stop: Option<RetryStop>,
}

/// Describes a call without a response that can be used.
#[derive(Clone)]
#[non_exhaustive]
pub struct CallError {
    /// The operation, such as `secrets.write`.
    pub operation: &'static str,
    /// What happened; it holds no value.
    pub message: String,
    /// The HTTP status, when there was a response.
    pub status: Option<StatusCode>,
    /// The server's name for the request, when there was a response.
    pub request_id: Option<RequestId>,
    /// How many times the request was sent.
    pub attempts: u32,
    /// Whether an attempt may have been carried out.
    pub may_have_been_applied: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// Reports an argument or a setting that cannot be used; the value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct InvalidInput {
    field: String,
    problem: String,
}

impl InvalidInput {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }

    /// Returns the name of the argument or setting, such as `path` or `paths[3]`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the violated rule.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// Renames the argument, for a value inside a list.
    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }
}

impl From<std::convert::Infallible> for InvalidInput {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
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

    /// Sorts the failure of a call.
    pub(crate) fn of_call(info: &OperationInfo, error: rest::Error<ErrorBody>) -> Self {
        let progress = error.progress().cloned();
        let attempts = progress.as_ref().map_or(0, skyflow_http::Progress::attempts);
        let writes = info.idempotency != Idempotency::Safe;
        let applied = writes && progress.as_ref().is_some_and(skyflow_http::Progress::may_have_been_applied);
        let mut call = CallError {
            operation: info.name,
            message: String::new(),
            status: error.status(),
            request_id: error.request_id().cloned(),
            attempts,
            may_have_been_applied: applied,
            source: None,
        };
        match error {
            rest::Error::Encode(source) => match &source {
                EncodeError::Target(target) => Self::invalid(target.name(), "cannot be a part of the URL"),
                EncodeError::ZeroTimeout(limit) => Self::invalid(*limit, "must be greater than zero"),
                other => Self::invalid("request", other.to_string()),
            },
            rest::Error::Api(response) => {
                let response = *response;
                let retry_stop = progress.and_then(|progress| progress.retry_stop());
                Self::of_response(Box::new(ServerError {
                    code: response.error.code.clone(),
                    message: response.message,
                    details: response.error.details,
                    request_id: response.request_id,
                    status: response.status,
                    retry_after: response.error.retry_after,
                    operation: info.name,
                    attempts,
                    may_have_been_applied: applied,
                    retry_stop,
                }))
            }
            rest::Error::Decode { source, .. } => {
                call.message = "the response does not have the form that the operation defines".to_owned();
                call.may_have_been_applied = writes;
                call.source = Some(Arc::new(source));
                Self::Decode(Box::new(call))
            }
            rest::Error::Service { source, .. } => Self::of_service(call, source, info),
            other => Self::Custom(Arc::new(other)),
        }
    }

    fn of_service(mut call: CallError, source: BoxError, info: &OperationInfo) -> Self {
        let source = match source.downcast::<TokenError>() {
            Ok(error) => return Self::Token(*error),
            Err(source) => source,
        };
        let Some(transport) = source.downcast_ref::<skyflow_http::Error>() else {
            return Self::Custom(source.into());
        };
        let kind = transport.kind();
        call.message = transport.to_string();
        call.source = Some(source.into());
        let appends = matches!(info.idempotency, Idempotency::NonIdempotent | Idempotency::Unknown);
        if appends && call.may_have_been_applied {
            return Self::OutcomeUnknown(Box::new(call));
        }
        match kind {
            ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded => Self::Timeout(Box::new(call)),
            ErrorKind::BodyTooLarge => Self::Decode(Box::new(call)),
            _ => Self::Transport(Box::new(call)),
        }
    }

    fn of_response(error: Box<ServerError>) -> Self {
        match error.status.as_u16() {
            401 => Self::Authentication(error),
            403 => Self::AccessDenied(error),
            404 | 410 => Self::NotFound(error),
            409 | 412 => Self::Conflict(error),
            429 => Self::RateLimited(error),
            400 | 422 => Self::Validation(error),
            500 => Self::Internal(error),
            502..=504 => Self::Unavailable(error),
            _ => Self::Api(error),
        }
    }

    /// Makes the error of a batch's element, which has a code and a message only.
    pub(crate) fn of_element(operation: &'static str, code: ErrorCode, message: String) -> Self {
        let status = code.status();
        Self::of_response(Box::new(ServerError {
            code,
            message,
            details: Map::new(),
            request_id: None,
            status,
            retry_after: None,
            operation,
            attempts: 1,
            may_have_been_applied: false,
            retry_stop: None,
        }))
    }

    /// Reports a response that lacks a member.
    pub(crate) fn incomplete(info: &OperationInfo, what: &str) -> Self {
        Self::Decode(Box::new(CallError {
            operation: info.name,
            message: format!("the response lacks {what}"),
            status: None,
            request_id: None,
            attempts: 1,
            may_have_been_applied: info.idempotency != Idempotency::Safe,
            source: None,
        }))
    }

    /// Reports a part of a response that cannot be read.
    pub(crate) fn undecodable(operation: &'static str, source: DecodeError) -> Self {
        Self::Decode(Box::new(CallError {
            operation,
            message: "a part of the response cannot be read".to_owned(),
            status: None,
            request_id: None,
            attempts: 1,
            may_have_been_applied: false,
            source: Some(Arc::new(source)),
        }))
    }

    pub(crate) fn with_response(mut self, status: StatusCode, request_id: Option<RequestId>) -> Self {
        if let Self::Decode(call) = &mut self {
            (call.status, call.request_id) = (Some(status), request_id);
        }
        self
    }

    /// Adds what a lost response may have left behind.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        if let Self::OutcomeUnknown(call) = &mut self {
            call.message = format!("{}: {hint}", call.message);
        }
        self
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

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status, code, message, .. } = self;
        write!(f, "{operation}: the server responded with {status} {code}: {}", redact_text(message))?;
        match &self.request_id {
            Some(id) => write!(f, " (request {})", id.as_str()),
            None => Ok(()),
        }
    }
}

/// Details are shown by name only: they may repeat values of the request.
impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerError")
            .field("operation", &self.operation)
            .field("status", &self.status.as_u16())
            .field("code", &self.code)
            .field("message", &redact_text(&self.message))
            .field("details", &self.details.keys().collect::<Vec<_>>())
            .field("request_id", &self.request_id)
            .field("retry_after", &self.retry_after)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {})", id.as_str()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallError")
            .field("operation", &self.operation)
            .field("message", &self.message)
            .field("status", &self.status.map(|status| status.as_u16()))
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("may_have_been_applied", &self.may_have_been_applied)
            .field("source", &self.source)
            .finish()
    }
}
