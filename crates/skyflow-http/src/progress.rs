//! How far a call has come, and the header values that it has sent.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Extensions;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::CallContext;
use crate::sent_headers::{self, PIECE, SHORTEST};

/// Counts the attempts of a call and their outcomes, and keeps the header values that they sent, to hide them in what a
/// server repeats. The layers of a call share it through its [`CallContext`].
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Default)]
struct Counters {
    attempts: AtomicU32,
    resent: AtomicU32,
    maybe_applied: AtomicBool,
    retry_stop: AtomicU8,
    sent: Mutex<Vec<HeaderValue>>,
    #[cfg(feature = "metrics")]
    last_failure: Mutex<Option<Outcome>>,
}

/// Tells whether a response counts as a failed call.
pub(crate) fn is_failure(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// How a call or an attempt has ended.
#[cfg(feature = "metrics")]
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Responded(StatusCode),
    /// Without a response; the name is the `error.type`.
    Failed(&'static str),
}

/// The header values that were sent are not shown.
impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters")
            .field("attempts", &self.attempts)
            .field("maybe_applied", &self.maybe_applied)
            .field("retry_stop", &self.retry_stop)
            .finish_non_exhaustive()
    }
}

/// Says why a call that could have been tried again was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryStop {
    /// The allowed number of attempts was used up.
    Attempts,
    /// The retry budget was empty: too many other calls failed.
    Budget,
    /// The deadline passed, or the pause would have outlasted it.
    Deadline,
    /// The attempt may have been applied, and the operation writes again when it is repeated.
    NotIdempotent,
    /// The body is a stream that has been read and cannot be opened again.
    BodyIsStream,
}

impl RetryStop {
    const ALL: [Self; 5] =
        [Self::Attempts, Self::Budget, Self::Deadline, Self::NotIdempotent, Self::BodyIsStream];
}

impl Progress {
    /// Returns the progress of the call these extensions belong to, and starts one when there is none.
    pub fn of(extensions: &mut Extensions) -> Self {
        CallContext::of_mut(extensions).progress.clone()
    }

    /// Returns how many times the request was handed to the transport.
    pub fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// Returns the number of attempts of a call that was `sent`, also when no layer below counts them.
    pub(crate) fn attempts_of(&self, sent: bool) -> u32 {
        match self.attempts() {
            0 if sent => self.0.resent.load(Ordering::Relaxed).saturating_add(1),
            counted => counted,
        }
    }

    /// Notes that a layer is about to send the request again.
    pub(crate) fn resend(&self) {
        self.0.resent.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether an attempt left this process and was not definitely refused by a response.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.maybe_applied.load(Ordering::Relaxed)
    }

    /// Returns why a failure that is worth a retry was not tried again; `None` when there was no such failure.
    pub fn retry_stop(&self) -> Option<RetryStop> {
        let noted = self.0.retry_stop.load(Ordering::Relaxed);
        RetryStop::ALL.into_iter().find(|stop| *stop as u8 + 1 == noted)
    }

    /// Replaces the header values that the call has sent, and parts of them, in a text that a server wrote: keys and
    /// tokens, in any usual encoding. Values of headers that hold no data, such as `accept`, stay.
    pub fn hide_sent(&self, text: &str) -> String {
        sent_headers::hide(&self.sent(), text)
    }

    /// Tells whether a short text holds a part of a header value that the call has sent.
    pub(crate) fn has_sent(&self, text: &[u8]) -> bool {
        occurs(&self.sent(), text.trim_ascii())
    }

    /// Notes the headers of a request that is about to be sent.
    pub(crate) fn note_sent(&self, headers: &HeaderMap, public: Option<&PublicHeaders>) {
        note(headers, public, &mut self.sent());
    }

    fn sent(&self) -> MutexGuard<'_, Vec<HeaderValue>> {
        self.0.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stop_retrying(&self, stop: RetryStop) {
        self.0.retry_stop.store(stop as u8 + 1, Ordering::Relaxed);
    }

    /// Notes that an attempt is about to leave. Returns the previous state, for [`Progress::settle`].
    pub(crate) fn begin_attempt(&self) -> bool {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        self.0.maybe_applied.swap(true, Ordering::Relaxed)
    }

    /// Notes that the attempt was certainly not applied, so only earlier attempts count.
    pub(crate) fn settle(&self, before: bool) {
        self.0.maybe_applied.store(before, Ordering::Relaxed);
    }

    /// Returns what the attempt before this one has failed with, and forgets it.
    #[cfg(feature = "metrics")]
    pub(crate) fn take_failure(&self) -> Option<Outcome> {
        self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes what an attempt has failed with.
    #[cfg(feature = "metrics")]
    pub(crate) fn note_failure(&self, outcome: Outcome) {
        *self.0.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

/// Headers that the client or the transport writes, and those that name a request.
const PUBLIC: [HeaderName; 12] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static(skyflow_types::RequestId::HEADER),
];

/// The headers whose values a product declares to be no secret.
#[derive(Debug, Clone, Default)]
pub(crate) struct PublicHeaders(pub(crate) Arc<Vec<HeaderName>>);

/// Adds the values of a request that are not there yet.
pub(crate) fn note(headers: &HeaderMap, public: Option<&PublicHeaders>, noted: &mut Vec<HeaderValue>) {
    for (name, value) in headers {
        let is_declared = || public.is_some_and(|declared| declared.0.contains(name));
        let is_public = !value.is_sensitive() && (PUBLIC.contains(name) || is_declared());
        if !is_public && value.len() >= SHORTEST && !noted.contains(value) {
            noted.push(value.clone());
        }
    }
}

/// Tells whether a short text holds a part of 15 bytes or more of a value, or a whole short value.
pub(crate) fn occurs(values: &[HeaderValue], text: &[u8]) -> bool {
    let pieces = || text.chunks_exact(PIECE);
    values.iter().map(HeaderValue::as_bytes).any(|value| {
        if value.len() < PIECE { value == text } else { pieces().any(|piece| holds(value, piece)) }
    })
}

/// Finds a piece by its first byte: both are too short for a searcher that has to be prepared.
fn holds(value: &[u8], piece: &[u8]) -> bool {
    let Some(first) = piece.first() else { return true };
    let starts = |at| value.get(at..).is_some_and(|rest| rest.starts_with(piece));
    memchr::memchr_iter(*first, value).any(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_sent_header() {
        let progress = Progress::default();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("canary-cookie"))]);
        progress.note_sent(&headers, None);
        assert!(!format!("{progress:?} {progress:#?}").contains("canary"));
        assert_eq!(progress.hide_sent("your canary-cookie"), "your [REDACTED]");
    }

    #[test]
    fn unsent_attempt_does_not_make_a_call_ambiguous() {
        let progress = Progress::of(&mut Extensions::new());
        let before = progress.begin_attempt();
        assert!(progress.may_have_been_applied());
        progress.settle(before);
        assert!(!progress.may_have_been_applied());
        progress.begin_attempt();
        let before = progress.begin_attempt();
        progress.settle(before);
        assert!(progress.may_have_been_applied(), "the second attempt is still unresolved");
        assert_eq!(progress.attempts(), 3);
    }
}
