use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::Sleep;
use crate::{BoxError, Clock, Error, ErrorKind, Progress, Response, RetryStop};

/// What to do when the time is up, and when that is.
pub(super) struct Limit {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) after: Duration,
    pub(super) kind: ErrorKind,
    /// What became of the attempts so far, where the error covers more than one.
    pub(super) progress: Option<Progress>,
}

pin_project! {
    /// The future of a service under a time limit.
    ///
    /// The timer starts when the inner future has to wait for the first time, so an answer that is there at once
    /// costs none.
    pub struct TimerFuture<F> {
        #[pin]
        inner: F,
        limit: Option<Limit>,
        sleep: Option<Sleep>,
    }
}

impl<F> TimerFuture<F> {
    pub(super) fn new(inner: F, limit: Option<Limit>) -> Self {
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
            None => Error::new(limit.kind, None),
        };
        Poll::Ready(Err(error.into()))
    }
}
