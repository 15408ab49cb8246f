//! What a call does: its operation, its subject and its settings.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;

use crate::CallContext;

/// Tells what a request does, so that layers can decide by the operation and not by the URL.
///
/// It travels in the [`CallContext`] of the request.
///
/// ```
/// use skyflow_http::{CallContext, Idempotency, OperationInfo};
///
/// let get = OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe);
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// request.extensions_mut().insert(CallContext::new(get));
/// assert_eq!(OperationInfo::of(request.extensions()).map(|info| info.name), Some("things.get"));
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

    /// Returns the operation of the call that these extensions belong to.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        CallContext::of(extensions)?.operation.as_ref()
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

/// Names what a call reads or writes, for spans, events and metrics.
///
/// ```
/// use skyflow_http::{CallContext, CallSubject, Idempotency, OperationInfo};
///
/// let list = OperationInfo::new("orders.list", "/tables/orders", Idempotency::Safe);
/// let mut request = http::Request::post("https://api.example/tables/orders").body(())?;
/// let subject = CallSubject::new().collection("orders").rows(25);
/// request.extensions_mut().insert(CallContext::new(list).subject(subject));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSubject {
    collection: Option<Arc<str>>,
    rows: Option<u64>,
}

impl CallSubject {
    /// Names nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the table or collection. Its name is logged, and is a label of metrics.
    pub fn collection(mut self, name: impl Into<Arc<str>>) -> Self {
        self.collection = Some(name.into());
        self
    }

    /// Sets how many rows the request is about.
    pub fn rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Returns the table or collection.
    pub fn get_collection(&self) -> Option<&Arc<str>> {
        self.collection.as_ref()
    }

    /// Returns how many rows the request is about.
    pub fn get_rows(&self) -> Option<u64> {
        self.rows
    }
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

/// Settings of one call; they travel in the [`CallContext`] of the request.
///
/// ```
/// use std::time::Duration;
///
/// use skyflow_http::{CallContext, CallOptions, Idempotency, OperationInfo};
///
/// let get = OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe);
/// let options = CallOptions::default().deadline(Duration::from_secs(2)).no_retry();
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// request.extensions_mut().insert(CallContext::new(get).options(options));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_inherits_switches_off_or_overrides() {
        assert_eq!(Setting::Inherit.or(Some(1)), Some(1));
        assert_eq!(Setting::Off.or(Some(1)), None);
        assert_eq!(Setting::Set(2).or(Some(1)), Some(2));
    }
}
