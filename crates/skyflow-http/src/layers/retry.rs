use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;
use skyflow_types::LogLevel;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use super::retry_after::retry_after;
use super::{Backoff, RetryBudget, RetryCost};
use crate::service::Spare;
use crate::{
    BoxError, CallOptions, Clock, Deadline, Error, ErrorKind, Idempotency, LogControl, OperationInfo,
    Progress, Request, Response, RetryStop, TARGET,
};

/// How far a pause that the server asks for may exceed our own.
const RETRY_AFTER_SLACK: Duration = Duration::from_secs(5);

/// Retries a request when that is safe.
///
/// In this order:
///
/// 1. The request certainly did not reach the server (no connection, refused unprocessed): retry, whatever it does;
///    but not after a TLS failure, because an untrusted certificate stays untrusted.
/// 2. The operation is [`Idempotency::Unknown`]: stop.
/// 3. `429`: retry, after `Retry-After` clamped to between our own pause and 5 s more
///    ([`retry_after_slack`](Self::retry_after_slack)).
/// 4. The operation is [`Idempotency::NonIdempotent`] (also when the request says nothing about itself): stop.
/// 5. The connection broke or stalled, the attempt timed out, or the status is `408`, `500`, `502`, `503` or `504`: retry.
/// 6. Anything else: stop.
///
/// [`CallOptions::idempotent`] overrides what the operation says about itself.
///
/// Three things can still forbid it: the number of attempts (3), the [`RetryBudget`], and a pause that would
/// outlast the [`Deadline`]. A stream that cannot be opened again is sent again only when nothing of it has been read.
/// [`Progress::retry_stop`] tells which of them ended the call.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// use skyflow_http::layers::RetryLayer;
/// use skyflow_http::{Body, BoxError, Idempotency, ManualClock, OperationInfo, Request, Response};
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
/// let mut request = http::Request::get("https://api.example/things/7").body(Body::empty())?;
/// request.extensions_mut().insert(OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe));
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

    /// Replaces the budget by a full one of the same size that is not shared.
    pub fn partition(mut self) -> Self {
        self.budget = self.budget.partition();
        self
    }

    /// Returns how long to wait before the next attempt, or why there is none.
    fn next_pause(&self, cause: Cause, sent: u32, limits: Limits) -> Result<Duration, RetryStop> {
        let own = self.backoff.pause(sent - 1, cause.throttled);
        let pause = match cause.retry_after {
            Some(asked) => asked.clamp(own, own.saturating_add(self.retry_after_slack)),
            None => own,
        };
        let in_time = |Deadline(at)| self.clock.monotonic().checked_add(pause).is_some_and(|end| end < at);
        if !limits.deadline.is_none_or(in_time) {
            return Err(RetryStop::Deadline);
        }
        if !self.budget.withdraw(cause.cost()) {
            return Err(RetryStop::Budget);
        }
        Ok(pause)
    }

    /// Returns why the outcome is worth a retry, and whether the operation allows one; `None` when it is final.
    fn cause(&self, outcome: &Result<Response, BoxError>, repeat: Repeat) -> Option<Cause> {
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                let kind = error.downcast_ref::<Error>()?.kind();
                let least = match kind {
                    ErrorKind::Connect | ErrorKind::Refused => Repeat::OnlyWhatWasNotSent,
                    ErrorKind::Io | ErrorKind::AttemptTimeout | ErrorKind::Stalled => Repeat::Anything,
                    _ => return None,
                };
                let unprocessed = kind == ErrorKind::Refused;
                return Some(Cause { allowed: repeat >= least, unprocessed, ..Cause::default() });
            }
        };
        let (least, throttled) = match response.status() {
            StatusCode::TOO_MANY_REQUESTS => (Repeat::WhatWasNotExecuted, true),
            status if matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504) => (Repeat::Anything, false),
            _ => return None,
        };
        let retry_after = retry_after(response.headers(), self.clock.now());
        let internal_error = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
        Some(Cause { allowed: repeat >= least, throttled, unprocessed: false, internal_error, retry_after })
    }
}

/// Which failures of a request may be repeated, from the fewest to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Repeat {
    OnlyWhatWasNotSent,
    /// Requests that were not sent, or rejected with a `429`.
    WhatWasNotExecuted,
    Anything,
}

impl Repeat {
    fn of(request: &Request, options: &CallOptions) -> Self {
        let info = request.extensions().get::<OperationInfo>();
        let idempotency = info.map_or(Idempotency::NonIdempotent, |info| info.idempotency);
        match (options.idempotent, idempotency) {
            (Some(true), _) => Self::Anything,
            (_, Idempotency::Unknown) => Self::OnlyWhatWasNotSent,
            (None, Idempotency::Safe | Idempotency::Idempotent) => Self::Anything,
            _ => Self::WhatWasNotExecuted,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Cause {
    allowed: bool,
    throttled: bool,
    /// The server is there and has not looked at the request.
    unprocessed: bool,
    internal_error: bool,
    retry_after: Option<Duration>,
}

impl Cause {
    fn cost(&self) -> RetryCost {
        match self {
            Self { unprocessed: true, .. } => RetryCost::Refused,
            Self { throttled: true, .. } => RetryCost::Throttled,
            _ => RetryCost::Failed,
        }
    }
}

#[derive(Clone, Copy)]
struct Limits {
    max_attempts: NonZeroU32,
    deadline: Option<Deadline>,
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
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let fresh = self.inner.clone();
        // The service that was polled ready has to be the one that is called; a clone of it is not ready.
        let ready = std::mem::replace(&mut self.inner, fresh);
        Box::pin(run(Arc::clone(&self.policy), ready, request))
    }
}

async fn run<S>(policy: Arc<RetryLayer>, mut service: S, mut request: Request) -> Result<Response, BoxError>
where
    S: Service<Request, Response = Response> + Clone,
    S::Error: Into<BoxError>,
{
    let progress = Progress::of(request.extensions_mut());
    let options = request.extensions().get::<CallOptions>().copied().unwrap_or_default();
    let limits = Limits {
        max_attempts: options
            .max_attempts
            .or(policy.max_attempts)
            .or(options.usual_attempts)
            .unwrap_or(RetryLayer::ATTEMPTS),
        deadline: request.extensions().get::<Deadline>().copied(),
    };
    let repeat = Repeat::of(&request, &options);
    let mut sent = 0;
    let mut internal_errors = 0;
    let outcome = loop {
        let spare = (sent + 1 < limits.max_attempts.get()).then(|| Spare::of(&mut request));
        let outcome = service.call(request).await.map_err(Into::into);
        sent += 1;
        let Some(cause) = policy.cause(&outcome, repeat) else {
            if sent == 1 {
                policy.budget.deposit();
            }
            break outcome;
        };
        internal_errors += u32::from(cause.internal_error);
        let next = match spare.map(Spare::into_request) {
            _ if !cause.allowed => Err(RetryStop::NotIdempotent),
            _ if cause.internal_error && internal_errors > policy.internal_error_retries => {
                Err(RetryStop::Attempts)
            }
            None => Err(RetryStop::Attempts),
            Some(None) => Err(RetryStop::BodyIsStream),
            Some(Some(spare)) => policy.next_pause(cause, sent, limits).map(|pause| (pause, spare)),
        };
        match next {
            Ok((pause, spare)) => {
                if LogControl::allows(spare.extensions(), LogLevel::Warn) {
                    let operation = spare.extensions().get::<OperationInfo>().map(|info| info.name);
                    let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(target: TARGET, operation, attempt = sent, pause_ms, "retrying");
                }
                drop(outcome);
                policy.clock.sleep(pause).await;
                service.ready().await.map_err(Into::into)?;
                progress.resend();
                request = spare;
            }
            Err(stop) => {
                progress.stop_retrying(stop);
                break outcome;
            }
        }
    };
    outcome.map_err(|error| match error.downcast::<Error>() {
        // The last attempt may have failed harmlessly while an earlier one is still unresolved.
        Ok(error) => error.ambiguous_if(progress.may_have_been_applied()).into(),
        Err(error) => error,
    })
}

#[cfg(test)]
#[path = "retry/tests.rs"]
mod tests;
