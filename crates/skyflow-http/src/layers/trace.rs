use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Extensions, StatusCode};
use pin_project_lite::pin_project;
use skyflow_types::{LogLevel, RequestId};
use tower_layer::Layer;
use tower_service::Service;
use tracing::field::{Empty, display};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Span};

use super::call_log::{CallEnd, CallLog, CallNames, CallStart, PlainCalls, error_type, whole};
use crate::auth::TokenError;
use crate::progress::is_failure;
use crate::{BoxError, CallContext, CallSubject, Clock, Error, ErrorKind, OperationInfo, Progress, TARGET};

/// A log level that can be changed while a stack is in use; clones share it.
///
/// Where it suppresses something, it travels in the extensions of the request, so that every layer obeys it. It also
/// names the product that the spans and events are about: span names and targets are the same for every product.
#[derive(Debug, Clone)]
pub struct LogControl {
    level: Arc<AtomicU8>,
    product: Option<&'static str>,
    namespace: Option<Arc<str>>,
    calls: &'static dyn CallLog,
}

impl Default for LogControl {
    fn default() -> Self {
        Self { level: Arc::default(), product: None, namespace: None, calls: &PlainCalls }
    }
}

const LEVELS: [LogLevel; 5] =
    [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Off];

impl LogControl {
    /// Starts at a level.
    pub fn new(level: LogLevel) -> Self {
        let control = Self::default();
        control.set(level);
        control
    }

    /// Names the product in the field `product` of spans and events.
    pub fn product_name(mut self, name: &'static str) -> Self {
        self.product = Some(name);
        self
    }

    /// Names the database or account that the calls are about, in spans, events and metrics that have a field for it.
    pub fn namespace(mut self, name: impl Into<Arc<str>>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Opens the spans and writes the events of calls in another way, such as with more fields.
    pub fn calls(mut self, calls: &'static dyn CallLog) -> Self {
        self.calls = calls;
        self
    }

    /// Returns the name of the product.
    pub fn product(&self) -> Option<&'static str> {
        self.product
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn get_namespace(&self) -> Option<&Arc<str>> {
        self.namespace.as_ref()
    }

    fn names<'a>(
        &'a self,
        operation: Option<&'static str>,
        subject: Option<&'a CallSubject>,
    ) -> CallNames<'a> {
        CallNames {
            product: self.product,
            operation,
            namespace: self.namespace.as_deref(),
            collection: subject.and_then(CallSubject::get_collection).map(|name| &**name),
            rows: subject.and_then(CallSubject::get_rows),
        }
    }

    /// Changes the level for the calls that start from now on.
    pub fn set(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Returns the level.
    pub fn level(&self) -> LogLevel {
        let stored = self.level.load(Ordering::Relaxed);
        LEVELS.into_iter().find(|level| *level as u8 == stored).unwrap_or_default()
    }

    /// Tells whether a call may log at this level; a call without a control may log at every level.
    pub fn allows(extensions: &Extensions, level: LogLevel) -> bool {
        extensions.get::<Self>().is_none_or(|control| control.permits(level))
    }

    /// Tells whether events of this level are logged.
    pub fn permits(&self, level: LogLevel) -> bool {
        self.level.load(Ordering::Relaxed) <= level as u8
    }
}

/// Opens one span per call: `client.operation`, target [`TARGET`], at level INFO.
///
/// Its fields are the product's name, the operation's name and path template (when the request has an
/// [`OperationInfo`]), method and host, and at the end the number of attempts, status, request id and `error.type`. No
/// path, query, header or body is among them. `otel.kind` and `otel.status_code` are for `tracing-opentelemetry`.
///
/// Each call is one event besides: at level ERROR when it ends with an error or a status of 400 or more, else at level
/// INFO, with product, operation, status, attempts, elapsed milliseconds, request id and `error.type`. A [`LogControl`]
/// can suppress all of it, and [`LogControl::calls`] writes other fields.
///
/// Alone it counts one attempt; a [`RetryLayer`](super::RetryLayer) below it counts the others.
///
/// It fits over services of any body, such as a `hyper_util` client:
///
/// ```
/// use std::sync::Arc;
///
/// use skyflow_http::SystemClock;
/// use skyflow_http::layers::OperationTraceLayer;
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// // Replaces a client whose bodies are strings.
/// let client = tower::service_fn(|request: http::Request<String>| async move {
///     Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
/// });
/// let traced = OperationTraceLayer::new(SystemClock::shared()).layer(client);
/// let response = traced.oneshot(http::Request::post("https://api.example/echo").body("hello".to_owned())?).await?;
/// assert_eq!(response.body(), "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct OperationTraceLayer {
    clock: Arc<dyn Clock>,
    log: LogControl,
}

impl OperationTraceLayer {
    /// Measures elapsed times with `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, log: LogControl::default() }
    }

    /// Obeys a level that can be changed while the stack is in use.
    pub fn log_control(mut self, log: LogControl) -> Self {
        self.log = log;
        self
    }
}

/// Opens one span per attempt: `client.attempt`, target [`TARGET`], at level DEBUG, with method, host, path template,
/// status, request id and `error.type`.
///
/// The event `finished` at its end has `ok` and `elapsed_us`, a number. It belongs below the retry layer:
///
/// ```
/// use skyflow_http::layers::{AttemptTraceLayer, OperationTraceLayer, RetryLayer};
/// use skyflow_http::{Body, BoxError, Request, Response, SystemClock};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let clock = SystemClock::shared();
/// let stack = ServiceBuilder::new()
///     .layer(OperationTraceLayer::new(clock.clone()))
///     .layer(RetryLayer::new(clock.clone()))
///     .layer(AttemptTraceLayer::new(clock))
///     .service(tower::service_fn(|_: Request| async { Ok::<_, BoxError>(Response::new(Body::empty())) }));
/// stack.oneshot(http::Request::get("https://api.example/").body(Body::empty())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AttemptTraceLayer {
    clock: Arc<dyn Clock>,
    log: LogControl,
}

impl AttemptTraceLayer {
    /// Measures elapsed times with `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, log: LogControl::default() }
    }

    /// Obeys a level that can be changed while the stack is in use, and names its product.
    pub fn log_control(mut self, log: LogControl) -> Self {
        self.log = log;
        self
    }
}

impl<S> Layer<S> for OperationTraceLayer {
    type Service = OperationTrace<S>;

    fn layer(&self, inner: S) -> OperationTrace<S> {
        OperationTrace { inner, clock: Arc::clone(&self.clock), log: self.log.clone() }
    }
}

impl<S> Layer<S> for AttemptTraceLayer {
    type Service = AttemptTrace<S>;

    fn layer(&self, inner: S) -> AttemptTrace<S> {
        AttemptTrace { inner, clock: Arc::clone(&self.clock), log: self.log.clone() }
    }
}

/// The service of [`OperationTraceLayer`].
#[derive(Debug, Clone)]
pub struct OperationTrace<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    log: LogControl,
}

/// The service of [`AttemptTraceLayer`].
#[derive(Debug, Clone)]
pub struct AttemptTrace<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    log: LogControl,
}

/// Tells whether nothing listens at any level, so that a call need not look at its request.
fn is_silent() -> bool {
    LevelFilter::current() == LevelFilter::OFF
}

/// Returns name and path template of the operation.
fn names<B>(request: &http::Request<B>) -> (Option<&'static str>, Option<&'static str>) {
    OperationInfo::of(request.extensions()).map(|info| (info.name, info.path_template)).unzip()
}

impl<S, B, R> Service<http::Request<B>> for OperationTrace<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Error: Into<BoxError>,
{
    type Response = http::Response<R>;
    type Error = BoxError;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        if is_silent() {
            return TraceFuture::silent(self.inner.call(request));
        }
        let (operation, route) = names(&request);
        if !self.log.permits(LogLevel::Debug) {
            request.extensions_mut().insert(self.log.clone());
        }
        let subject = CallContext::of(request.extensions()).and_then(|call| call.subject.as_ref());
        let span = if self.log.permits(LogLevel::Info) {
            self.log.calls.span(&CallStart {
                names: self.log.names(operation, subject),
                route,
                method: request.method().as_str(),
                host: request.uri().host(),
            })
        } else {
            Span::none()
        };
        let logs_failure = self.log.permits(LogLevel::Error);
        let logs = logs_failure && tracing::enabled!(target: TARGET, Level::ERROR);
        let report = if logs || !span.is_disabled() {
            let (log, subject) = (self.log.clone(), subject.cloned());
            let (logs_success, progress) =
                (log.permits(LogLevel::Info), Progress::of(request.extensions_mut()));
            let call = CallReport { log, operation, subject, logs_success, logs_failure, progress };
            Report::Call(Box::new(call))
        } else {
            Report::Nothing
        };
        TraceFuture::new(span, &self.clock, report, |span| span.in_scope(|| self.inner.call(request)))
    }
}

impl<S, B, R> Service<http::Request<B>> for AttemptTrace<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Error: Into<BoxError>,
{
    type Response = http::Response<R>;
    type Error = BoxError;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if is_silent()
            || !self.log.permits(LogLevel::Debug)
            || !LogControl::allows(request.extensions(), LogLevel::Debug)
        {
            return TraceFuture::silent(self.inner.call(request));
        }
        let (operation, route) = names(&request);
        let span = tracing::debug_span!(
            target: TARGET,
            "client.attempt",
            product = self.log.product(),
            operation,
            http.request.method = request.method().as_str(),
            server.address = request.uri().host(),
            http.route = route,
            http.response.status_code = Empty,
            request_id = Empty,
            error.type = Empty,
        );
        TraceFuture::new(span, &self.clock, Report::Attempt, |span| {
            span.in_scope(|| self.inner.call(request))
        })
    }
}

pin_project! {
    /// The future of a service inside a span.
    pub struct TraceFuture<F> {
        #[pin]
        inner: F,
        span: Span,
        watch: Option<(Arc<dyn Clock>, Instant)>,
        report: Report,
    }
}

/// Chooses the event at the end, besides the fields of the span.
enum Report {
    Nothing,
    Attempt,
    Call(Box<CallReport>),
}

struct CallReport {
    log: LogControl,
    operation: Option<&'static str>,
    subject: Option<CallSubject>,
    logs_success: bool,
    logs_failure: bool,
    progress: Progress,
}

impl<F> TraceFuture<F> {
    /// Hands the result on and notes nothing.
    fn silent(inner: F) -> Self {
        Self { inner, span: Span::none(), watch: None, report: Report::Nothing }
    }

    fn new(span: Span, clock: &Arc<dyn Clock>, report: Report, call: impl FnOnce(&Span) -> F) -> Self {
        let watched = !span.is_disabled() || matches!(report, Report::Call(_));
        let watch = watched.then(|| (Arc::clone(clock), clock.monotonic()));
        Self { inner: call(&span), span, watch, report }
    }
}

impl<F, R, E> Future for TraceFuture<F>
where
    F: Future<Output = Result<http::Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<http::Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let Poll::Ready(result) = this.inner.poll(cx) else { return Poll::Pending };
        let result = result.map_err(Into::into);
        if let Some((clock, started)) = this.watch.take() {
            let elapsed = clock.monotonic().saturating_duration_since(started);
            let status = result.as_ref().ok().map(http::Response::status);
            let request_id = result.as_ref().ok().and_then(|response| crate::request_id(response.headers()));
            let end = End {
                status: status.as_ref(),
                request_id: request_id.as_ref().map(RequestId::as_str),
                error_type: match &result {
                    Ok(_) => status.as_ref().filter(|status| is_failure(**status)).map(StatusCode::as_str),
                    Err(error) => Some(error_type(&**error)),
                },
            };
            end.record(this.span);
            match this.report {
                Report::Nothing => {}
                Report::Attempt => {
                    let elapsed_us = whole(elapsed.as_micros());
                    tracing::debug!(target: TARGET, ok = result.is_ok(), elapsed_us, "finished");
                }
                Report::Call(call) => {
                    let sent = result.as_ref().err().is_none_or(|error| is_sent(&**error));
                    let attempts = call.progress.attempts_of(sent);
                    this.span.record("attempts", attempts);
                    call.log(attempts, elapsed, end);
                }
            }
        }
        Poll::Ready(result)
    }
}

/// How a call or an attempt has ended.
#[derive(Clone, Copy)]
struct End<'a> {
    status: Option<&'a StatusCode>,
    request_id: Option<&'a str>,
    /// The status of 400 or more, or a name for the error; `None` for a success.
    error_type: Option<&'a str>,
}

impl End<'_> {
    /// Fields that the span does not declare are left out.
    fn record(self, span: &Span) {
        if let Some(status) = self.status {
            span.record("http.response.status_code", status.as_u16());
            span.record("db.response.status_code", status.as_str());
        }
        if let Some(id) = self.request_id {
            span.record("request_id", display(id));
        }
        if let Some(error_type) = self.error_type {
            span.record("error.type", error_type);
            span.record("otel.status_code", "ERROR");
        }
    }
}

impl CallReport {
    fn log(&self, attempts: u32, elapsed: Duration, end: End<'_>) {
        let logs = if end.error_type.is_some() { self.logs_failure } else { self.logs_success };
        if logs {
            self.log.calls.event(&CallEnd {
                names: self.log.names(self.operation, self.subject.as_ref()),
                status: end.status.map(StatusCode::as_u16),
                attempts,
                elapsed,
                request_id: end.request_id,
                error_type: end.error_type,
            });
        }
    }
}

/// Tells whether a call with this error was sent, as far as the error says.
fn is_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    let waited = Error::find(error)
        .is_some_and(|error| error.kind() == ErrorKind::DeadlineExceeded && !error.may_have_been_applied());
    !waited && TokenError::find(error).is_none()
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::ManualClock;

    #[tokio::test]
    async fn trace_layers_call_only_a_ready_service() {
        probe::assert_respects_readiness(OperationTraceLayer::new(Arc::new(ManualClock::new()))).await;
        probe::assert_respects_readiness(AttemptTraceLayer::new(Arc::new(ManualClock::new()))).await;
    }

    #[test]
    fn log_level_permits_itself_and_higher_levels() {
        let control = LogControl::new(LogLevel::Info);
        let shared = control.clone();
        assert!(
            !shared.permits(LogLevel::Debug)
                && shared.permits(LogLevel::Info)
                && shared.permits(LogLevel::Warn)
        );
        control.set(LogLevel::Off);
        assert_eq!(shared.level(), LogLevel::Off);
        assert!(!shared.permits(LogLevel::Error));
        assert!(LogControl::allows(&Extensions::new(), LogLevel::Debug));
    }
}
