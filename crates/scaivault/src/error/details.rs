//! What an error says beside its kind.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};
use skyflow_http::RetryStop;
use skyflow_types::{RequestId, redact_text};

use super::ErrorCode;

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
    pub(super) source: Option<Arc<dyn StdError + Send + Sync>>,
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
