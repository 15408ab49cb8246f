use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use skyflow_types::LogLevel;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::retry_decision::{Cause, Repeat};
use super::{Backoff, RetryBudget};
use crate::call::KeptRequest;
use crate::{
    BoxError, CallContext, CallOptions, Clock, Error, LogControl, OperationInfo, Progress, Request, Response,
    ResponseFuture, RetryStop, TARGET,
};

/// How far a pause that the server asks for may exceed our own.
const RETRY_AFTER_SLACK: Duration = Duration::from_secs(5);

/// Retries a request when that is safe.
///
/// In this order:
///
/// 1. The request certainly did not reach the server (no connection, refused unprocessed): retry, whatever it does;
///    but not after a TLS failure, because an untrusted certificate stays untrusted.
/// 2. The operation is [`Idempotency::Unknown`](crate::Idempotency::Unknown): stop.
/// 3. `429`: retry, after `Retry-After` clamped to between our own pause and 5 s more
///    ([`retry_after_slack`](Self::retry_after_slack)).
/// 4. The operation is [`Idempotency::NonIdempotent`](crate::Idempotency::NonIdempotent), also when the request says
///    nothing about itself: stop.
/// 5. The connection broke or stalled, the attempt timed out, or the status is `408`, `500`, `502`, `503` or `504`: retry.
/// 6. Anything else: stop.
///
/// [`CallOptions::idempotent`] overrides what the operation says about itself.
///
/// Three things can still forbid it: the number of attempts (3), the [`RetryBudget`], and a pause that would
/// outlast the deadline of the call. A stream that cannot be opened again is sent again only when nothing of it has been
/// read.
/// [`Progress::retry_stop`] tells which of them ended the call.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use skyflow_http::layers::RetryLayer;
/// use skyflow_http::{Body, BoxError, CallContext, Idempotency, ManualClock, OperationInfo, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// // The first response is a 503. The clock moves by itself, so the pause takes no time.
/// let sent = Arc::new(AtomicU32::new(0));
/// let count = Arc::clone(&sent);
/// let transport = tower::service_fn(move |_: Request| {
///     let status = if count.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 200 };
///     async move { Ok::<Response, BoxError>(http::Response::builder().status(status).body(Body::empty())?) }
/// });
/// let retry = RetryLayer::new(Arc::new(ManualClock::auto_advancing())).layer(transport);
///
/// let get = OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe);
/// let mut request = http::Request::get("https://api.example/things/7").body(Body::empty())?;
/// request.extensions_mut().insert(CallContext::new(get));
/// assert_eq!(retry.oneshot(request).await?.status(), 200);
/// assert_eq!(sent.load(Ordering::Relaxed), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RetryLayer {
    /// With `None` the operation decides.
    max_attempts: Option<NonZeroU32>,
    backoff: Backoff,
    budget: RetryBudget,
    retry_after_slack: Duration,
    internal_error_retries: u32,
    /// Nothing between this layer and the auth layer changes a request.
    lends_copies: bool,
    clock: Arc<dyn Clock>,
}

impl RetryLayer {
    /// How many times a request is sent unless anything else is set.
    const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

    /// Allows 3 attempts, or as many as [`CallOptions::usual_attempts`] says, with the default [`Backoff`] and a
    /// separate [`RetryBudget`].
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            max_attempts: None,
            backoff: Backoff::new(),
            budget: RetryBudget::new(),
            retry_after_slack: RETRY_AFTER_SLACK,
            internal_error_retries: u32::MAX,
            lends_copies: false,
            clock,
        }
    }

    /// Sets how many times a request may be sent, the first time included.
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sets the pauses.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how far a pause that the server asks for with `Retry-After` may exceed our own; 5 s by default.
    ///
    /// [`Duration::MAX`] obeys every `Retry-After` in full; a pause that would outlast the deadline still ends the call.
    pub fn retry_after_slack(mut self, slack: Duration) -> Self {
        self.retry_after_slack = slack;
        self
    }

    /// Sets how many of the retries of a call may follow a `500`; all of them by default.
    pub fn internal_error_retries(mut self, retries: u32) -> Self {
        self.internal_error_retries = retries;
        self
    }

    /// Shares a budget with other stacks.
    pub fn budget(mut self, budget: RetryBudget) -> Self {
        self.budget = budget;
        self
    }

    /// Lets the auth layer replay the copy of the request that this layer keeps.
    pub(crate) fn lend_copies(mut self, yes: bool) -> Self {
        self.lends_copies = yes;
        self
    }

    /// Replaces the budget by a full one of the same size that is not shared.
    pub fn partition(mut self) -> Self {
        self.budget = self.budget.partition();
        self
    }

    /// Returns how long to wait before the next attempt, or why there is none.
    fn next_pause(&self, cause: Cause, sent: u32, deadline: Option<Instant>) -> Result<Duration, RetryStop> {
        let own = self.backoff.pause(sent - 1, cause.throttled);
        let pause = match cause.retry_after {
            Some(asked) => asked.clamp(own, own.saturating_add(self.retry_after_slack)),
            None => own,
        };
        let in_time = |at| self.clock.monotonic().checked_add(pause).is_some_and(|end| end < at);
        if !deadline.is_none_or(in_time) {
            return Err(RetryStop::Deadline);
        }
        if !self.budget.withdraw(cause.cost()) {
            return Err(RetryStop::Budget);
        }
        Ok(pause)
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry { inner, policy: Arc::new(self.clone()) }
    }
}

/// The service of [`RetryLayer`].
#[derive(Debug, Clone)]
pub struct Retry<S> {
    inner: S,
    policy: Arc<RetryLayer>,
}

impl<S> Service<Request> for Retry<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response;
    type Error = BoxError;
    type Future = RetryFuture<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> RetryFuture<S> {
        let fresh = self.inner.clone();
        // The service that was polled ready has to be the one that is called; a clone of it is not ready.
        let mut service = std::mem::replace(&mut self.inner, fresh);
        let mut attempts = Attempts::new(Arc::clone(&self.policy), &mut request);
        attempts.keep(&mut request);
        let inner = service.call(request);
        RetryFuture { state: State::First { inner, rest: Some((attempts, service)) } }
    }
}

pin_project! {
    /// The future of [`Retry`]: the inner future and no box, as long as the first attempt is the last.
    pub struct RetryFuture<S>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S, S::Future>,
    }
}

pin_project! {
    #[project = StateNow]
    enum State<S, F> {
        First { #[pin] inner: F, rest: Option<(Attempts, S)> },
        // A retry is rare, and slow anyway.
        Later { later: ResponseFuture },
    }
}

impl<S> Future for RetryFuture<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let later: ResponseFuture = match state.as_mut().project() {
                StateNow::Later { later } => return later.as_mut().poll(cx),
                StateNow::First { inner, rest } => {
                    let outcome = ready!(inner.poll(cx)).map_err(Into::into);
                    // A future that is polled after its end may do anything but be unsound.
                    let Some((mut attempts, service)) = rest.take() else { return Poll::Pending };
                    match attempts.next(outcome) {
                        Next::End(outcome) => return Poll::Ready(outcome),
                        Next::Again(pause, request) => Box::pin(attempts.retry(service, pause, request)),
                    }
                }
            };
            state.set(State::Later { later });
        }
    }
}

/// The attempts of one call.
struct Attempts {
    policy: Arc<RetryLayer>,
    max_attempts: NonZeroU32,
    deadline: Option<Instant>,
    repeat: Repeat,
    progress: Progress,
    /// Missing when the attempt under way is the last one that is allowed.
    kept: Option<KeptRequest>,
    sent: u32,
    internal_errors: u32,
}

/// What follows an attempt.
enum Next {
    End(Result<Response, BoxError>),
    Again(Duration, Request),
}

impl Attempts {
    fn new(policy: Arc<RetryLayer>, request: &mut Request) -> Self {
        let call = CallContext::of_mut(request.extensions_mut());
        let CallOptions { max_attempts, usual_attempts, .. } = call.options;
        let max_attempts = max_attempts.or(policy.max_attempts).or(usual_attempts);
        Self {
            max_attempts: max_attempts.unwrap_or(RetryLayer::ATTEMPTS),
            deadline: call.deadline,
            repeat: Repeat::of(call),
            progress: call.progress.clone(),
            policy,
            kept: None,
            sent: 0,
            internal_errors: 0,
        }
    }

    /// Keeps a copy of the first request, as long as it may be sent again.
    fn keep(&mut self, request: &mut Request) {
        self.kept = match self.kept.take() {
            _ if self.sent + 1 >= self.max_attempts.get() => None,
            None => Some(KeptRequest::of(request)),
            kept => kept,
        };
        let lent = self.kept.clone().filter(|_| self.policy.lends_copies);
        CallContext::of_mut(request.extensions_mut()).kept = lent;
    }

    /// Decides what follows the outcome of an attempt.
    fn next(&mut self, outcome: Result<Response, BoxError>) -> Next {
        self.sent += 1;
        let Some(cause) = Cause::of(&outcome, self.repeat, &*self.policy.clock) else {
            if self.sent == 1 {
                self.policy.budget.deposit();
            }
            return Next::End(self.resolved(outcome));
        };
        self.internal_errors += u32::from(cause.internal_error);
        match self.again(cause) {
            Ok((pause, request)) => {
                if LogControl::allows(request.extensions(), LogLevel::Warn) {
                    let operation = OperationInfo::of(request.extensions()).map(|info| info.name);
                    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(target: TARGET, operation, attempt = self.sent, pause_ms, "retrying");
                }
                Next::Again(pause, request)
            }
            Err(stop) => {
                self.progress.stop_retrying(stop);
                Next::End(self.resolved(outcome))
            }
        }
    }

    /// Returns the next request and the pause before it, or why there is none.
    fn again(&self, cause: Cause) -> Result<(Duration, Request), RetryStop> {
        if !cause.allowed {
            return Err(RetryStop::NotIdempotent);
        }
        if cause.internal_error && self.internal_errors > self.policy.internal_error_retries {
            return Err(RetryStop::Attempts);
        }
        let kept = self.kept.as_ref().ok_or(RetryStop::Attempts)?;
        let request = kept.request().ok_or(RetryStop::BodyIsStream)?;
        Ok((self.policy.next_pause(cause, self.sent, self.deadline)?, request))
    }

    /// The last attempt may have failed harmlessly while an earlier one is still unresolved.
    fn resolved(&self, outcome: Result<Response, BoxError>) -> Result<Response, BoxError> {
        outcome.map_err(|error| match error.downcast::<Error>() {
            Ok(error) => error.ambiguous_if(self.progress.may_have_been_applied()).into(),
            Err(error) => error,
        })
    }

    async fn retry<S>(
        mut self,
        mut service: S,
        mut pause: Duration,
        mut request: Request,
    ) -> Result<Response, BoxError>
    where
        S: Service<Request, Response = Response>,
        S::Error: Into<BoxError>,
    {
        loop {
            self.policy.clock.sleep(pause).await;
            service.ready().await.map_err(Into::into)?;
            self.progress.resend();
            self.keep(&mut request);
            let outcome = service.call(request).await.map_err(Into::into);
            (pause, request) = match self.next(outcome) {
                Next::End(outcome) => return outcome,
                Next::Again(pause, request) => (pause, request),
            };
        }
    }
}

#[cfg(test)]
#[path = "retry/tests.rs"]
mod tests;
