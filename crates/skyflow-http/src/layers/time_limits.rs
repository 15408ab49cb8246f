//! The time limits of a call and of an attempt, and the future that obeys them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::Body as _;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

#[cfg(doc)]
use crate::CallOptions;
use crate::clock::Sleep;
use crate::{BoxError, CallContext, Clock, Error, ErrorKind, Progress, Request, Response, RetryStop};

/// How much of a request body adds one [`DeadlineLayer::body_time`] to a time limit.
const BODY_UNIT: u64 = 64 * 1024;

/// The default of the time that each 64 KiB of a request body add: enough for 0.5 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(1);

/// Returns the time that a request body adds to a limit of the client. A body of unknown length adds none.
fn body_time(request: &Request, per_unit: Duration) -> Duration {
    let units = u32::try_from(request.body().size_hint().lower() / BODY_UNIT).unwrap_or(u32::MAX);
    let of_the_call = CallContext::of(request.extensions()).and_then(|call| call.options.body_time);
    of_the_call.unwrap_or(per_unit).saturating_mul(units)
}

/// Fails a call at its deadline; attempts, pauses between them and token exchanges count.
///
/// The total grows with the request body: by 1 s for each 64 KiB, unless [`DeadlineLayer::body_time`] or
/// [`CallOptions::body_time`] says otherwise. [`CallOptions::deadline`] overrides the total per call, and is exact.
/// The instant travels in the [`CallContext`], so that the layers below do not start anything that cannot end in time.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use skyflow_http::layers::DeadlineLayer;
/// use skyflow_http::{Body, BoxError, Error, ErrorKind, ManualClock, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let never = tower::service_fn(|_: Request| std::future::pending::<Result<Response, BoxError>>());
/// // The clock moves by itself, so that the limit takes no time.
/// let limit = DeadlineLayer::new(Duration::from_secs(5), Arc::new(ManualClock::auto_advancing()));
/// let request = http::Request::get("https://api.example/").body(Body::empty())?;
/// let error = limit.layer(never).oneshot(request).await.unwrap_err();
/// assert_eq!(Error::find(&*error).map(Error::kind), Some(ErrorKind::DeadlineExceeded));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct DeadlineLayer {
    total: Option<Duration>,
    body_time: Duration,
    clock: Arc<dyn Clock>,
}

impl DeadlineLayer {
    /// Gives every call `total` time.
    pub fn new(total: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { total: Some(total), body_time: BODY_TIME, clock }
    }

    /// Sets no deadline by default, but obeys [`CallOptions::deadline`].
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self { total: None, body_time: BODY_TIME, clock }
    }

    /// Sets the time that each 64 KiB of the request body add to the total; zero adds none.
    pub fn body_time(mut self, per_64_kib: Duration) -> Self {
        self.body_time = per_64_kib;
        self
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
        let grown =
            self.layer.total.map(|total| total.saturating_add(body_time(&request, self.layer.body_time)));
        let call = CallContext::of_mut(request.extensions_mut());
        let limit = call.options.deadline.or(grown).and_then(|after| {
            call.deadline = Some(self.layer.clock.monotonic().checked_add(after)?);
            let progress = Some(call.progress.clone());
            Some(Limit { clock: Arc::clone(&self.layer.clock), after, progress })
        });
        TimerFuture::new(self.inner.call(request), limit)
    }
}

/// Fails one attempt after its time limit, so that a retry can follow within the deadline.
///
/// The time grows with the request body as that of [`DeadlineLayer`] does. [`CallOptions::attempt_timeout`] overrides
/// it per call, and is exact. What is left of the deadline of a [`CallContext`] caps it.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use skyflow_http::layers::AttemptTimeoutLayer;
/// use skyflow_http::{Body, BoxError, Error, ErrorKind, ManualClock, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let never = tower::service_fn(|_: Request| std::future::pending::<Result<Response, BoxError>>());
/// // The clock moves by itself, so that the limit takes no time.
/// let limit = AttemptTimeoutLayer::new(Duration::from_secs(5), Arc::new(ManualClock::auto_advancing()));
/// let request = http::Request::get("https://api.example/").body(Body::empty())?;
/// let error = limit.layer(never).oneshot(request).await.unwrap_err();
/// assert_eq!(Error::find(&*error).map(Error::kind), Some(ErrorKind::AttemptTimeout));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AttemptTimeoutLayer {
    limit: Option<Duration>,
    body_time: Duration,
    clock: Arc<dyn Clock>,
}

impl AttemptTimeoutLayer {
    /// Gives every attempt `limit` time.
    pub fn new(limit: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { limit: Some(limit), body_time: BODY_TIME, clock }
    }

    /// Sets no limit by default, but obeys [`CallOptions::attempt_timeout`] and the deadline.
    pub fn unlimited(clock: Arc<dyn Clock>) -> Self {
        Self { limit: None, body_time: BODY_TIME, clock }
    }

    /// Sets the time that each 64 KiB of the request body add to the limit; zero adds none.
    pub fn body_time(mut self, per_64_kib: Duration) -> Self {
        self.body_time = per_64_kib;
        self
    }

    fn limit_for(&self, request: &mut Request) -> Option<Limit> {
        let grown = self.limit.map(|limit| limit.saturating_add(body_time(request, self.body_time)));
        let call = CallContext::of_mut(request.extensions_mut());
        let own = call.options.attempt_timeout.or(grown);
        let left = call.deadline.map(|at| at.saturating_duration_since(self.clock.monotonic()));
        let (after, progress) = match (own, left) {
            (Some(own), Some(left)) if left < own => (left, Some(call.progress.clone())),
            (Some(own), _) => (own, None),
            (None, Some(left)) => (left, Some(call.progress.clone())),
            (None, None) => return None,
        };
        Some(Limit { clock: Arc::clone(&self.clock), after, progress })
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

/// A running time limit.
struct Limit {
    clock: Arc<dyn Clock>,
    after: Duration,
    /// The progress of the call whose deadline this is; `None` when it is the limit of one attempt.
    progress: Option<Progress>,
}

pin_project! {
    /// The future of a service under a time limit.
    ///
    /// The timer starts when the inner future has to wait for the first time, so a response that is available at once
    /// costs none.
    pub struct TimerFuture<F> {
        #[pin]
        inner: F,
        limit: Option<Limit>,
        sleep: Option<Sleep>,
    }
}

impl<F> TimerFuture<F> {
    fn new(inner: F, limit: Option<Limit>) -> Self {
        Self { inner, limit, sleep: None }
    }
}

impl<F, E> Future for TimerFuture<F>
where
    F: Future<Output = Result<Response, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(result) = this.inner.poll(cx) {
            return Poll::Ready(result.map_err(Into::into));
        }
        let Some(limit) = this.limit else { return Poll::Pending };
        let sleep = this.sleep.get_or_insert_with(|| limit.clock.sleep(limit.after));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let error = match &limit.progress {
            Some(progress) => {
                progress.stop_retrying(RetryStop::Deadline);
                Error::deadline(progress.may_have_been_applied())
            }
            None => Error::new(ErrorKind::AttemptTimeout, None),
        };
        Poll::Ready(Err(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::{Body, CallOptions, ManualClock};
    use tower::ServiceExt;

    #[tokio::test]
    async fn deadline_error_says_that_nothing_was_sent() {
        let clock = ManualClock::auto_advancing();
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(clock.clone()));
        let error = layer.layer(probe::hanging()).oneshot(probe::request()).await.unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert!(!error.may_have_been_applied());
        assert_eq!(clock.slept(), [Duration::from_secs(60)]);
    }

    #[tokio::test]
    async fn call_options_override_the_deadline() {
        let clock = ManualClock::auto_advancing();
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(clock.clone()));
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options =
            CallOptions::new().deadline(Duration::from_secs(1));
        layer.layer(probe::hanging()).oneshot(request).await.unwrap_err();
        assert_eq!(clock.slept(), [Duration::from_secs(1)]);

        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().no_deadline();
        let seen = tower::service_fn(|request: Request| async move {
            assert_eq!(CallContext::of(request.extensions()).unwrap().deadline, None);
            Ok::<_, BoxError>(Response::new(Body::empty()))
        });
        layer.layer(seen).oneshot(request).await.unwrap();
    }

    #[tokio::test]
    async fn deadline_calls_only_a_ready_service() {
        let layer = DeadlineLayer::new(Duration::from_secs(60), Arc::new(ManualClock::new()));
        probe::assert_respects_readiness(layer).await;
    }

    async fn kind_with(options: CallOptions, left: Option<u64>) -> (ErrorKind, Vec<Duration>) {
        let clock = ManualClock::auto_advancing();
        let mut request = probe::request();
        CallContext::of_mut(request.extensions_mut()).options = options;
        if let Some(seconds) = left {
            let at = clock.monotonic() + Duration::from_secs(seconds);
            CallContext::of_mut(request.extensions_mut()).deadline = Some(at);
        }
        let layer = AttemptTimeoutLayer::new(Duration::from_secs(30), Arc::new(clock.clone()));
        let error = layer.layer(probe::hanging()).oneshot(request).await.unwrap_err();
        (error.downcast::<Error>().unwrap().kind(), clock.slept())
    }

    #[tokio::test]
    async fn shorter_of_attempt_time_and_deadline_applies() {
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

    /// Returns the pauses of a deadline of 60 s and an attempt timeout of 30 s for a request of this size.
    async fn limits_for(body: Body, per_unit: Option<Duration>, options: CallOptions) -> [Duration; 2] {
        let clock = ManualClock::auto_advancing();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut deadline = DeadlineLayer::new(Duration::from_secs(60), Arc::clone(&shared));
        let mut attempt = AttemptTimeoutLayer::new(Duration::from_secs(30), shared);
        if let Some(time) = per_unit {
            (deadline, attempt) = (deadline.body_time(time), attempt.body_time(time));
        }
        let mut bodies = [body.try_clone().unwrap_or_default(), body].into_iter();
        let mut request = || {
            let mut request = probe::request();
            *request.body_mut() = bodies.next_back().unwrap();
            CallContext::of_mut(request.extensions_mut()).options = options;
            request
        };
        deadline.layer(probe::hanging()).oneshot(request()).await.unwrap_err();
        attempt.layer(probe::hanging()).oneshot(request()).await.unwrap_err();
        clock.slept().try_into().unwrap()
    }

    #[tokio::test]
    async fn limits_grow_with_each_64_kib_of_the_body() {
        let seconds = |deadline, attempt| [Duration::from_secs(deadline), Duration::from_secs(attempt)];
        let of_size = |size: usize| Body::from(vec![0; size]);
        let inherit = CallOptions::new;
        for (size, units) in [(0, 0), (65_535, 0), (65_536, 1), (131_071, 1), (131_072, 2), (52_428_800, 800)]
        {
            assert_eq!(limits_for(of_size(size), None, inherit()).await, seconds(60 + units, 30 + units));
        }
        let two = of_size(131_072);
        let time = Duration::from_secs(5);
        let copy = || two.try_clone().unwrap();
        assert_eq!(limits_for(copy(), Some(time), inherit()).await, seconds(70, 40));
        assert_eq!(limits_for(copy(), Some(Duration::ZERO), inherit()).await, seconds(60, 30));
        assert_eq!(
            limits_for(copy(), Some(time), inherit().body_time(Duration::ZERO)).await,
            seconds(60, 30)
        );
        assert_eq!(limits_for(copy(), None, inherit().body_time(time)).await, seconds(70, 40));
        let exact = inherit().deadline(Duration::from_secs(7)).attempt_timeout(Duration::from_secs(3));
        assert_eq!(limits_for(copy(), None, exact).await, seconds(7, 3));
        let reopened = Body::reopenable(|| http_body_util::Full::new(bytes::Bytes::from(vec![0; 131_072])));
        assert_eq!(limits_for(reopened, None, inherit()).await, seconds(62, 32));
    }

    #[tokio::test]
    async fn deadline_ends_only_longer_attempts() {
        let second = Duration::from_secs;
        // At the border both end at the same instant, and another attempt could not start.
        for (left, kind) in [
            (29, ErrorKind::DeadlineExceeded),
            (30, ErrorKind::AttemptTimeout),
            (31, ErrorKind::AttemptTimeout),
        ] {
            assert_eq!(kind_with(CallOptions::new(), Some(left)).await, (kind, vec![second(left.min(30))]));
        }
    }

    #[tokio::test]
    async fn attempt_timeout_calls_only_a_ready_service() {
        let layer = AttemptTimeoutLayer::new(Duration::from_secs(30), Arc::new(ManualClock::new()));
        probe::assert_respects_readiness(layer).await;
    }
}
