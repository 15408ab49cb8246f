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

use crate::auth::TokenError;
use crate::{BoxError, Clock, Error, LogControl, OperationInfo, Progress, TARGET};

/// Opens one span per call: `client.operation`, target [`TARGET`], at level INFO.
///
/// Its fields are the product's name, the operation's name and path template (when the request has an
/// [`OperationInfo`]), method and host, and at the end the number of attempts, status, request id and error kind. No
/// path, query, header or body is among them. An operation that fails, or has a status of 400 or more, is an event at
/// level WARN. A [`LogControl`] can hold all of it back.
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
/// // Stands for a client whose bodies are strings.
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
/// status, request id and error kind.
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

/// Returns name and path template of the operation.
fn names<B>(request: &http::Request<B>) -> (Option<&'static str>, Option<&'static str>) {
    request.extensions().get::<OperationInfo>().map(|info| (info.name, info.path_template)).unzip()
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
        let (operation, route) = names(&request);
        let warns = self.log.permits(LogLevel::Warn);
        let warns = warns.then(|| Named { operation: operation.unwrap_or("unnamed"), log: self.log.clone() });
        if !self.log.permits(LogLevel::Debug) {
            request.extensions_mut().insert(self.log.clone());
        }
        if !self.log.permits(LogLevel::Info) {
            let report = Report { warns, ..Report::default() };
            return TraceFuture::new(Span::none(), &self.clock, report, |_| self.inner.call(request));
        }
        let span = tracing::info_span!(
            target: TARGET,
            "client.operation",
            product = self.log.product(),
            operation,
            http.route = route,
            http.request.method = request.method().as_str(),
            server.address = request.uri().host(),
            attempts = Empty,
            http.response.status_code = Empty,
            request_id = Empty,
            error.kind = Empty,
        );
        let progress = (!span.is_disabled()).then(|| Progress::of(request.extensions_mut()));
        let finished = self.log.permits(LogLevel::Debug);
        let report = Report { progress, warns, finished };
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
        if !self.log.permits(LogLevel::Debug) || !LogControl::allows(request.extensions(), LogLevel::Debug) {
            return TraceFuture::new(Span::none(), &self.clock, Report::default(), |_| {
                self.inner.call(request)
            });
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

/// What is logged at the end, besides the fields of the span.
#[derive(Default)]
struct Report {
    /// Counts the attempts.
    progress: Option<Progress>,
    /// What to name when the call fails.
    warns: Option<Named>,
    /// Whether the end itself is an event.
    finished: bool,
}

struct Named {
    operation: &'static str,
    log: LogControl,
}

impl<F> TraceFuture<F> {
    fn new(span: Span, clock: &Arc<dyn Clock>, report: Report, call: impl FnOnce(&Span) -> F) -> Self {
        let watch = (!span.is_disabled()).then(|| (Arc::clone(clock), clock.monotonic()));
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
            if let Some(progress) = &this.report.progress {
                let sent = result.as_ref().err().is_none_or(|error| TokenError::find(&**error).is_none());
                this.span.record("attempts", progress.attempts_of(sent));
            }
            record(this.span, &result);
            if this.report.finished {
                let elapsed = clock.monotonic().saturating_duration_since(started);
                tracing::debug!(
                    target: TARGET,
                    ok = result.is_ok(),
                    elapsed_us = elapsed.as_micros(),
                    "finished"
                );
            }
        }
        if let Some(named) = &this.report.warns {
            named.warn_of(&result);
        }
        Poll::Ready(result)
    }
}

impl Named {
    fn warn_of<R>(&self, result: &Result<http::Response<R>, BoxError>) {
        let (operation, product) = (self.operation, self.log.product());
        match result {
            Ok(response) if !response.status().is_client_error() && !response.status().is_server_error() => {}
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(target: TARGET, product, operation, status, "the server refused");
            }
            Err(error) => match Error::find(&**error) {
                Some(error) => {
                    tracing::warn!(target: TARGET, product, operation, kind = ?error.kind(), "no response");
                }
                None => tracing::warn!(target: TARGET, product, operation, "no response"),
            },
        }
    }
}

fn record<R>(span: &Span, result: &Result<http::Response<R>, BoxError>) {
    match result {
        Ok(response) => {
            span.record("http.response.status_code", response.status().as_u16());
            let known = response.extensions().get::<RequestId>().cloned();
            if let Some(id) = known.or_else(|| crate::request_id(response.headers())) {
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
