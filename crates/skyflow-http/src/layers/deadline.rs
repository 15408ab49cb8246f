use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use super::timer::{Limit, TimerFuture};
use crate::{BoxError, CallOptions, Clock, Deadline, ErrorKind, Progress, Request, Response};

/// Ends a call when its total time is over: attempts, pauses between them and token exchanges included.
///
/// [`CallOptions::deadline`] overrides the total per call. The instant travels in the extensions as [`Deadline`], so
/// that the layers below do not start what cannot end in time.
#[derive(Debug, Clone)]
pub struct DeadlineLayer {
    total: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl DeadlineLayer {
    /// Gives every call `total` time.
    pub fn new(total: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { total: Some(total), clock }
    }

    /// Sets no time of its own, but obeys [`CallOptions::deadline`].
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self { total: None, clock }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = WithDeadline<S>;

    fn layer(&self, inner: S) -> WithDeadline<S> {
        WithDeadline { inner, layer: self.clone() }
    }
}

/// The service of [`DeadlineLayer`].
#[derive(Debug, Clone)]
pub struct WithDeadline<S> {
    inner: S,
    layer: DeadlineLayer,
}

impl<S> Service<Request> for WithDeadline<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = BoxError;
    type Future = TimerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let extensions = request.extensions_mut();
        let total =
            extensions.get::<CallOptions>().copied().unwrap_or_default().deadline.or(self.layer.total);
        let limit = total.and_then(|after| {
            let at = self.layer.clock.monotonic().checked_add(after)?;
            extensions.insert(Deadline(at));
            Some(Limit {
                clock: Arc::clone(&self.layer.clock),
                after,
                kind: ErrorKind::DeadlineExceeded,
                progress: Some(Progress::of(extensions)),
            })
        });
        TimerFuture::new(self.inner.call(request), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::{Body, Error, ManualClock};
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_call_ends_at_its_deadline_and_says_that_nothing_was_sent() {
        let clock = ManualClock::auto_advancing();
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(clock.clone()));
        let error = layer.layer(probe::hanging()).oneshot(probe::request()).await.unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert!(!error.may_have_been_applied());
        assert_eq!(clock.slept(), [Duration::from_secs(60)]);
    }

    #[tokio::test]
    async fn a_call_overrides_or_drops_the_deadline() {
        let clock = ManualClock::auto_advancing();
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(clock.clone()));
        let mut request = probe::request();
        request.extensions_mut().insert(CallOptions::new().deadline(Duration::from_secs(1)));
        layer.layer(probe::hanging()).oneshot(request).await.unwrap_err();
        assert_eq!(clock.slept(), [Duration::from_secs(1)]);

        let mut request = probe::request();
        request.extensions_mut().insert(CallOptions::new().no_deadline());
        let seen = tower::service_fn(|request: Request| async move {
            assert!(request.extensions().get::<Deadline>().is_none());
            Ok::<_, BoxError>(Response::new(Body::empty()))
        });
        layer.layer(seen).oneshot(request).await.unwrap();
    }

    #[tokio::test]
    async fn it_never_calls_a_service_that_is_not_ready() {
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(ManualClock::new()));
        probe::assert_respects_readiness(layer).await;
    }
}
