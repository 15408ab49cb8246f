use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use skyflow_http::rest::ErrorBody;
use skyflow_types::{ERROR_FROM_CLIENT, error_from_client, redact_text};

use crate::Json;
use crate::runtime::{clean, plain_text};

/// Holds the body of an error response in any of the shapes that Skyflow and its gateways use.
///
/// `Debug` hides what looks like a card number, a social security number or a mail address.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiErrorBody {
    /// The HTTP status in the body, or else the response's own. They differ behind a gateway.
    pub http_code: u16,
    /// The gRPC status code, when the body has one.
    pub grpc_code: Option<i64>,
    /// The name of the status, when the body has one.
    pub http_status: Option<String>,
    /// Further details, as the server sent them.
    pub details: Vec<Json>,
    /// Whether the target of a connection failed and not Skyflow itself, when the server says so.
    pub error_from_client: Option<bool>,
    message: Option<String>,
}

impl ErrorBody for ApiErrorBody {
    fn read(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        // The content type is often wrong, so the body itself decides.
        let found = match serde_json::from_slice::<Value>(body) {
            Ok(json) => Found::in_json(&json),
            Err(_) => Found { message: plain_text(headers, body), ..Found::default() },
        };
        Self {
            http_code: found.http_code.unwrap_or(status.as_u16()),
            grpc_code: found.grpc_code,
            http_status: found.http_status.map(|text| clean(&text)),
            details: found.details,
            error_from_client: headers
                .get(ERROR_FROM_CLIENT)
                .and_then(|value| error_from_client(value.as_bytes())),
            message: found.message,
        }
    }

    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl fmt::Debug for ApiErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiErrorBody")
            .field("http_code", &self.http_code)
            .field("grpc_code", &self.grpc_code)
            .field("http_status", &self.http_status.as_deref().map(redact_text))
            .field("details", &self.details)
            .field("error_from_client", &self.error_from_client)
            .finish_non_exhaustive()
    }
}

/// The members of an error body.
#[derive(Default)]
struct Found {
    message: Option<String>,
    http_code: Option<u16>,
    grpc_code: Option<i64>,
    http_status: Option<String>,
    details: Vec<Json>,
}

impl Found {
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

    /// Reads the value of `error`: a string or an object.
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

    /// Joins the messages of the rows that failed; the last failing status counts.
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

/// Reads the status of an error that may be written as a number or a string; a success status does not describe an error.
fn http_code(value: Option<&Value>) -> Option<u16> {
    let value = value?;
    let code = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(code).ok().filter(|code| (400..=999).contains(code))
}

#[cfg(test)]
mod tests;
