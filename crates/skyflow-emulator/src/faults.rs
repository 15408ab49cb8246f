//! Failures on demand, for tests of code that has to live with them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::routes::Operation;

/// A failure and the requests it hits.
///
/// Without a matcher it hits every request; without [`Fault::times`] it never ends.
///
/// ```
/// use http::StatusCode;
/// use skyflow_emulator::{EmbeddedVault, Fault, Operation};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let vault = EmbeddedVault::builder().build()?;
/// // A client that repeats reads gets its answer at the third attempt. A plain insert is not repeated after a 503.
/// vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).retry_after("1").operation(Operation::RecordsList).times(2));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    action: Action,
    method: Option<Method>,
    path_prefix: Option<String>,
    operation: Option<Operation>,
    skip: u32,
    times: Option<u32>,
    request_id: bool,
}

/// What happens to a request that a fault hits.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Status { status: StatusCode, retry_after: Option<String>, body: Option<(String, Bytes)> },
    CloseBeforeResponse,
    CommitThenClose,
    Html502,
    EmptyBody,
    BadJson,
    TruncateBody,
    WrongShape,
    Latency(Duration),
}

impl Action {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::CloseBeforeResponse => "close_before_response",
            Self::CommitThenClose => "commit_then_close",
            Self::Html502 => "html_502",
            Self::EmptyBody => "empty_body",
            Self::BadJson => "bad_json",
            Self::TruncateBody => "truncate_body",
            Self::WrongShape => "wrong_shape",
            Self::Latency(_) => "latency",
        }
    }
}

impl Fault {
    fn new(action: Action) -> Self {
        Self {
            action,
            method: None,
            path_prefix: None,
            operation: None,
            skip: 0,
            times: None,
            request_id: true,
        }
    }

    /// Answers with this status instead of doing the work, with an error body as Skyflow writes it.
    pub fn status(status: StatusCode) -> Self {
        Self::new(Action::Status { status, retry_after: None, body: None })
    }

    /// Closes the connection instead of doing the work.
    pub fn close_before_response() -> Self {
        Self::new(Action::CloseBeforeResponse)
    }

    /// Does the work, then closes the connection without an answer.
    pub fn commit_then_close() -> Self {
        Self::new(Action::CommitThenClose)
    }

    /// Answers 502 with an HTML page instead of doing the work, as a proxy in between would.
    pub fn html_502() -> Self {
        Self::new(Action::Html502)
    }

    /// Does the work and answers without a body.
    pub fn empty_body() -> Self {
        Self::new(Action::EmptyBody)
    }

    /// Does the work and answers with text that is not JSON.
    pub fn bad_json() -> Self {
        Self::new(Action::BadJson)
    }

    /// Does the work and breaks the connection in the middle of the answer's body.
    pub fn truncate_body() -> Self {
        Self::new(Action::TruncateBody)
    }

    /// Does the work and answers with JSON of another shape.
    pub fn wrong_shape() -> Self {
        Self::new(Action::WrongShape)
    }

    /// Waits before doing the work, on the vault's clock. It adds up with other faults.
    pub fn latency(pause: Duration) -> Self {
        Self::new(Action::Latency(pause))
    }

    /// Adds a `Retry-After` header to a [`Fault::status`]: seconds or an HTTP date.
    #[must_use]
    pub fn retry_after(mut self, value: impl Into<String>) -> Self {
        if let Action::Status { retry_after, .. } = &mut self.action {
            *retry_after = Some(value.into());
        }
        self
    }

    /// Replaces the body of a [`Fault::status`].
    #[must_use]
    pub fn body(mut self, content_type: impl Into<String>, content: impl Into<Bytes>) -> Self {
        if let Action::Status { body, .. } = &mut self.action {
            *body = Some((content_type.into(), content.into()));
        }
        self
    }

    /// Hits this operation of the REST API only.
    ///
    /// A client's methods may use others than their names say: the SDK's `get` is [`Operation::RecordsList`], its
    /// `delete` is [`Operation::RecordsBulkDelete`], and an insert that continues on errors is
    /// [`Operation::RecordsBatch`].
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Hits this method only.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Hits paths that start like this only.
    #[must_use]
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Ends after this many hits.
    #[must_use]
    pub fn times(mut self, hits: u32) -> Self {
        self.times = Some(hits);
        self
    }

    /// Hits the `n`-th matching request only, counted from 1.
    #[must_use]
    pub fn nth(self, n: u32) -> Self {
        self.after(n.saturating_sub(1)).times(1)
    }

    /// Leaves `x-request-id` out of the answer.
    #[must_use]
    pub fn without_request_id(mut self) -> Self {
        self.request_id = false;
        self
    }

    /// Reads the value of an `x-emulator-fault` header, such as `status=503;retry-after=1` or `truncate_body`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (part.trim(), ""),
        });
        let mut fault = match parts.next()? {
            ("status", code) => Self::status(code.parse().ok()?),
            ("latency", millis) => Self::latency(Duration::from_millis(millis.parse().ok()?)),
            ("close_before_response", "") => Self::close_before_response(),
            ("commit_then_close", "") => Self::commit_then_close(),
            ("html_502", "") => Self::html_502(),
            ("empty_body", "") => Self::empty_body(),
            ("bad_json", "") => Self::bad_json(),
            ("truncate_body", "") => Self::truncate_body(),
            ("wrong_shape", "") => Self::wrong_shape(),
            _ => return None,
        };
        for part in parts {
            fault = match part {
                ("retry-after", value) => fault.retry_after(value),
                ("without-request-id", "") => fault.without_request_id(),
                _ => return None,
            };
        }
        Some(fault)
    }

    fn matches(&self, method: &Method, path: &str, operation: Option<Operation>) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path_prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix))
            && self.operation.is_none_or(|wanted| Some(wanted) == operation)
    }
}

/// What is to happen to one request.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) latency: Duration,
    pub(crate) action: Option<Action>,
    pub(crate) without_request_id: bool,
    pub(crate) name: Option<&'static str>,
}

impl Plan {
    pub(crate) fn add(&mut self, fault: &Fault) {
        match &fault.action {
            Action::Latency(pause) => self.latency += *pause,
            action if self.action.is_none() => {
                self.action = Some(action.clone());
                self.without_request_id = !fault.request_id;
            }
            _ => return,
        }
        self.name = Some(fault.action.name());
    }
}

/// The faults of a vault, in the order in which they were injected.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn inject(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Decides about one request and counts the hits. At most one fault other than latency hits a request; the next
    /// one keeps its hits for later requests.
    pub(crate) fn plan(&self, method: &Method, path: &str, operation: Option<Operation>) -> Plan {
        let mut plan = Plan::default();
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults.iter_mut().filter(|fault| fault.matches(method, path, operation)) {
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if plan.action.is_some() && !matches!(fault.action, Action::Latency(_)) {
                continue;
            }
            plan.add(fault);
            fault.times = fault.times.map(|times| times.saturating_sub(1));
        }
        faults.retain(|fault| fault.times != Some(0));
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &Faults, requests: usize) -> Vec<Option<&'static str>> {
        let insert = Some(Operation::RecordsInsert);
        (0..requests).map(|_| faults.plan(&Method::POST, "/v1/vaults/v/t", insert).name).collect()
    }

    #[test]
    fn a_fault_hits_as_often_as_it_says() {
        let faults = Faults::default();
        faults.inject(Fault::html_502().after(1).times(2));
        assert_eq!(hits(&faults, 4), [None, Some("html_502"), Some("html_502"), None]);
    }

    #[test]
    fn two_faults_follow_each_other() {
        let faults = Faults::default();
        faults.inject(Fault::html_502().times(1));
        faults.inject(Fault::bad_json().times(1));
        assert_eq!(hits(&faults, 3), [Some("html_502"), Some("bad_json"), None]);
    }

    #[test]
    fn the_nth_request_is_hit_and_no_other() {
        let faults = Faults::default();
        faults.inject(Fault::empty_body().nth(3));
        assert_eq!(hits(&faults, 4), [None, None, Some("empty_body"), None]);
    }

    #[test]
    fn a_fault_hits_only_what_it_matches() {
        let faults = Faults::default();
        faults.inject(Fault::bad_json().operation(Operation::RecordsGet));
        faults.inject(Fault::bad_json().method(Method::GET));
        faults.inject(Fault::bad_json().path_prefix("/v1/auth"));
        assert_eq!(hits(&faults, 1), [None]);
    }

    #[test]
    fn the_header_form_is_read_strictly() {
        let fault = Fault::parse("status=503; retry-after=7").unwrap();
        assert!(matches!(fault.action, Action::Status { retry_after: Some(seconds), .. } if seconds == "7"));
        for bad in ["", "status=abc", "nothing", "bad_json;what=1", "bad_json=1"] {
            assert!(Fault::parse(bad).is_none(), "{bad}");
        }
    }
}
