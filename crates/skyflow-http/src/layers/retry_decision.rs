//! Which outcomes are worth a retry.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use super::RetryCost;
use crate::{BoxError, CallContext, Clock, Error, ErrorKind, Idempotency, Response};

/// Which failures of a request may be repeated, from the fewest to the most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Repeat {
    OnlyWhatWasNotSent,
    /// Requests that were not sent, or rejected with a `429`.
    WhatWasNotExecuted,
    Anything,
}

impl Repeat {
    pub(super) fn of(call: &CallContext) -> Self {
        let idempotency = call.operation.map_or(Idempotency::NonIdempotent, |info| info.idempotency);
        match (call.options.idempotent, idempotency) {
            (Some(true), _) => Self::Anything,
            (_, Idempotency::Unknown) => Self::OnlyWhatWasNotSent,
            (None, Idempotency::Safe | Idempotency::Idempotent) => Self::Anything,
            _ => Self::WhatWasNotExecuted,
        }
    }
}

/// A failure that is worth a retry.
#[derive(Clone, Copy, Default)]
pub(super) struct Cause {
    /// The operation allows the retry.
    pub(super) allowed: bool,
    pub(super) throttled: bool,
    /// The server is there and has not looked at the request.
    unprocessed: bool,
    pub(super) internal_error: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Cause {
    /// Returns why the outcome is worth a retry; `None` when it is final.
    pub(super) fn of(
        outcome: &Result<Response, BoxError>,
        repeat: Repeat,
        clock: &dyn Clock,
    ) -> Option<Self> {
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
                return Some(Self { allowed: repeat >= least, unprocessed, ..Self::default() });
            }
        };
        let (least, throttled) = match response.status() {
            StatusCode::TOO_MANY_REQUESTS => (Repeat::WhatWasNotExecuted, true),
            status if matches!(status.as_u16(), 408 | 500 | 502 | 503 | 504) => (Repeat::Anything, false),
            _ => return None,
        };
        let retry_after = retry_after(response.headers(), clock.now());
        let internal_error = response.status() == StatusCode::INTERNAL_SERVER_ERROR;
        Some(Self { allowed: repeat >= least, throttled, unprocessed: false, internal_error, retry_after })
    }

    pub(super) fn cost(&self) -> RetryCost {
        match self {
            Self { unprocessed: true, .. } => RetryCost::Refused,
            Self { throttled: true, .. } => RetryCost::Throttled,
            _ => RetryCost::Failed,
        }
    }
}

/// Reads `Retry-After`: whole seconds, or a date. The past and anything else are ignored.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rel_r05_only_seconds_and_dates_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let long = "9".repeat(65);
        let huge = "9".repeat(40);
        let rows: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("007", Some(7)),
            (&huge, Some(u64::MAX)),
            (&long, None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("0x10", None),
            ("", None),
            ("soon", None),
            ("7s", None),
            ("7, 8", None),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10)),
            ("Sun Nov  6 08:49:47 1994", Some(10)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", None),
            ("Sun, 06 Nov 1994 08:49:47 +0200", None),
            ("Sun, 99 Nov 1994 08:49:47 GMT", None),
            ("Sun, 06 Nov 99999999 08:49:47 GMT", None),
            ("((((((((((((((((((((", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("00000000000000000000000000000001", Some(1)),
            ("\t7\t", Some(7)),
            ("7;", None),
            ("7 8", None),
            ("NaN", None),
            ("inf", None),
            ("1_000", None),
            ("1,000", None),
            ("PT7S", None),
            ("1994-11-06T08:49:47Z", None),
            ("Sun, 06 Nov 1994 08:49:47 UTC", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 31 Feb 2099 08:49:47 GMT", None),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(252_618_189_022)),
        ];
        for (text, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        assert_eq!(retry_after(&headers, now), None);
    }
}
