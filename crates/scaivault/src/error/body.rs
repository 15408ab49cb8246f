use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::ErrorCode;
use crate::runtime::plain_text;

/// Holds the body of an error response: the server's own form, OAuth's, or the text of a gateway.
#[derive(Clone)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The code, such as `secret_not_found`; one that fits the status when the body has none.
    pub code: ErrorCode,
    /// What the server adds.
    pub details: Map<String, Value>,
    /// How long the server asks to wait, in whole seconds.
    pub retry_after: Option<Duration>,
    message: Option<String>,
}

impl skyflow_http::rest::ErrorBody for ErrorBody {
    fn read(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self {
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let mut read =
            Self { code: ErrorCode::of_status(status), details: Map::new(), retry_after, message: None };
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            read.message = plain_text(headers, body);
            return read;
        };
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        match json.get("error") {
            Some(error) if error.is_object() => {
                if let Some(code) = text(error, "code") {
                    read.code = code.into();
                }
                read.message = text(error, "message");
                if let Some(details) = error.get("details").and_then(Value::as_object) {
                    read.details.clone_from(details);
                }
            }
            // OAuth's form.
            Some(Value::String(code)) => {
                read.code = code.as_str().into();
                read.message = text(&json, "error_description");
            }
            _ => read.message = text(&json, "message").or_else(|| text(&json, "detail")),
        }
        read
    }

    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

/// Shows the code, and of the details the names.
impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorBody")
            .field("code", &self.code)
            .field("details", &self.details.keys().collect::<Vec<_>>())
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyflow_http::rest::ErrorBody as _;

    fn read(status: u16, body: &'static str) -> ErrorBody {
        ErrorBody::read(
            StatusCode::from_u16(status).unwrap(),
            &HeaderMap::new(),
            &Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn the_three_forms_of_errors_are_read() {
        let own = read(
            404,
            r#"{"error":{"code":"secret_not_found","message":"m","details":{"path":"a"},"request_id":"r"}}"#,
        );
        assert_eq!((own.code, own.message.as_deref()), (ErrorCode::SecretNotFound, Some("m")));
        assert_eq!(own.details["path"], "a");
        let oauth = read(401, r#"{"error":"invalid_client","error_description":"d"}"#);
        assert_eq!((oauth.code.as_str(), oauth.message.as_deref()), ("invalid_client", Some("d")));
        let page = read(502, "<html><h1>Bad Gateway</h1></html>");
        assert_eq!((page.code, page.message), (ErrorCode::ServiceUnavailable, None));
    }

    #[test]
    fn code_follows_the_status_when_absent() {
        for (status, code) in
            [(401, "authentication_required"), (404, "not_found"), (500, "internal_error"), (418, "unknown")]
        {
            assert_eq!(read(status, "{}").code.as_str(), code, "{status}");
        }
    }

    #[test]
    fn only_whole_seconds_are_a_pause() {
        for (text, seconds) in
            [("12", Some(12)), (" 2 ", Some(2)), ("-1", None), ("1.5", None), ("soon", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let body = ErrorBody::read(StatusCode::TOO_MANY_REQUESTS, &headers, &Bytes::new());
            assert_eq!(body.retry_after, seconds.map(Duration::from_secs), "{text}");
        }
    }
}
