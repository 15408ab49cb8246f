//! What the vault says when it refuses, word for word where Skyflow's words are known.

use std::fmt;

use http::StatusCode;
use serde_json::{Value, json};
#[cfg(feature = "detect")]
use skyflow_emulator_detect::DetectError;

/// The longest message of a response.
const MESSAGE_LIMIT: usize = 1000;

pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// A response other than success.
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    message: Message,
}

enum Message {
    Text(String),
    /// The message names the request, which is known only when the response is written.
    Internal,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: Message::Text(message.into()) }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "The request is unauthorized. Make sure you have a valid access token.",
        )
    }

    pub(crate) fn expired_bearer() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Authentication failed. Bearer token is expired. Use a valid bearer token. \
             See https://docs.skyflow.com/api-authentication/",
        )
    }

    /// Refuses an assertion; `reason` follows Skyflow's `invalid_grant: `.
    pub(crate) fn invalid_grant(reason: impl fmt::Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, format!("invalid_grant: {reason}"))
    }

    /// Refuses a key whose time has passed, in the published words.
    pub(crate) fn expired_key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Error: Key expired, consider rotating.")
    }

    pub(crate) fn no_such_resource() -> Self {
        Self::not_found("The requested resource wasn't found.")
    }

    pub(crate) fn unknown_table(table: &str) -> Self {
        Self::not_found(format!(
            "Invalid request. Table name {table} is invalid. Specify a valid table name."
        ))
    }

    pub(crate) fn unknown_ids(operation: &str, ids: &[String]) -> Self {
        Self::not_found(format!(
            "{operation} failed. [{}] isn't a valid Skyflow ID. Specify a valid Skyflow ID.",
            ids.join(" ")
        ))
    }

    /// Reports an operation that needs a feature of this crate.
    pub(crate) fn missing_feature(feature: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            format!("The feature `{feature}` of the crate skyflow-emulator is not enabled."),
        )
    }

    /// Reports an operation, or a part of one, that the vault does not have.
    pub(crate) fn not_emulated(what: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, format!("The embedded vault does not emulate {what}."))
    }

    pub(crate) fn internal() -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, message: Message::Internal }
    }

    /// Returns the message of the error, cut to the limit of a response.
    pub(crate) fn message(&self, request_id: &str) -> String {
        let text = match &self.message {
            Message::Text(text) => text.clone(),
            Message::Internal => format!(
                "Skyflow services experienced an internal error. Contact Skyflow support with request ID \
                 {request_id} for more information."
            ),
        };
        match text.char_indices().nth(MESSAGE_LIMIT) {
            Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
            None => text,
        }
    }

    /// Returns the body of the response.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        json!({ "error": {
            "grpc_code": grpc_code(self.status),
            "http_code": self.status.as_u16(),
            "message": self.message(request_id),
            "http_status": self.status.canonical_reason().unwrap_or("Error"),
            "details": [],
        }})
    }
}

#[cfg(feature = "detect")]
impl From<DetectError> for ApiError {
    fn from(error: DetectError) -> Self {
        match error {
            DetectError::InvalidRequest { message } => Self::bad_request(message),
            DetectError::UnknownToken { token } => Self::not_found(format!(
                "Detokenization failed. Token {token} is invalid. Specify a valid token."
            )),
            DetectError::Vault { source } => {
                source.downcast().map_or_else(|_| Self::internal(), |error| *error)
            }
            _ => Self::internal(),
        }
    }
}

#[cfg(feature = "detect")]
impl From<ApiError> for DetectError {
    fn from(error: ApiError) -> Self {
        Self::vault(error)
    }
}

/// Shows the status only, as `Debug` does.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the embedded vault refused with status {}", self.status)
    }
}

impl std::error::Error for ApiError {}

/// Shows the status only: a message may repeat what a caller sent.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError").field("status", &self.status).finish_non_exhaustive()
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(error: rusqlite::Error) -> Self {
        // The text of the error can repeat SQL with values in it; its code cannot.
        tracing::error!(code = ?error.sqlite_error_code(), "the store of the embedded vault failed");
        Self::internal()
    }
}

fn grpc_code(status: StatusCode) -> u16 {
    match status.as_u16() {
        401 => 16,
        403 => 7,
        404 => 5,
        409 => 10,
        413 | 429 => 8,
        405 | 501 => 12,
        503 => 14,
        504 => 4,
        500..=599 => 13,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_body_has_the_five_skyflow_members() {
        let body = ApiError::unknown_ids("Get", &["a".into(), "b".into()]).body("r");
        assert_eq!(
            body,
            json!({"error": {
                "grpc_code": 5, "http_code": 404, "http_status": "Not Found", "details": [],
                "message": "Get failed. [a b] isn't a valid Skyflow ID. Specify a valid Skyflow ID.",
            }})
        );
    }

    #[test]
    fn an_internal_error_names_the_request() {
        assert!(ApiError::internal().message("abc-1").contains("request ID abc-1 "));
    }

    #[test]
    fn messages_are_cut_at_a_thousand_characters() {
        assert_eq!(ApiError::bad_request("ü".repeat(2000)).message("").chars().count(), MESSAGE_LIMIT);
    }

    #[test]
    fn debug_does_not_repeat_the_message() {
        assert!(!format!("{:?}", ApiError::bad_request("secret")).contains("secret"));
    }
}
