use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Extensions;
use http::header::{HeaderMap, HeaderValue};

use crate::sent_headers::{self, PublicHeaders};

/// Tells what a request does, so that layers can decide by the operation and not by the URL.
///
/// It travels in the extensions of the request: `request.extensions().get::<OperationInfo>()`.
///
/// ```
/// use skyflow_http::{Idempotency, OperationInfo};
///
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// request.extensions_mut().insert(OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe));
/// assert_eq!(request.extensions().get::<OperationInfo>().map(|info| info.name), Some("things.get"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OperationInfo {
    /// The name of the operation, such as `records.insert`.
    pub name: &'static str,
    /// The path with parameter names instead of values: safe to log and of low cardinality.
    pub path_template: &'static str,
    /// Whether sending it twice does harm.
    pub idempotency: Idempotency,
}

impl OperationInfo {
    /// Describes an operation.
    pub const fn new(name: &'static str, path_template: &'static str, idempotency: Idempotency) -> Self {
        Self { name, path_template, idempotency }
    }
}

/// Says what a second execution of a request does. It does not follow the HTTP method: detokenize is a safe `POST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// Reads only.
    Safe,
    /// Writes, and a second time changes nothing more.
    Idempotent,
    /// Writes, and a second time writes again.
    NonIdempotent,
    /// Unknown, because a third party executes it by its own rules. No response, not even a `429` or another `4xx`,
    /// proves that nothing was done.
    Unknown,
}

/// A setting of one call: inherited from the client, switched off, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Setting<T> {
    /// Uses the client's setting.
    #[default]
    Inherit,
    /// Switches it off for this call.
    Off,
    /// Uses this value for this call.
    Set(T),
}

impl<T> Setting<T> {
    /// Resolves the setting against the client's.
    pub fn or(self, inherited: Option<T>) -> Option<T> {
        match self {
            Self::Inherit => inherited,
            Self::Off => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// Settings of one call; they travel in the extensions of the request.
///
/// ```
/// use std::time::Duration;
///
/// use skyflow_http::CallOptions;
///
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// request.extensions_mut().insert(CallOptions::default().deadline(Duration::from_secs(2)).no_retry());
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// The total time for the call: waiting, minting a token, every attempt, every pause.
    pub deadline: Setting<Duration>,
    /// The time for one attempt, from the first byte out to the last byte in.
    pub attempt_timeout: Setting<Duration>,
    /// How many times the request may be sent; 1 switches retries off.
    pub max_attempts: Option<NonZeroU32>,
    /// Overrides whether the operation may be repeated after an attempt that may have been applied.
    pub idempotent: Option<bool>,
    /// The maximum size of the response in bytes, instead of the client's limit.
    pub response_limit: Option<usize>,
    /// The time that each 64 KiB of the request body add to the deadline and the attempt timeout of the client,
    /// instead of the client's setting. Limits of this call are not extended.
    pub body_time: Option<Duration>,
    /// Asks for a response compressed with gzip, or does not, instead of the client's setting.
    pub gzip: Option<bool>,
    /// How many times the request may be sent when neither the client nor the call says so.
    pub usual_attempts: Option<NonZeroU32>,
}

impl CallOptions {
    /// Inherits every setting from the client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the total time for the call.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.deadline = Setting::Set(total);
        self
    }

    /// Switches the deadline off.
    pub fn no_deadline(mut self) -> Self {
        self.deadline = Setting::Off;
        self
    }

    /// Sets the time for one attempt.
    pub fn attempt_timeout(mut self, one_attempt: Duration) -> Self {
        self.attempt_timeout = Setting::Set(one_attempt);
        self
    }

    /// Switches the attempt timeout off; the deadline still applies.
    pub fn no_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = Setting::Off;
        self
    }

    /// Returns the name of the time limit that is zero, so that the call would fail before it is sent.
    pub fn zero_timeout(&self) -> Option<&'static str> {
        let zero = Setting::Set(Duration::ZERO);
        match (self.deadline, self.attempt_timeout) {
            (deadline, _) if deadline == zero => Some("deadline"),
            (_, attempt) if attempt == zero => Some("attempt_timeout"),
            _ => None,
        }
    }

    /// Sets how many times the request may be sent, the first time included.
    pub fn max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sends the request once.
    pub fn no_retry(self) -> Self {
        self.max_attempts(NonZeroU32::MIN)
    }

    /// Sets the maximum size of the response in bytes.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = Some(bytes);
        self
    }

    /// Sets the time that each 64 KiB of the request body add to the client's time limits; zero adds none.
    pub fn body_time(mut self, per_64_kib: Duration) -> Self {
        self.body_time = Some(per_64_kib);
        self
    }

    /// Asks for a response compressed with gzip, or does not. The response limit counts the decoded bytes.
    pub fn gzip(mut self, yes: bool) -> Self {
        self.gzip = Some(yes);
        self
    }

    /// Says whether the operation may be repeated after an attempt that may have been applied.
    pub fn idempotent(mut self, yes: bool) -> Self {
        self.idempotent = Some(yes);
        self
    }
}

/// The instant at which the whole call must have ended; set by the deadline layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

/// Counts the attempts of a call and their outcomes, and keeps the header values that they sent, to hide them in what a
/// server repeats. It is shared by the layers through the extensions.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Default)]
struct Counters {
    attempts: AtomicU32,
    resent: AtomicU32,
    maybe_applied: AtomicBool,
    retry_stop: AtomicU8,
    sent: Mutex<Vec<HeaderValue>>,
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
        extensions.get_or_insert_default::<Self>().clone()
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
    pub(crate) fn has_sent(&self, text: &str) -> bool {
        sent_headers::occurs(&self.sent(), text)
    }

    /// Notes the headers of a request that is about to be sent.
    pub(crate) fn note_sent(&self, headers: &HeaderMap, public: Option<&PublicHeaders>) {
        sent_headers::note(headers, public, &mut self.sent());
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
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn a_setting_inherits_switches_off_or_overrides() {
        assert_eq!(Setting::Inherit.or(Some(1)), Some(1));
        assert_eq!(Setting::Off.or(Some(1)), None);
        assert_eq!(Setting::Set(2).or(Some(1)), Some(2));
    }

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
