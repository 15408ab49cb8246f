//! The spans and events of calls, and how a product replaces them by some with more fields.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tracing::Span;
use tracing::field::Empty;

use crate::auth::TokenError;
use crate::{Error, TARGET};

/// What a call is about, for its span and its event.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct CallNames<'a> {
    /// The name of the product; see [`LogControl::product_name`](crate::LogControl::product_name).
    pub product: Option<&'static str>,
    /// The name of the operation.
    pub operation: Option<&'static str>,
    /// The database or account; see [`LogControl::namespace`](crate::LogControl::namespace).
    pub namespace: Option<&'a str>,
    /// The table or collection.
    pub collection: Option<&'a str>,
    /// How many rows the request is about.
    pub rows: Option<u64>,
}

/// The beginning of a call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallStart<'a> {
    /// What the call is about.
    pub names: CallNames<'a>,
    /// The path template.
    pub route: Option<&'static str>,
    /// The HTTP method.
    pub method: &'a str,
    /// The host of the server.
    pub host: Option<&'a str>,
}

/// The end of a call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CallEnd<'a> {
    /// What the call is about.
    pub names: CallNames<'a>,
    /// The HTTP status; `None` without a response.
    pub status: Option<u16>,
    /// How many times the request was sent.
    pub attempts: u32,
    /// The time that the call took.
    pub elapsed: Duration,
    /// The id that the server gave its response.
    pub request_id: Option<&'a str>,
    /// The reason of a failure: a status of 400 or more, or the name of an [`ErrorKind`](crate::ErrorKind); `None` for a
    /// success.
    pub error_type: Option<&'a str>,
}

impl CallEnd<'_> {
    /// Returns the time that the call took in whole milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        whole(self.elapsed.as_millis())
    }
}

/// Opens the spans and writes the events of a product's calls; see [`LogControl::calls`](crate::LogControl::calls).
///
/// A product implements it to add fields to those of this crate: the names of the fields are part of a `tracing` call
/// site. Fields that are known at the end are declared [`Empty`] and recorded by the [`OperationTraceLayer`]:
/// `attempts`, `http.response.status_code`, `request_id`, `error.type`, `otel.status_code` and, for databases,
/// `db.response.status_code`. Those that a span does not declare are left out.
///
/// [`OperationTraceLayer`]: super::OperationTraceLayer
pub trait CallLog: fmt::Debug + Send + Sync {
    /// Opens the span of a call. It is asked for only where the log level permits INFO.
    fn span(&self, start: &CallStart<'_>) -> Span;

    /// Writes the event at the end of a call: at level INFO, or at level ERROR when it has an
    /// [`error_type`](CallEnd::error_type).
    fn event(&self, end: &CallEnd<'_>);
}

/// The spans and events of products without names of their own.
#[derive(Debug)]
pub(super) struct PlainCalls;

impl CallLog for PlainCalls {
    fn span(&self, start: &CallStart<'_>) -> Span {
        tracing::info_span!(
            target: TARGET,
            "client.operation",
            otel.kind = "client",
            product = start.names.product,
            operation = start.names.operation,
            http.route = start.route,
            http.request.method = start.method,
            server.address = start.host,
            attempts = Empty,
            http.response.status_code = Empty,
            request_id = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        )
    }

    fn event(&self, end: &CallEnd<'_>) {
        let CallEnd { names: CallNames { product, operation, .. }, status, attempts, request_id, .. } = *end;
        let elapsed_ms = end.elapsed_ms();
        match end.error_type {
            Some(error_type) => tracing::error!(
                target: TARGET, product, operation, status, attempts, elapsed_ms, request_id,
                error.type = error_type, "call failed"
            ),
            None => tracing::info!(
                target: TARGET, product, operation, status, attempts, elapsed_ms, request_id, "call finished"
            ),
        }
    }
}

/// A 128-bit number would be logged as text.
pub(super) fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Names the reason of a failure, for `error.type`: one of a few names, which never quote what failed.
pub(crate) fn error_type(error: &(dyn StdError + 'static)) -> &'static str {
    if TokenError::find(error).is_some() {
        return "token";
    }
    Error::find(error).map_or("_OTHER", |error| error.kind().name())
}
