//! Failures on demand, for tests of code that must handle them.

use std::fmt;
use std::future::poll_fn;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use skyflow_http::{Body, BoxError, Error, ErrorKind, Response};

/// A failure and the requests it hits.
///
/// Without a matcher it hits every request; without [`Fault::times`] it never ends.
///
/// ```
/// use http::StatusCode;
/// use skyflow_testkit::{Fault, Faults};
///
/// let faults = Faults::new();
/// // A client that retries reads gets a response at the third attempt.
/// faults.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).retry_after("1").operation("records.list").times(2));
/// // The second upload is done, but its response never arrives.
/// faults.inject(Fault::commit_then_close().path_prefix("/v1/files").nth(2));
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    action: Action,
    method: Option<Method>,
    path_prefix: Option<String>,
    operation: Option<&'static str>,
    skip: u32,
    times: Option<u32>,
    request_id: bool,
}

/// What happens to a request that a fault hits.
#[derive(Debug, Clone)]
enum Action {
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
    fn name(&self) -> &'static str {
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

    /// Responds with this status instead of doing the work. The server decides on the body, unless [`Fault::body`]
    /// sets it.
    pub fn status(status: StatusCode) -> Self {
        Self::new(Action::Status { status, retry_after: None, body: None })
    }

    /// Closes the connection instead of doing the work.
    pub fn close_before_response() -> Self {
        Self::new(Action::CloseBeforeResponse)
    }

    /// Does the work, then closes the connection without a response.
    pub fn commit_then_close() -> Self {
        Self::new(Action::CommitThenClose)
    }

    /// Responds with 502 and an HTML page instead of doing the work, as a proxy in between would.
    pub fn html_502() -> Self {
        Self::new(Action::Html502)
    }

    /// Does the work and responds without a body.
    pub fn empty_body() -> Self {
        Self::new(Action::EmptyBody)
    }

    /// Does the work and responds with a body that is not JSON.
    pub fn bad_json() -> Self {
        Self::new(Action::BadJson)
    }

    /// Does the work and breaks the connection in the middle of the response's body.
    pub fn truncate_body() -> Self {
        Self::new(Action::TruncateBody)
    }

    /// Does the work and responds with JSON of another shape.
    pub fn wrong_shape() -> Self {
        Self::new(Action::WrongShape)
    }

    /// Waits before doing the work, on the clock of the server. It adds up with other faults.
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

    /// Hits this operation only: the name of an [`OperationInfo`](skyflow_http::OperationInfo), or an operation that a
    /// server names.
    #[must_use]
    pub fn operation(mut self, name: impl Into<&'static str>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Hits this method only.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Hits paths with this prefix only.
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

    /// Omits `x-request-id` from the response.
    #[must_use]
    pub fn without_request_id(mut self) -> Self {
        self.request_id = false;
        self
    }

    fn matches(&self, method: &Method, path: &str, operation: Option<&str>) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path_prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix))
            && self.operation.is_none_or(|wanted| Some(wanted) == operation)
    }
}

/// Reports a string that describes no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a fault such as `status=503;retry-after=1`, `latency=250` or `truncate_body`")]
#[non_exhaustive]
pub struct FaultParseError;

/// Reads a fault from a string, such as `status=503;retry-after=1`, `latency=250` (milliseconds) or `truncate_body`.
///
/// ```
/// use skyflow_testkit::Fault;
///
/// assert!("status=429;retry-after=2".parse::<Fault>().is_ok());
/// assert!("status=often".parse::<Fault>().is_err());
/// ```
impl FromStr for Fault {
    type Err = FaultParseError;

    fn from_str(text: &str) -> Result<Self, FaultParseError> {
        let mut parts = text.split(';').map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim()),
            None => (part.trim(), ""),
        });
        let mut fault = match parts.next().unwrap_or_default() {
            ("status", code) => Self::status(code.parse().map_err(|_| FaultParseError)?),
            ("latency", millis) => {
                Self::latency(Duration::from_millis(millis.parse().map_err(|_| FaultParseError)?))
            }
            ("close_before_response", "") => Self::close_before_response(),
            ("commit_then_close", "") => Self::commit_then_close(),
            ("html_502", "") => Self::html_502(),
            ("empty_body", "") => Self::empty_body(),
            ("bad_json", "") => Self::bad_json(),
            ("truncate_body", "") => Self::truncate_body(),
            ("wrong_shape", "") => Self::wrong_shape(),
            _ => return Err(FaultParseError),
        };
        for part in parts {
            fault = match part {
                ("retry-after", value) => fault.retry_after(value),
                ("without-request-id", "") => fault.without_request_id(),
                _ => return Err(FaultParseError),
            };
        }
        Ok(fault)
    }
}

/// What happens to one request, as decided by [`Faults::plan`].
///
/// A server asks it three times: [`Plan::latency`] before anything else, [`Plan::verdict`] before it does the work, and
/// [`Plan::spoil`] with the response. [`FaultLayer`](crate::FaultLayer) does the same around any service.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    latency: Duration,
    action: Option<Action>,
    without_request_id: bool,
    name: Option<&'static str>,
}

/// What a server does with a request instead of its work, or before it.
#[derive(Debug)]
pub enum Verdict {
    /// The work is done, and its response passes through [`Plan::spoil`].
    Work,
    /// The work is done and the connection closed without a response.
    WorkThenClose,
    /// The connection is closed without any work.
    Close,
    /// This response is sent without any work.
    Respond(Response),
}

impl Plan {
    /// Adds a fault. Latencies add up; of the others, the first is kept.
    pub fn add(&mut self, fault: &Fault) {
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

    /// Returns how long the request waits.
    pub fn latency(&self) -> Duration {
        self.latency
    }

    /// Returns the name of the fault, such as `truncate_body`; `None` without one.
    pub fn fault(&self) -> Option<&'static str> {
        self.name
    }

    /// Tells whether the response is sent without `x-request-id`.
    pub fn hides_request_id(&self) -> bool {
        self.without_request_id
    }

    /// Decides about the work. `error` makes the response of a [`Fault::status`] that has no body.
    pub fn verdict(&self, error: impl FnOnce(StatusCode) -> Response) -> Verdict {
        match &self.action {
            Some(Action::CloseBeforeResponse) => Verdict::Close,
            Some(Action::CommitThenClose) => Verdict::WorkThenClose,
            Some(Action::Html502) => Verdict::Respond(response(
                StatusCode::BAD_GATEWAY,
                HeaderValue::from_static("text/html"),
                Bytes::from_static(HTML_502),
            )),
            Some(Action::Status { status, retry_after, body }) => {
                let mut made = match body {
                    Some((content_type, content)) => {
                        let content_type = HeaderValue::from_str(content_type)
                            .unwrap_or(HeaderValue::from_static("application/octet-stream"));
                        response(*status, content_type, content.clone())
                    }
                    None => error(*status),
                };
                if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok())
                {
                    made.headers_mut().insert(RETRY_AFTER, value);
                }
                Verdict::Respond(made)
            }
            _ => Verdict::Work,
        }
    }

    /// Spoils a response where the fault says so.
    pub fn spoil(&self, mut response: Response) -> Response {
        let spoiled = match &self.action {
            Some(Action::EmptyBody) => Some(Body::empty()),
            Some(Action::BadJson) => Some(Body::from(r#"{"records": [{"#)),
            Some(Action::WrongShape) => Some(Body::from(r#"["unexpected"]"#)),
            Some(Action::TruncateBody) => truncated(&mut response),
            _ => None,
        };
        if let Some(body) = spoiled {
            *response.body_mut() = body;
        }
        response
    }

    /// Returns the error of a connection that a fault closed: it broke while the request was in flight.
    pub fn closed() -> Error {
        Error::new(ErrorKind::Io, Some(BoxError::from("the test server closed the connection")))
    }
}

const HTML_502: &[u8] =
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";

fn response(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Announces the whole body, sends half of it and breaks.
fn truncated(response: &mut Response) -> Option<Body> {
    let whole = response.body().as_bytes()?.clone();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let cut = async {
        // The server writes what it has when the body makes it wait; without the pause it would send nothing.
        pause().await;
        Err(BoxError::from("the test server cut the response"))
    };
    Some(Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(cut))))
}

/// Ends at the second poll.
fn pause() -> impl Future<Output = ()> {
    let mut paused = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// The faults of a server, in the order in which they were injected. Clones share them.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Starts without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes requests fail as the fault says.
    pub fn inject(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Decides about one request and counts the hits. At most one fault other than latency hits a request; the next
    /// one keeps its hits for later requests.
    pub fn plan(&self, method: &Method, path: &str, operation: Option<&str>) -> Plan {
        let mut plan = Plan::default();
        let mut faults = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().iter().map(|fault| fault.action.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(faults: &Faults, requests: usize) -> Vec<Option<&'static str>> {
        let insert = Some("records.insert");
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
        faults.inject(Fault::bad_json().operation("records.get"));
        faults.inject(Fault::bad_json().method(Method::GET));
        faults.inject(Fault::bad_json().path_prefix("/v1/auth"));
        assert_eq!(hits(&faults, 1), [None]);
    }

    #[test]
    fn the_header_form_is_read_strictly() {
        let fault = "status=503; retry-after=7".parse::<Fault>().unwrap();
        assert!(matches!(fault.action, Action::Status { retry_after: Some(seconds), .. } if seconds == "7"));
        for bad in ["", "status=abc", "nothing", "bad_json;what=1", "bad_json=1"] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }
}
