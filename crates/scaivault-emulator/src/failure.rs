//! Error responses.

use std::time::Duration;

use http::StatusCode;
use scaivault::{ErrorCode, InvalidInput};
use serde_json::{Map, Value, json};

use crate::store::StoreError;

/// An error response: code, message and details in the server's envelope.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) details: Map<String, Value>,
    pub(crate) retry_after: Option<Duration>,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Makes the response of a code, with the status that belongs to it.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = ErrorCode::from(code).status();
        Self { code, status, message: message.into(), details: Map::new(), retry_after: None }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// A 422 that names a field.
    pub(crate) fn field(field: &str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::new("validation_error", format!("{field} {problem}")).with("fields", json!({ field: problem }))
    }

    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message, "request_id": request_id });
        if let (Some(error), false) = (error.as_object_mut(), self.details.is_empty()) {
            error.insert("details".to_owned(), Value::Object(self.details.clone()));
        }
        json!({ "error": error })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new("internal_error", error.to_string())
    }
}

/// Refuses a value of one of the syntaxes, with the code that belongs to it.
pub(crate) fn invalid(code: &'static str) -> impl Fn(InvalidInput) -> Failure {
    move |error| Failure::new(code, error.to_string())
}
