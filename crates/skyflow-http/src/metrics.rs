//! The metrics that this crate emits through the [`metrics`](https://docs.rs/metrics) facade.
//!
//! Names and labels are those of OpenTelemetry's conventions where it has them. A recorder has to be installed before a
//! client is built: a connection keeps the handles that it has got when it was opened.
//!
//! No label holds a value, a path or an id of a row. Labels have few values each: those of `db.collection.name` are the
//! names of the tables that the program uses.

use std::error::Error as StdError;
use std::sync::Arc;

use ::metrics::{Label, SharedString, Unit, counter, gauge, histogram};

use crate::CallSubject;
use crate::auth::TokenErrorKind;
use crate::layers::error_type;
use crate::progress::{Outcome, is_failure};

/// Describes a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// How values are combined.
    pub kind: MetricKind,
    /// The unit, in the notation of UCUM: `s`, `By`, or what is counted in braces.
    pub unit: &'static str,
    /// What is measured.
    pub description: &'static str,
    /// The labels. Those that a value has no content for are left out.
    pub labels: &'static [&'static str],
}

/// How the values of a metric are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// A sum that only grows.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// A distribution.
    Histogram,
}

const CALL: &[&str] = &[
    "db.system.name",
    "db.namespace",
    "db.operation.name",
    "db.collection.name",
    "db.response.status_code",
    "error.type",
];

/// The time that a call takes: waiting, tokens, every attempt, every pause.
pub const OPERATION_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: MetricKind::Histogram,
    unit: "s",
    description: "The time that a call takes, with all its attempts.",
    labels: CALL,
};

/// The time that one attempt takes; its count is the number of attempts.
pub const ATTEMPT_DURATION: Metric = Metric {
    name: "http.client.request.duration",
    kind: MetricKind::Histogram,
    unit: "s",
    description: "The time that one attempt takes; its count is the number of attempts.",
    labels: &[
        "http.request.method",
        "server.address",
        "url.template",
        "http.response.status_code",
        "error.type",
    ],
};

/// The attempts under way.
pub const ACTIVE_REQUESTS: Metric = Metric {
    name: "http.client.active_requests",
    kind: MetricKind::Gauge,
    unit: "{request}",
    description: "The attempts under way.",
    labels: &["http.request.method", "server.address"],
};

/// The connections that are open.
pub const OPEN_CONNECTIONS: Metric = Metric {
    name: "http.client.open_connections",
    kind: MetricKind::Gauge,
    unit: "{connection}",
    description: "The connections that are open, used or unused.",
    labels: &["server.address"],
};

/// The attempts after the first of a call, by what the attempt before them failed with.
pub const RETRIES: Metric = Metric {
    name: "rest.client.retries",
    kind: MetricKind::Counter,
    unit: "{retry}",
    description: "The attempts after the first of a call, by the failure of the attempt before: its error.type.",
    labels: &["db.system.name", "db.operation.name", "error.type"],
};

/// The token exchanges that have ended.
pub const TOKEN_EXCHANGES: Metric = Metric {
    name: "rest.client.token_exchanges",
    kind: MetricKind::Counter,
    unit: "{exchange}",
    description: "The token exchanges that have ended; without error.type they have brought a token.",
    labels: &["product", "error.type"],
};

/// The bytes that were handed to the operating system, TLS included.
pub const SENT_BYTES: Metric = Metric {
    name: "rest.client.sent",
    kind: MetricKind::Counter,
    unit: "By",
    description: "The bytes sent over connections, TLS and headers included.",
    labels: &["server.address"],
};

/// The bytes that the operating system has handed over, TLS included.
pub const RECEIVED_BYTES: Metric = Metric {
    name: "rest.client.received",
    kind: MetricKind::Counter,
    unit: "By",
    description: "The bytes received over connections, TLS and headers included, as they were compressed.",
    labels: &["server.address"],
};

/// Every metric of this crate. A product may add one for rows; see [`CallMetrics::rows`].
pub const ALL: [Metric; 8] = [
    OPERATION_DURATION,
    ATTEMPT_DURATION,
    ACTIVE_REQUESTS,
    OPEN_CONNECTIONS,
    RETRIES,
    TOKEN_EXCHANGES,
    SENT_BYTES,
    RECEIVED_BYTES,
];

impl Metric {
    /// Describes the metric to the recorder, for exporters that show descriptions and units.
    pub fn describe(&self) {
        let unit = match self.unit {
            "s" => Unit::Seconds,
            "By" => Unit::Bytes,
            _ => Unit::Count,
        };
        match self.kind {
            MetricKind::Counter => ::metrics::describe_counter!(self.name, unit, self.description),
            MetricKind::Gauge => ::metrics::describe_gauge!(self.name, unit, self.description),
            MetricKind::Histogram => ::metrics::describe_histogram!(self.name, unit, self.description),
        }
    }
}

/// Says which database the calls of a stack are about, and switches its metrics on; see
/// [`Stack::metrics`](crate::Stack::metrics).
#[derive(Debug, Clone, Copy)]
pub struct CallMetrics {
    system: &'static str,
    rows: Option<Metric>,
}

impl CallMetrics {
    /// Names the database product: the label `db.system.name`.
    pub const fn new(system: &'static str) -> Self {
        Self { system, rows: None }
    }

    /// Records the rows of each call ([`CallSubject::rows`]) in a histogram of the product.
    pub const fn rows(mut self, metric: Metric) -> Self {
        self.rows = Some(metric);
        self
    }

    pub(crate) fn retried(self, operation: Option<&'static str>, cause: Outcome) {
        let mut labels = vec![Label::new("db.system.name", self.system)];
        push(&mut labels, "error.type", cause.error_type());
        push(&mut labels, "db.operation.name", operation);
        counter!(RETRIES.name, labels).increment(1);
    }

    pub(crate) fn called(
        self,
        namespace: Option<&Arc<str>>,
        operation: Option<&'static str>,
        subject: Option<&CallSubject>,
        outcome: Outcome,
        seconds: f64,
    ) {
        let mut labels = vec![Label::new("db.system.name", self.system)];
        push(&mut labels, "db.operation.name", operation);
        push(&mut labels, "db.collection.name", subject.and_then(CallSubject::get_collection).cloned());
        if let (Some(metric), Some(rows)) = (self.rows, subject.and_then(CallSubject::get_rows)) {
            histogram!(metric.name, labels.clone())
                .record(f64::from(u32::try_from(rows).unwrap_or(u32::MAX)));
        }
        push(&mut labels, "db.namespace", namespace.cloned());
        push(&mut labels, "db.response.status_code", outcome.status());
        push(&mut labels, "error.type", outcome.error_type());
        histogram!(OPERATION_DURATION.name, labels).record(seconds);
    }
}

impl Metric {
    /// Describes a histogram of rows for [`CallMetrics::rows`].
    pub const fn of_rows(name: &'static str, description: &'static str) -> Self {
        let labels = &["db.system.name", "db.operation.name", "db.collection.name"];
        Self { name, kind: MetricKind::Histogram, unit: "{row}", description, labels }
    }
}

impl Outcome {
    /// The caller has dropped the call.
    pub(crate) const CANCELLED: Self = Self::Failed("cancelled");

    pub(crate) fn of_error(error: &(dyn StdError + 'static)) -> Self {
        Self::Failed(error_type(error))
    }

    pub(crate) fn is_failure(self) -> bool {
        match self {
            Self::Responded(status) => is_failure(status),
            Self::Failed(_) => true,
        }
    }

    fn status(self) -> Option<SharedString> {
        match self {
            Self::Responded(status) => Some(status.as_str().to_owned().into()),
            Self::Failed(_) => None,
        }
    }

    fn error_type(self) -> Option<SharedString> {
        match self {
            Self::Responded(_) => self.status().filter(|_| self.is_failure()),
            Self::Failed(name) => Some(name.into()),
        }
    }
}

/// An attempt under way.
pub(crate) struct Attempt {
    labels: Vec<Label>,
    active: ::metrics::Gauge,
}

impl Attempt {
    pub(crate) fn begin(method: &http::Method, host: Option<&str>, template: Option<&'static str>) -> Self {
        let mut labels = vec![Label::new("http.request.method", method.as_str().to_owned())];
        push(&mut labels, "server.address", host.map(ToOwned::to_owned));
        let active = gauge!(ACTIVE_REQUESTS.name, labels.clone());
        active.increment(1.0);
        push(&mut labels, "url.template", template);
        Self { labels, active }
    }

    pub(crate) fn end(&mut self, outcome: Outcome, seconds: f64) {
        self.active.decrement(1.0);
        let mut labels = std::mem::take(&mut self.labels);
        push(&mut labels, "http.response.status_code", outcome.status());
        push(&mut labels, "error.type", outcome.error_type());
        histogram!(ATTEMPT_DURATION.name, labels).record(seconds);
    }
}

pub(crate) fn token_exchanged(product: Option<&'static str>, failure: Option<TokenErrorKind>) {
    let mut labels = Vec::new();
    push(&mut labels, "product", product);
    push(&mut labels, "error.type", failure.map(TokenErrorKind::name));
    counter!(TOKEN_EXCHANGES.name, labels).increment(1);
}

fn push(labels: &mut Vec<Label>, name: &'static str, value: Option<impl Into<SharedString>>) {
    labels.extend(value.map(|value| Label::new(name, value)));
}
