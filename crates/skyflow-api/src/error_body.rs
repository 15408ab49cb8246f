mod message;

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use skyflow_http::rest::ErrorBody;
use skyflow_types::{ERROR_FROM_CLIENT, error_from_client, redact_text};

use self::message::Members;
use crate::Json;
use skyflow_http::rest::runtime::{clean, leading_json, lossy_string, plain_text, text_of};

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
    const PRODUCT: &'static str = "Skyflow";

    fn read(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        // The content type is often wrong, so the body itself decides.
        let found = match error_json(body) {
            Some(json) => Found::in_json(&json),
            None => Found { message: plain_text(headers, body), ..Found::default() },
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

    fn hide(&mut self, hide: &dyn Fn(&str) -> String) {
        for text in [&mut self.message, &mut self.http_status].into_iter().flatten() {
            *text = hide(text);
        }
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
    fn in_json(json: &str) -> Self {
        if let Some(text) = lossy_string(json) {
            return Self { message: Some(text), ..Self::default() };
        }
        let members = Members::of(json);
        let rows = ["responses", "records", "response", "tokens"];
        let rows = rows.into_iter().find_map(|key| members.get(key).filter(|rows| rows.starts_with('[')));
        match (members.get("error").filter(|error| error.starts_with('{')), rows) {
            (Some(error), _) => Self::in_object(error),
            (None, Some(rows)) if !members.has("error") => Self::in_rows(rows),
            // The error without an envelope: that of the gateway, of a proxy, of OAuth, a problem of RFC 9457.
            _ => Self::in_object(json),
        }
    }

    /// Reads an object that describes an error.
    fn in_object(error: &str) -> Self {
        let members = Members::of(error);
        let code = members.number("code");
        let details: Vec<&RawValue> =
            members.get("details").and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
        Self {
            message: message::of(error),
            http_code: ["httpcode", "status", "statuscode", "code"]
                .into_iter()
                .find_map(|name| http_code(members.number(name))),
            // A number that no gRPC code has is that of another scheme.
            grpc_code: members.number("grpccode").or(code.filter(|code| (0..100).contains(code))),
            http_status: members.text("httpstatus").or_else(|| members.text("status")),
            details: details.into_iter().filter_map(|detail| Json::parse(detail.get()).ok()).collect(),
        }
    }

    /// Joins the messages of the rows that failed; the last failing status counts.
    fn in_rows(rows: &str) -> Self {
        let rows: Vec<&RawValue> = serde_json::from_str(rows).unwrap_or_default();
        let mut messages = Vec::new();
        let mut found = Self::default();
        for row in rows {
            let row = Members::of(row.get());
            let body = row.get("body").map(Members::of).unwrap_or_default();
            let status = http_code(row.number("status").or_else(|| row.number("httpcode")));
            found.http_code = status.or(found.http_code);
            if let Some(error) = body.get("error").or_else(|| row.get("error")) {
                let text = lossy_string(error);
                let inner = Self::in_object(error);
                found.http_code = status.or(inner.http_code).or(found.http_code);
                messages.extend(text.or(inner.message));
            }
        }
        found.message = (!messages.is_empty()).then(|| messages.join("; "));
        found
    }
}

/// Finds the JSON of an error body: behind a byte order mark, in UTF-16, before bytes that do not belong to it, cut.
fn error_json(body: &[u8]) -> Option<String> {
    let text = text_of(body)?;
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(json) => Some(json.get().to_owned()),
        Err(_) => leading_json(&text),
    }
}

/// Reads the status of an error; a success status does not describe an error.
fn http_code(code: Option<i64>) -> Option<u16> {
    code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..=999).contains(code))
}

#[cfg(test)]
mod tests;
