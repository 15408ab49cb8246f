use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use skyflow_types::{RequestId, redact_text};

use super::message::clean;
use super::page;
use crate::{Progress, content_encoding};

/// Reads the body of a response with an error status, in the shapes that one product's servers use.
///
/// `Debug` must show no value: it is part of the `Debug` of every error.
pub trait ErrorBody: fmt::Debug + Send + Sync + Sized + 'static {
    /// The name of the product, for messages: `Skyflow` in "HTML instead of Skyflow's JSON".
    const PRODUCT: &'static str = "the API";

    /// Reads the response; a body of an unknown shape is a value without a message.
    fn read(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Self;

    /// Returns the server's message, when the body has one.
    fn message(&self) -> Option<&str>;

    /// Passes each text that `Debug` shows, or that a caller may print, through `hide`, which takes out what the call
    /// has sent in its headers.
    fn hide(&mut self, hide: &dyn Fn(&str) -> String) {
        let _ = hide;
    }
}

/// Reports a response with a status other than 2xx.
///
/// `Display` and `Debug` hide what looks like a card number, a social security number or a mail address in the
/// server's message, because messages may repeat values; `message` has the text itself.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiError<E> {
    /// The HTTP status of the response.
    pub status: StatusCode,
    /// The server's name for this call, when it sent one.
    pub request_id: Option<RequestId>,
    /// The server's message, without control characters and at most 4 KiB; a replacement when it sent none that can
    /// be read. Header values that the call has sent, such as its token, are replaced in it.
    pub message: String,
    /// The body, as the product's servers write it.
    pub error: E,
    /// The attempts so far.
    pub progress: Progress,
    body: Bytes,
}

impl<E: ErrorBody> ApiError<E> {
    /// Reads a response in any of the shapes that servers and gateways use; it cannot fail.
    pub fn read(
        status: StatusCode,
        headers: &HeaderMap,
        request_id: Option<RequestId>,
        body: Bytes,
        progress: Progress,
    ) -> Self {
        let hide = |text: &str| progress.hide_sent(text);
        let mut error = E::read(status, headers, &body);
        let message = match error.message().map(clean) {
            Some(message) if !message.is_empty() => hide(&message),
            _ if body.trim_ascii().is_empty() => "the server sent an empty body".to_owned(),
            _ => match content_encoding::remaining(headers) {
                Some(encoding) => {
                    format!("the server sent a body with the unsupported content-encoding {encoding}")
                }
                None => page::describe(status, headers, &body, E::PRODUCT, hide)
                    .unwrap_or_else(|| "the server sent no readable message".to_owned()),
            },
        };
        error.hide(&hide);
        Self { status, request_id, message, error, progress, body }
    }
}

impl<E> ApiError<E> {
    /// Tells whether the same call may succeed later: its status is 408, 429, 500, 502, 503 or 504.
    pub fn is_retryable(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// Returns the body of the response as it came. It may hold values.
    pub fn expose_body(&self) -> &Bytes {
        &self.body
    }
}

impl<E> fmt::Display for ApiError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server responded with {}: {}", self.status, redact_text(&self.message))
    }
}

impl<E: fmt::Debug> fmt::Debug for ApiError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("message", &redact_text(&self.message))
            .field("error", &self.error)
            .field("attempts", &self.progress.attempts())
            .finish_non_exhaustive()
    }
}

impl<E: fmt::Debug> std::error::Error for ApiError<E> {}
