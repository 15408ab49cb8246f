use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use skyflow_types::{LogLevel, RequestId};
use tower_layer::Layer;
use tower_service::Service;
use tracing::field::{Empty, display};
use tracing::{Level, Span};

use crate::{BoxError, Clock, Error, LogControl, OperationInfo, Progress, Request, Response};

/// The target of the events of this crate: neutral, because the layers serve more than one product.
pub(crate) const TARGET: &str = "rest_client";

/// Opens one span per call: `skyflow.operation`, at level INFO.
///
/// Its fields are the operation's name, the path template, and at the end the number of attempts, status, request id
/// and error kind. No URL, header or body is among them.
///
/// Each call is one event besides: at level ERROR when it ends with an error or a status of 400 or more, else at level
/// INFO, with operation, status, attempts, elapsed milliseconds and request id. A [`LogControl`] can hold all of it back.
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
        let level = self.log.level();
        if !self.log.permits(LogLevel::Debug) {
            request.extensions_mut().insert(self.log.clone());
        }
        let span = if self.log.permits(LogLevel::Info) {
            tracing::info_span!(
                "skyflow.operation",
                operation,
                http.route = path,
                attempts = Empty,
                http.response.status_code = Empty,
                request_id = Empty,
                error.kind = Empty,
            )
        } else {
            Span::none()
        };
        let says = level < LogLevel::Off && tracing::enabled!(target: TARGET, Level::ERROR);
        let report = if says || !span.is_disabled() {
            Report::Call { operation, level, progress: Progress::of(request.extensions_mut()) }
        } else {
            Report::Nothing
        };
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
            return TraceFuture::new(Span::none(), &self.clock, Report::Nothing, |_| {
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

/// What is logged at the end, besides the fields of the span.
enum Report {
    Nothing,
    Attempt,
    Call { operation: &'static str, level: LogLevel, progress: Progress },
}

impl<F> TraceFuture<F> {
    fn new(span: Span, clock: &Arc<dyn Clock>, report: Report, call: impl FnOnce(&Span) -> F) -> Self {
        let watched = !span.is_disabled() || matches!(report, Report::Call { .. });
        let watch = watched.then(|| (Arc::clone(clock), clock.monotonic()));
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
            let elapsed = clock.monotonic().saturating_duration_since(started);
            record(this.span, &result);
            match this.report {
                Report::Nothing => {}
                Report::Attempt => {
                    tracing::debug!(ok = result.is_ok(), elapsed_us = whole(elapsed.as_micros()), "finished");
                }
                Report::Call { operation, level, progress } => {
                    this.span.record("attempts", progress.attempts());
                    log_call(operation, *level, progress.attempts(), whole(elapsed.as_millis()), &result);
                }
            }
        }
        Poll::Ready(result)
    }
}

/// A 128-bit number would be logged as text.
fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn log_call(
    operation: &'static str,
    level: LogLevel,
    attempts: u32,
    elapsed_ms: u64,
    result: &Result<Response, BoxError>,
) {
    match result {
        Ok(response) => {
            let status = response.status();
            let failed = status.is_client_error() || status.is_server_error();
            let status = status.as_u16();
            let request_id = response.extensions().get::<RequestId>().map(RequestId::as_str);
            if failed && level <= LogLevel::Error {
                tracing::error!(
                    target: TARGET, operation, status, attempts, elapsed_ms, request_id, "call failed"
                );
            } else if !failed && level <= LogLevel::Info {
                tracing::info!(
                    target: TARGET, operation, status, attempts, elapsed_ms, request_id, "call finished"
                );
            }
        }
        Err(error) if level <= LogLevel::Error => {
            // Errors of other crates may quote what they failed on, so only kinds of this crate are named.
            let kind = Error::find(&**error).map(|error| tracing::field::debug(error.kind()));
            tracing::error!(target: TARGET, operation, attempts, elapsed_ms, error.kind = kind, "call failed");
        }
        Err(_) => {}
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
