//! The value of a `Retry-After` header: the pause is the one that was asked for, within its bounds.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::HeaderValue;
use http::header::RETRY_AFTER;
use skyflow_http::clock::Sleep;
use skyflow_http::layers::{Backoff, RetryLayer};
use skyflow_http::{Body, CallContext, Clock, Idempotency, OperationInfo, Request, Response, SystemClock};
use tower::{Layer, ServiceExt};

const READ: OperationInfo = OperationInfo::new("records.get", "/v1/records", Idempotency::Safe);
/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: Duration = Duration::from_secs(784_111_777);
const SLACK: Duration = Duration::from_secs(5);

/// A clock that does not move; a pause ends at once and is noted.
#[derive(Debug, Clone)]
struct Still {
    started: Instant,
    pauses: Arc<Mutex<VecDeque<Duration>>>,
}

impl Clock for Still {
    fn monotonic(&self) -> Instant {
        self.started
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    fn sleep(&self, pause: Duration) -> Sleep {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner).push_back(pause);
        Box::pin(ready(()))
    }
}

/// Checks one input.
pub fn check(input: &[u8]) {
    let Ok(header) = HeaderValue::from_bytes(input) else { return };
    let pause = pause_after(&header, Duration::MAX, None).expect("no deadline forbids the pause");
    assert_eq!(pause, asked(&header).unwrap_or_default(), "{header:?}");
    // Written again, it asks for the same pause.
    let seconds = HeaderValue::from(pause.as_secs());
    assert_eq!(pause_after(&seconds, Duration::MAX, None), Some(pause), "{header:?}");
    if let Some(date) = printable(pause) {
        assert_eq!(pause_after(&date, Duration::MAX, None), Some(pause), "{header:?} as {date:?}");
    }
    assert_eq!(pause_after(&header, SLACK, None), Some(pause.min(SLACK)), "{header:?}");
    let limit = Duration::from_secs(30);
    assert_eq!(pause_after(&header, Duration::MAX, Some(limit)), Some(pause).filter(|pause| *pause < limit));
}

/// Reads the header by the rule of the documentation; dates are read by the crate that reads them.
fn asked(header: &HeaderValue) -> Option<Duration> {
    let text = header.to_str().ok()?.trim();
    if text.len() > 64 || text.is_empty() {
        return None;
    }
    if text.chars().all(|c| c.is_ascii_digit()) {
        let seconds = text.chars().fold(0_u64, |seconds, digit| {
            let digit = u64::from(digit.to_digit(10).unwrap_or_default());
            seconds.saturating_mul(10).saturating_add(digit)
        });
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    date.duration_since(SystemTime::UNIX_EPOCH + NOW).ok()
}

/// Returns the date that is so far away, where dates of HTTP reach that far.
fn printable(pause: Duration) -> Option<HeaderValue> {
    const YEAR_9999: Duration = Duration::from_secs(253_402_300_800);
    let at = NOW.checked_add(pause).filter(|at| *at < YEAR_9999)?;
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + at).parse().ok()
}

/// Returns how long the client waits before its one retry; `None` when it makes none.
fn pause_after(header: &HeaderValue, slack: Duration, limit: Option<Duration>) -> Option<Duration> {
    let clock = Still { started: SystemClock.monotonic(), pauses: Arc::default() };
    let layer = RetryLayer::new(Arc::new(clock.clone()))
        .backoff(Backoff::new().random(|| 0.0))
        .retry_after_slack(slack);
    let header = header.clone();
    let mut replies = VecDeque::from([429, 200]);
    let replies = Arc::new(Mutex::new(std::mem::take(&mut replies)));
    let service = tower::service_fn(move |_: Request| {
        let status = replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(500);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.try_into().expect("it is a status of HTTP");
        response.headers_mut().insert(RETRY_AFTER, header.clone());
        ready(Ok::<_, Infallible>(response))
    });
    let mut call = CallContext::new(READ);
    call.deadline = limit.map(|limit| clock.started + limit);
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(call);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be started");
    let response = runtime.block_on(layer.layer(service).oneshot(request)).expect("there is a response");
    let pause = clock.pauses.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    assert_eq!(pause.is_some(), response.status() == 200, "{response:?}");
    pause
}
