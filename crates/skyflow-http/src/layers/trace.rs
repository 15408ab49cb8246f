use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use skyflow_types::{LogLevel, RequestId};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Span;
use tracing::field::{Empty, display};

use crate::{BoxError, Clock, Error, LogControl, OperationInfo, Progress, Request, Response};

/// Opens one span per call: `skyflow.operation`, at level INFO.
///
/// Its fields are the operation's name, the path template, and at the end the number of attempts, status, request id
/// and error kind. No URL, header or body is among them. An operation that ends with an error, or with a status of 400
/// or more, is an event at level WARN. A [`LogControl`] can hold all of it back.
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

/// Opens one span per attempt: `skyflow.attempt`, at level DEBUG, with method, path template, status, request id and
/// error kind.
#[derive(Debug, Clone)]
pub struct AttemptTraceLayer {
    clock: Arc<dyn Clock>,
}

impl AttemptTraceLayer {
    /// Measures elapsed times with `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
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
        AttemptTrace { inner, clock: Arc::clone(&self.clock) }
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
}

fn names(request: &Request) -> (&'static str, &'static str) {
    request
        .extensions()
        .get::<OperationInfo>()
        .map_or(("unnamed", "unnamed"), |info| (info.name, info.path_template))
}

impl<S> Service<Request> for OperationTrace<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = BoxError;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (operation, path) = names(&request);
        let warns = self.log.permits(LogLevel::Warn);
        if !self.log.permits(LogLevel::Debug) {
            request.extensions_mut().insert(self.log.clone());
        }
        if !self.log.permits(LogLevel::Info) {
            let report = Report { warns: warns.then_some(operation), ..Report::default() };
            return TraceFuture::new(Span::none(), &self.clock, report, |_| self.inner.call(request));
        }
        let span = tracing::info_span!(
            "skyflow.operation",
            operation,
            http.route = path,
            attempts = Empty,
            http.response.status_code = Empty,
            request_id = Empty,
            error.kind = Empty,
        );
        let progress = (!span.is_disabled()).then(|| Progress::of(request.extensions_mut()));
        let finished = self.log.permits(LogLevel::Debug);
        let report = Report { progress, warns: Some(operation), finished };
        TraceFuture::new(span, &self.clock, report, |span| span.in_scope(|| self.inner.call(request)))
    }
}

impl<S> Service<Request> for AttemptTrace<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = BoxError;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if !LogControl::allows(request.extensions(), LogLevel::Debug) {
            return TraceFuture::new(Span::none(), &self.clock, Report::default(), |_| {
                self.inner.call(request)
            });
        }
        let (operation, path) = names(&request);
        let span = tracing::debug_span!(
            "skyflow.attempt",
            operation,
            http.request.method = request.method().as_str(),
            http.route = path,
            http.response.status_code = Empty,
            request_id = Empty,
            error.kind = Empty,
        );
        let report = Report { finished: true, ..Report::default() };
        TraceFuture::new(span, &self.clock, report, |span| span.in_scope(|| self.inner.call(request)))
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

/// What is said at the end, besides the fields of the span.
#[derive(Default)]
struct Report {
    /// Counts the attempts.
    progress: Option<Progress>,
    /// The operation to name when it fails.
    warns: Option<&'static str>,
    /// Whether the end itself is an event.
    finished: bool,
}

impl<F> TraceFuture<F> {
    fn new(span: Span, clock: &Arc<dyn Clock>, report: Report, call: impl FnOnce(&Span) -> F) -> Self {
        let watch = (!span.is_disabled()).then(|| (Arc::clone(clock), clock.monotonic()));
        Self { inner: call(&span), span, watch, report }
    }
}

impl<F, E> Future for TraceFuture<F>
where
    F: Future<Output = Result<Response, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.span.enter();
        let Poll::Ready(result) = this.inner.poll(cx) else { return Poll::Pending };
        let result = result.map_err(Into::into);
        if let Some((clock, started)) = this.watch.take() {
            if let Some(progress) = &this.report.progress {
                this.span.record("attempts", progress.attempts());
            }
            record(this.span, &result);
            if this.report.finished {
                let elapsed = clock.monotonic().saturating_duration_since(started);
                tracing::debug!(ok = result.is_ok(), elapsed_us = elapsed.as_micros(), "finished");
            }
        }
        if let Some(operation) = this.report.warns {
            warn_of(operation, &result);
        }
        Poll::Ready(result)
    }
}

fn warn_of(operation: &'static str, result: &Result<Response, BoxError>) {
    match result {
        Ok(answer) if !answer.status().is_client_error() && !answer.status().is_server_error() => {}
        Ok(answer) => tracing::warn!(operation, status = answer.status().as_u16(), "the server refused"),
        Err(error) => match Error::find(&**error) {
            Some(error) => tracing::warn!(operation, kind = ?error.kind(), "no answer"),
            None => tracing::warn!(operation, "no answer"),
        },
    }
}

fn record(span: &Span, result: &Result<Response, BoxError>) {
    match result {
        Ok(answer) => {
            span.record("http.response.status_code", answer.status().as_u16());
            if let Some(id) = answer.extensions().get::<RequestId>() {
                span.record("request_id", display(id));
            }
        }
        Err(error) => {
            // Foreign errors may quote what they failed on, so only kinds of our own are named.
            match Error::find(&**error) {
                Some(error) => span.record("error.kind", tracing::field::debug(error.kind())),
                None => span.record("error.kind", "other"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::ManualClock;

    #[tokio::test]
    async fn it_never_calls_a_service_that_is_not_ready() {
        probe::assert_respects_readiness(OperationTraceLayer::new(Arc::new(ManualClock::new()))).await;
        probe::assert_respects_readiness(AttemptTraceLayer::new(Arc::new(ManualClock::new()))).await;
    }
}
