//! Settings that a client, a vault and a connection share, and how they change a stack.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use http::header::{self, HeaderName};
use skyflow_http::layers::MetadataError;
use skyflow_http::{Setting, Stack};

use crate::{Error, headers};

/// Headers about the coding of a body, which belong to single requests.
const OF_THE_BODY: [HeaderName; 2] = [header::ACCEPT_ENCODING, header::CONTENT_ENCODING];

/// How much of a header's name an error repeats.
const SHOWN: usize = 64;

/// Time limits, attempts and headers; unset ones are inherited.
#[derive(Clone, Default)]
pub(crate) struct CallSettings {
    pub(crate) deadline: Setting<Duration>,
    pub(crate) attempt_timeout: Setting<Duration>,
    pub(crate) max_attempts: Option<NonZeroU32>,
    pub(crate) body_time: Option<Duration>,
    pub(crate) gzip: Option<bool>,
    pub(crate) headers: Vec<(String, String)>,
}

impl CallSettings {
    /// Changes what is set here and keeps the rest of the stack.
    ///
    /// # Errors
    ///
    /// Fails for a time limit of zero, and for a header that cannot be set.
    pub(crate) fn apply(&self, mut stack: Stack) -> Result<Stack, Error> {
        stack = stack.time_limits(self.deadline, self.attempt_timeout);
        if let Some(attempts) = self.max_attempts {
            stack = stack.max_attempts(attempts);
        }
        if let Some(time) = self.body_time {
            stack = stack.body_time(time);
        }
        if let Some(yes) = self.gzip {
            stack = stack.gzip(yes);
        }
        for (name, value) in &self.headers {
            stack = with_header(stack, name, value)?;
        }
        match stack.zero_timeout() {
            Some(limit) => Err(Error::invalid(limit, "must be greater than zero")),
            None => Ok(stack),
        }
    }
}

fn with_header(stack: Stack, name: &str, value: &str) -> Result<Stack, Error> {
    let field =
        format!("headers.{}", name.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>());
    let managed = || Error::invalid(field.clone(), "cannot be set: it is managed by the client");
    let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(Error::invalid(field, "is not a header name"));
    };
    if headers::is_managed(&header) || OF_THE_BODY.contains(&header) {
        return Err(managed());
    }
    stack.header(header, value).map_err(|error| match error {
        MetadataError::Reserved(_) => managed(),
        _ => Error::invalid(field.clone(), "must be visible text without line breaks or control characters"),
    })
}

/// Values of headers may be secrets.
impl fmt::Debug for CallSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("CallSettings")
            .field("deadline", &self.deadline)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("max_attempts", &self.max_attempts)
            .field("body_time", &self.body_time)
            .field("gzip", &self.gzip)
            .field("headers", &names)
            .finish()
    }
}

/// Writes the setters of [`CallSettings`] into the `impl` of a type with a field `settings`.
macro_rules! call_settings_setters {
    () => {
        /// Sets the total time for a call: waiting, minting a token, every attempt, every pause. A large request body
        /// extends it; see `body_time`.
        pub fn deadline(mut self, total: std::time::Duration) -> Self {
            self.settings.deadline = skyflow_http::Setting::Set(total);
            self
        }

        /// Removes the deadline.
        pub fn no_deadline(mut self) -> Self {
            self.settings.deadline = skyflow_http::Setting::Off;
            self
        }

        /// Sets the time for one attempt, from the first byte out to the last byte in. A large request body extends it;
        /// see `body_time`.
        pub fn attempt_timeout(mut self, one_attempt: std::time::Duration) -> Self {
            self.settings.attempt_timeout = skyflow_http::Setting::Set(one_attempt);
            self
        }

        /// Removes the time limit of an attempt.
        pub fn no_attempt_timeout(mut self) -> Self {
            self.settings.attempt_timeout = skyflow_http::Setting::Off;
            self
        }

        /// Sets how many times a request may be sent, the first time included.
        pub fn max_attempts(mut self, attempts: std::num::NonZeroU32) -> Self {
            self.settings.max_attempts = Some(attempts);
            self
        }

        /// Sends each request once.
        pub fn no_retry(self) -> Self {
            self.max_attempts(std::num::NonZeroU32::MIN)
        }

        /// Sets the time that each 64 KiB of a request body add to the deadline and the attempt timeout; 1 s by default,
        /// zero adds none.
        pub fn body_time(mut self, per_64_kib: std::time::Duration) -> Self {
            self.settings.body_time = Some(per_64_kib);
            self
        }

        /// Asks for responses compressed with gzip; off by default. It saves bytes and costs time: it pays where the way to
        /// the vault is slow, and responses are large.
        pub fn gzip(mut self, yes: bool) -> Self {
            self.settings.gzip = Some(yes);
            self
        }

        /// Sends one more header with each request; a header of the same name that a call sets itself wins.
        ///
        /// Headers that the client manages, such as `Host`, `Authorization` or `Content-Type`, are refused when the
        /// client is built. `Debug` shows the name and no value.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.settings.headers.push((name.into(), value.into()));
            self
        }
    };
}

/// Writes the getters of [`CallSettings`] into the `impl` of a type with a field `settings`.
macro_rules! call_settings_getters {
    () => {
        /// Returns the total time for a call.
        pub fn get_deadline(&self) -> skyflow_http::Setting<std::time::Duration> {
            self.settings.deadline
        }

        /// Returns the time for one attempt.
        pub fn get_attempt_timeout(&self) -> skyflow_http::Setting<std::time::Duration> {
            self.settings.attempt_timeout
        }

        /// Returns how many times a request may be sent; `None` when that is inherited.
        pub fn get_max_attempts(&self) -> Option<std::num::NonZeroU32> {
            self.settings.max_attempts
        }

        /// Returns the time that each 64 KiB of a request body add to the time limits; `None` when that is inherited.
        pub fn get_body_time(&self) -> Option<std::time::Duration> {
            self.settings.body_time
        }

        /// Tells whether responses compressed with gzip are requested; `None` when that is inherited.
        pub fn get_gzip(&self) -> Option<bool> {
            self.settings.gzip
        }

        /// Returns the names of the custom headers.
        pub fn get_header_names(&self) -> impl Iterator<Item = &str> {
            self.settings.headers.iter().map(|(name, _)| name.as_str())
        }
    };
}

pub(crate) use {call_settings_getters, call_settings_setters};
