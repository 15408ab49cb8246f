use std::error::Error as StdError;
use std::{fmt, io};

use crate::SendBodyError;

/// The error type of tower services: anything that is an error and can change threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Says why a request got no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No connection: name resolution, TCP, proxy, or the connect timeout.
    Connect,
    /// No connection because the proxy does not open one, or the environment names a proxy that cannot be used. A proxy
    /// that could not reach the server is [`ErrorKind::Connect`].
    Proxy,
    /// No connection because TLS failed: certificate, host name, protocol version.
    Tls,
    /// The server turned the request away before it looked at it (HTTP/2 `REFUSED_STREAM`, `GOAWAY`).
    Refused,
    /// The connection broke, or spoke broken HTTP, while the request was on its way.
    Io,
    /// One attempt took longer than the attempt timeout.
    AttemptTimeout,
    /// The whole call took longer than its deadline.
    DeadlineExceeded,
    /// The response is larger than the limit.
    BodyTooLarge,
    /// The body of the request could not be read to its end, or has another length than announced, so the server has
    /// not received the request. The `source()` is a [`SendBodyError`](crate::SendBodyError).
    RequestBody,
    /// No byte of the request or of the response moved for a while, after the transfer had begun.
    Stalled,
}

impl ErrorKind {
    /// Tells whether this failure proves that the server did not act on the request.
    pub const fn is_not_sent(self) -> bool {
        matches!(self, Self::Connect | Self::Proxy | Self::Tls | Self::Refused | Self::RequestBody)
    }

    /// Returns the name for logs and metrics, such as `attempt_timeout`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Refused => "refused",
            Self::Io => "io",
            Self::AttemptTimeout => "attempt_timeout",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::BodyTooLarge => "body_too_large",
            Self::RequestBody => "request_body",
            Self::Stalled => "stalled",
        }
    }
}

/// Reports a request that got no response.
///
/// It carries no byte of request or response, and of the URL host and port at most. The cause, where there is one, is
/// its `source()`.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    text: &'static str,
    may_have_been_applied: bool,
    server: Option<Box<str>>,
    unresolved: bool,
    reason: Option<Box<str>>,
    source: Option<BoxError>,
}

impl Error {
    /// Describes a failure; custom layers and transports use it to take part in the retry decision.
    ///
    /// `may_have_been_applied` starts as the kind implies: false where the request was certainly not sent.
    pub fn new(kind: ErrorKind, source: Option<BoxError>) -> Self {
        let text = match kind {
            ErrorKind::Connect => "could not connect to",
            ErrorKind::Proxy => "could not connect through a proxy to",
            ErrorKind::Tls => "could not make a trusted TLS connection to",
            ErrorKind::Refused => "the server refused the request before processing it",
            ErrorKind::Io => "the connection failed while the request was in flight",
            ErrorKind::AttemptTimeout => "the attempt timed out",
            ErrorKind::DeadlineExceeded => "the deadline of the call passed",
            ErrorKind::BodyTooLarge => "the response is larger than the limit",
            ErrorKind::RequestBody => "the body of the request could not be sent",
            ErrorKind::Stalled => "the transfer stalled",
        };
        let may_have_been_applied = !kind.is_not_sent();
        Self(Box::new(Inner {
            kind,
            text,
            may_have_been_applied,
            server: None,
            unresolved: false,
            reason: None,
            source,
        }))
    }

    /// Names the server that could not be connected to, as in `host:443`.
    pub fn with_server(mut self, host_and_port: impl Into<Box<str>>) -> Self {
        self.0.server = Some(host_and_port.into());
        self
    }

    /// Says why there is no connection, and what to do: one clause that holds no value.
    pub fn because(mut self, reason: impl Into<Box<str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Says that the name of the server does not resolve.
    pub fn unresolved(mut self) -> Self {
        self.0.unresolved = true;
        self
    }

    /// Tells whether no connection could be made because the name of the server does not resolve.
    pub fn is_unresolved(&self) -> bool {
        self.0.unresolved
    }

    pub(crate) fn body_too_large() -> Self {
        Self::new(ErrorKind::BodyTooLarge, None)
    }

    /// An error that a body ended with: a typed one of the transport, or the connection failed.
    pub(crate) fn body(source: BoxError) -> Self {
        if source.is::<SendBodyError>() {
            return Self::new(ErrorKind::RequestBody, Some(source));
        }
        match source.downcast::<Self>() {
            Ok(own) => *own,
            Err(source) => Self::new(ErrorKind::Io, Some(source)),
        }
    }

    pub(crate) fn deadline(may_have_been_applied: bool) -> Self {
        let mut error = Self::new(ErrorKind::DeadlineExceeded, None);
        error.0.may_have_been_applied = may_have_been_applied;
        error
    }

    pub(crate) fn ambiguous_if(mut self, earlier_attempt_may_have_been_applied: bool) -> Self {
        self.0.may_have_been_applied |= earlier_attempt_may_have_been_applied;
        self
    }

    /// Returns the reason.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Tells whether the server may have acted on the request although no response arrived.
    ///
    /// When it is false, the request was certainly not executed.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// Finds the first error of this type in a chain of sources.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|e| e.downcast_ref())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("may_have_been_applied", &self.0.may_have_been_applied)
            .field("server", &self.0.server)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.0.server.as_deref().unwrap_or("the server");
        match self.0.kind {
            ErrorKind::Connect if self.0.unresolved => write!(f, "the name of {server} does not resolve"),
            ErrorKind::Connect | ErrorKind::Proxy | ErrorKind::Tls => write!(f, "{} {server}", self.0.text),
            _ => f.write_str(self.0.text),
        }?;
        match &self.0.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

/// Walks an error and its sources. `io::Error::source` skips the error it wraps, so that error is read explicitly.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsent_requests_are_not_applied() {
        for (kind, applied) in [
            (ErrorKind::Connect, false),
            (ErrorKind::Proxy, false),
            (ErrorKind::Tls, false),
            (ErrorKind::Refused, false),
            (ErrorKind::Io, true),
            (ErrorKind::AttemptTimeout, true),
            (ErrorKind::DeadlineExceeded, true),
            (ErrorKind::BodyTooLarge, true),
            (ErrorKind::RequestBody, false),
            (ErrorKind::Stalled, true),
        ] {
            assert_eq!(Error::new(kind, None).may_have_been_applied(), applied, "{kind:?}");
        }
    }

    #[test]
    fn an_error_is_found_below_other_errors() {
        let outer = std::io::Error::other(Error::new(ErrorKind::Io, None));
        assert_eq!(Error::find(&outer).unwrap().kind(), ErrorKind::Io);
    }
}
