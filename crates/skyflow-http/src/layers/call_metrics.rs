//! The layers that measure calls and attempts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::metrics::{Attempt, CallMetrics};
use crate::progress::Outcome;
use crate::{BoxError, CallContext, CallSubject, Clock, Progress, Request, Response};

/// Measures each call, and the attempts that an [`AttemptMetricsLayer`] below it sees.
#[derive(Debug, Clone)]
pub(crate) struct CallMetricsLayer {
    pub(crate) metrics: CallMetrics,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Measures each attempt. It sits below the auth layer and above the attempt timeout.
#[derive(Debug, Clone)]
pub(crate) struct AttemptMetricsLayer {
    pub(crate) metrics: CallMetrics,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Debug, Clone)]
pub(crate) struct Measured<S, L> {
    inner: S,
    layer: L,
}

impl<S> Layer<S> for CallMetricsLayer {
    type Service = Measured<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured { inner, layer: self.clone() }
    }
}

impl<S> Layer<S> for AttemptMetricsLayer {
    type Service = Measured<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured { inner, layer: self.clone() }
    }
}

/// Begins to measure a request.
pub(crate) trait Measures {
    type Watch: Watch;

    fn begin(&self, request: &mut Request) -> (Self::Watch, &Arc<dyn Clock>);
}

/// Notes the end of what is measured.
pub(crate) trait Watch {
    fn end(&mut self, outcome: Outcome, seconds: f64);
}

pub(crate) struct CallWatch {
    layer: CallMetricsLayer,
    operation: Option<&'static str>,
    subject: Option<CallSubject>,
}

pub(crate) struct AttemptWatch {
    attempt: Attempt,
    progress: Progress,
}

impl Measures for CallMetricsLayer {
    type Watch = CallWatch;

    fn begin(&self, request: &mut Request) -> (CallWatch, &Arc<dyn Clock>) {
        let call = CallContext::of(request.extensions());
        let operation = call.and_then(|call| call.operation).map(|info| info.name);
        let subject = call.and_then(|call| call.subject.clone());
        (CallWatch { layer: self.clone(), operation, subject }, &self.clock)
    }
}

impl Measures for AttemptMetricsLayer {
    type Watch = AttemptWatch;

    fn begin(&self, request: &mut Request) -> (AttemptWatch, &Arc<dyn Clock>) {
        let call = CallContext::of_mut(request.extensions_mut());
        let (info, progress) = (call.operation, call.progress.clone());
        if let Some(cause) = progress.take_failure() {
            self.metrics.retried(info.map(|info| info.name), cause);
        }
        let template = info.map(|info| info.path_template);
        let attempt = Attempt::begin(request.method(), request.uri().host(), template);
        (AttemptWatch { attempt, progress }, &self.clock)
    }
}

impl Watch for CallWatch {
    fn end(&mut self, outcome: Outcome, seconds: f64) {
        let CallMetricsLayer { metrics, namespace, .. } = &self.layer;
        metrics.called(namespace.as_ref(), self.operation, self.subject.as_ref(), outcome, seconds);
    }
}

impl Watch for AttemptWatch {
    fn end(&mut self, outcome: Outcome, seconds: f64) {
        self.attempt.end(outcome, seconds);
        if outcome.is_failure() {
            self.progress.note_failure(outcome);
        }
    }
}

impl<S, L> Service<Request> for Measured<S, L>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
    L: Measures,
{
    type Response = Response;
    type Error = BoxError;
    type Future = MeasuredFuture<S::Future, L::Watch>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (watch, clock) = self.layer.begin(&mut request);
        let running = Running { watch, clock: Arc::clone(clock), since: clock.monotonic(), has_ended: false };
        MeasuredFuture { inner: self.inner.call(request), running }
    }
}

pin_project! {
    pub(crate) struct MeasuredFuture<F, W: Watch> {
        #[pin]
        inner: F,
        running: Running<W>,
    }
}

/// What is measured until it ends, or until its caller drops it.
struct Running<W: Watch> {
    watch: W,
    clock: Arc<dyn Clock>,
    since: Instant,
    has_ended: bool,
}

impl<W: Watch> Running<W> {
    fn end(&mut self, outcome: Outcome) {
        self.has_ended = true;
        let elapsed = self.clock.monotonic().saturating_duration_since(self.since);
        self.watch.end(outcome, elapsed.as_secs_f64());
    }
}

impl<W: Watch> Drop for Running<W> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(Outcome::CANCELLED);
        }
    }
}

impl<F, W, E> Future for MeasuredFuture<F, W>
where
    F: Future<Output = Result<Response, E>>,
    E: Into<BoxError>,
    W: Watch,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(result) = this.inner.poll(cx) else { return Poll::Pending };
        let result = result.map_err(Into::into);
        this.running.end(match &result {
            Ok(response) => Outcome::Responded(response.status()),
            Err(error) => Outcome::of_error(&**error),
        });
        Poll::Ready(result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::ManualClock;

    #[tokio::test]
    async fn metrics_layers_call_only_a_ready_service() {
        let (metrics, clock) = (CallMetrics::new("acme"), Arc::new(ManualClock::new()) as Arc<dyn Clock>);
        let attempts = AttemptMetricsLayer { metrics, clock: Arc::clone(&clock) };
        probe::assert_respects_readiness(attempts).await;
        probe::assert_respects_readiness(CallMetricsLayer { metrics, namespace: None, clock }).await;
    }
}
