use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use super::timer::{Limit, TimerFuture};
use crate::{BoxError, CallOptions, Clock, Deadline, ErrorKind, Progress, Request, Response};

/// Ends one attempt when its time is over, so that a retry can follow within the deadline.
///
/// [`CallOptions::attempt_timeout`] overrides the time per call. What is left of a [`Deadline`] caps it.
#[derive(Debug, Clone)]
pub struct AttemptTimeoutLayer {
    limit: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl AttemptTimeoutLayer {
    /// Gives every attempt `limit` time.
    pub fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { limit: Some(limit), clock }
    }

    /// Sets no time of its own, but obeys [`CallOptions::attempt_timeout`] and the deadline.
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self { limit: None, clock }
    }

    fn limit_for(&self, request: &mut Request) -> Option<Limit> {
        let extensions = request.extensions_mut();
        let own = extensions.get::<CallOptions>().copied().unwrap_or_default().attempt_timeout.or(self.limit);
        let left = extensions
            .get::<Deadline>()
            .map(|Deadline(at)| at.saturating_duration_since(self.clock.monotonic()));
        let (after, kind) = match (own, left) {
            (Some(own), Some(left)) if left < own => (left, ErrorKind::DeadlineExceeded),
            (Some(own), _) => (own, ErrorKind::AttemptTimeout),
            (None, Some(left)) => (left, ErrorKind::DeadlineExceeded),
            (None, None) => return None,
        };
        let progress = (kind == ErrorKind::DeadlineExceeded).then(|| Progress::of(extensions));
        Some(Limit { clock: Arc::clone(&self.clock), after, kind, progress })
    }
}

impl<S> Layer<S> for AttemptTimeoutLayer {
    type Service = AttemptTimeout<S>;

    fn layer(&self, inner: S) -> AttemptTimeout<S> {
        AttemptTimeout { inner, layer: self.clone() }
    }
}

/// The service of [`AttemptTimeoutLayer`].
#[derive(Debug, Clone)]
pub struct AttemptTimeout<S> {
    inner: S,
    layer: AttemptTimeoutLayer,
}

impl<S> Service<Request> for AttemptTimeout<S>
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
        let limit = self.layer.limit_for(&mut request);
        TimerFuture::new(self.inner.call(request), limit)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::Error;
    use crate::ManualClock;
    use tower::ServiceExt;

    async fn kind_with(options: CallOptions, left: Option<u64>) -> (ErrorKind, Vec<Duration>) {
        let clock = ManualClock::auto_advancing();
        let mut request = probe::request();
        request.extensions_mut().insert(options);
        if let Some(seconds) = left {
            let at = clock.monotonic() + Duration::from_secs(seconds);
            request.extensions_mut().insert(Deadline(at));
        }
        let layer = AttemptTimeoutLayer::new(Duration::from_secs(30), Arc::new(clock.clone()));
        let error = layer.layer(probe::hanging()).oneshot(request).await.unwrap_err();
        (error.downcast::<Error>().unwrap().kind(), clock.slept())
    }

    #[tokio::test]
    async fn the_shorter_of_attempt_time_and_deadline_ends_the_attempt() {
        let second = Duration::from_secs;
        assert_eq!(kind_with(CallOptions::new(), None).await, (ErrorKind::AttemptTimeout, vec![second(30)]));
        assert_eq!(
            kind_with(CallOptions::new(), Some(5)).await,
            (ErrorKind::DeadlineExceeded, vec![second(5)])
        );
        assert_eq!(
            kind_with(CallOptions::new(), Some(40)).await,
            (ErrorKind::AttemptTimeout, vec![second(30)])
        );
        let own = CallOptions::new().attempt_timeout(second(2));
        assert_eq!(kind_with(own, Some(40)).await, (ErrorKind::AttemptTimeout, vec![second(2)]));
        let off = CallOptions::new().no_attempt_timeout();
        assert_eq!(kind_with(off, Some(40)).await, (ErrorKind::DeadlineExceeded, vec![second(40)]));
    }

    #[tokio::test]
    async fn it_never_calls_a_service_that_is_not_ready() {
        let layer = AttemptTimeoutLayer::new(Duration::from_secs(30), Arc::new(ManualClock::new()));
        probe::assert_respects_readiness(layer).await;
    }
}
