use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use skyflow_http::Progress;
use skyflow_types::{RequestId, redact_text};

use super::message::clean;
use crate::Json;

const FROM_CLIENT: &str = "error-from-client";

/// Reports an answer with a status other than 2xx.
///
/// `Display` and `Debug` hide what looks like a card number, a social security number or a mail address in the
/// server's message, because messages may repeat values; `message` has the text itself.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// The server's name for this call, when it sent one.
    pub request_id: Option<RequestId>,
    /// What the server said, without control characters and at most 4 KiB; a sentence of our own when it said
    /// nothing that can be read.
    pub message: String,
    /// The HTTP status that the body speaks of, or else the answer's own. They differ behind a gateway.
    pub http_code: u16,
    /// The gRPC status code, when the body has one.
    pub grpc_code: Option<i64>,
    /// The name of the status, when the body has one.
    pub http_status: Option<String>,
    /// Further details, as the server sent them.
    pub details: Vec<Json>,
    /// Whether the target of a connection failed and not Skyflow itself, when the server says so.
    pub error_from_client: Option<bool>,
    /// What is known about the attempts.
    pub progress: Progress,
    body: Bytes,
}

impl ApiError {
    /// Reads the answer in any of the shapes that servers and gateways use; it cannot fail.
    pub(crate) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        request_id: Option<RequestId>,
        body: Bytes,
        progress: Progress,
    ) -> Self {
        // The content type is often wrong, so the body itself decides.
        let found = match serde_json::from_slice::<Value>(&body) {
            Ok(json) => Found::in_json(&json),
            Err(_) => Found::in_text(headers, &body),
        };
        let error_from_client = headers.get(FROM_CLIENT).and_then(|value| match value.as_bytes() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        });
        Self {
            status,
            request_id,
            message: match found.message.map(|text| clean(&text)) {
                Some(message) if !message.is_empty() => message,
                _ if body.trim_ascii().is_empty() => "the server sent an empty body".to_owned(),
                _ => "the server sent no readable message".to_owned(),
            },
            http_code: found.http_code.unwrap_or(status.as_u16()),
            grpc_code: found.grpc_code,
            http_status: found.http_status.map(|text| clean(&text)),
            details: found.details,
            error_from_client,
            progress,
            body,
        }
    }

    /// Returns the body of the answer as it came. It may hold values.
    pub fn expose_body(&self) -> &Bytes {
        &self.body
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {}: {}", self.status, redact_text(&self.message))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("message", &redact_text(&self.message))
            .field("http_code", &self.http_code)
            .field("grpc_code", &self.grpc_code)
            .field("http_status", &self.http_status.as_deref().map(redact_text))
            .field("details", &self.details)
            .field("error_from_client", &self.error_from_client)
            .field("attempts", &self.progress.attempts())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}

/// What an error body says.
#[derive(Default)]
struct Found {
    message: Option<String>,
    http_code: Option<u16>,
    grpc_code: Option<i64>,
    http_status: Option<String>,
    details: Vec<Json>,
}

impl Found {
    fn in_text(headers: &HeaderMap, body: &[u8]) -> Self {
        let is_html = headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
        let text = String::from_utf8_lossy(body);
        // A page is for people with a browser; nothing in it is the message.
        let message = (!is_html && !text.trim_start().starts_with('<')).then(|| text.into_owned());
        Self { message, ..Self::default() }
    }

    fn in_json(json: &Value) -> Self {
        if let Some(text) = json.as_str() {
            return Self { message: Some(text.to_owned()), ..Self::default() };
        }
        let rows =
            ["responses", "records", "response", "tokens"].iter().find_map(|key| json.get(key)?.as_array());
        match (json.get("error"), rows) {
            (Some(error), _) if !error.is_null() => Self::in_error(error),
            (_, Some(rows)) => Self::in_rows(rows),
            // The gateway's own form: code, message and details without an envelope.
            _ => Self { grpc_code: json.get("code").and_then(Value::as_i64), ..Self::in_error(json) },
        }
    }

    /// Reads the value of `error`: a text, or an object.
    fn in_error(error: &Value) -> Self {
        let details = error.get("details").and_then(Value::as_array).into_iter().flatten();
        Self {
            message: text(error).or_else(|| text(error.get("message")?)),
            http_code: http_code(error.get("http_code").or_else(|| error.get("httpCode"))),
            grpc_code: error.get("grpc_code").or_else(|| error.get("grpcCode")).and_then(Value::as_i64),
            http_status: error.get("http_status").or_else(|| error.get("httpStatus")).and_then(text),
            details: details.filter_map(|detail| Json::from_serialize(detail).ok()).collect(),
        }
    }

    /// Joins the messages of rows that failed one by one; the last failing status counts.
    fn in_rows(rows: &[Value]) -> Self {
        let mut messages = Vec::new();
        let mut found = Self::default();
        for row in rows {
            let status =
                http_code(row.get("Status").or_else(|| row.get("httpCode"))).filter(|code| *code >= 400);
            found.http_code = status.or(found.http_code);
            if let Some(error) = row.pointer("/Body/error").or_else(|| row.get("error")) {
                let inner = Self::in_error(error);
                found.http_code = status.or(inner.http_code).or(found.http_code);
                messages.extend(inner.message);
            }
        }
        found.message = (!messages.is_empty()).then(|| messages.join("; "));
        found
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Reads the status of an error that may be written as a number or as text; one of success does not describe an error.
fn http_code(value: Option<&Value>) -> Option<u16> {
    let value = value?;
    let code = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(code).ok().filter(|code| (400..=999).contains(code))
}

#[cfg(test)]
mod tests;
