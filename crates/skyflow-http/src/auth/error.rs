use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use skyflow_types::RequestId;

use super::sanitize;
use crate::{BoxError, Error, ErrorKind};

/// Says why there is no token for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorKind {
    /// The credentials cannot be used; nothing was sent. The source says which part of them.
    Credentials,
    /// The token endpoint refused them (`invalid_grant`, 400, 401, 403 …): the same call will be refused again.
    Rejected,
    /// The token endpoint could not be reached or failed (5xx, 429, IO), after the retries.
    Unavailable,
    /// The response of the token endpoint holds no token.
    Decode,
    /// A provider of the caller's own failed.
    Provider,
    /// The request goes to a host the token is not meant for; it was not sent.
    ForeignHost,
}

impl TokenErrorKind {
    /// Returns the name for logs and metrics, such as `rejected`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Decode => "decode",
            Self::Provider => "provider",
            Self::ForeignHost => "foreign_host",
        }
    }
}

/// Reports that no token could be obtained, so the request was not sent.
///
/// Cloning shares it: callers that waited for one exchange get the same error. It holds no key, token, assertion,
/// URL or body; the server's message is cleaned of control characters and of anything that looks like a token.
#[derive(Clone)]
pub struct TokenError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: TokenErrorKind,
    text: &'static str,
    status: Option<StatusCode>,
    request_id: Option<RequestId>,
    server_message: Option<Box<str>>,
    server_code: Option<Box<str>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TokenError {
    /// Describes a failure; `text` is one lowercase clause that holds no value.
    pub fn new(kind: TokenErrorKind, text: &'static str) -> Self {
        Self(Arc::new(Inner {
            kind,
            text,
            status: None,
            request_id: None,
            server_message: None,
            server_code: None,
            source: None,
        }))
    }

    /// Reports credentials that cannot be used.
    pub fn credentials(source: impl Into<BoxError>) -> Self {
        Self::new(TokenErrorKind::Credentials, "the credentials cannot be used").with_source(source)
    }

    /// Reports the failure of a provider of your own.
    pub fn provider(source: impl Into<BoxError>) -> Self {
        Self::new(TokenErrorKind::Provider, "the token provider failed").with_source(source)
    }

    /// Reports an exchange that got no response.
    pub fn unavailable(source: impl Into<BoxError>) -> Self {
        Self::unavailable_because("the token endpoint could not be reached", source)
    }

    /// Reports an exchange that got no response, with a clause that says why.
    pub fn unavailable_because(text: &'static str, source: impl Into<BoxError>) -> Self {
        Self::new(TokenErrorKind::Unavailable, text).with_source(Transport(source.into()))
    }

    pub(crate) fn foreign_host() -> Self {
        Self::new(TokenErrorKind::ForeignHost, "the request goes to a host that the token is not meant for")
    }

    /// Adds the cause.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner().source = Some(source.into().into());
        self
    }

    /// Adds status and request id of the token endpoint's response.
    pub fn with_response(mut self, status: StatusCode, request_id: Option<RequestId>) -> Self {
        let inner = self.inner();
        (inner.status, inner.request_id) = (Some(status), request_id);
        self
    }

    /// Adds the server's message, cleaned and cut at 512 characters.
    pub fn with_server_message(mut self, message: &str) -> Self {
        self.inner().server_message = Some(sanitize::message(message).into());
        self
    }

    /// Adds the code in the body of the server's response, cleaned like its message.
    pub fn with_server_code(mut self, code: &str) -> Self {
        self.inner().server_code = Some(sanitize::message(code).into());
        self
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// Returns the reason.
    pub fn kind(&self) -> TokenErrorKind {
        self.0.kind
    }

    /// Tells whether the same call can succeed later without a change of credentials or configuration.
    pub fn is_retryable(&self) -> bool {
        // Trust in a certificate does not come by itself.
        let transport = self.0.source.as_deref().and_then(|source| source.downcast_ref::<Transport>());
        let cause = transport.and_then(|Transport(cause)| cause.downcast_ref::<Error>());
        let untrusted = cause.is_some_and(|cause| cause.kind() == ErrorKind::Tls);
        self.0.kind == TokenErrorKind::Unavailable && !untrusted
    }

    /// Returns the status of the token endpoint's response, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the request id of the token endpoint's response.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns the token endpoint's message, cleaned and at most 512 characters long.
    pub fn server_message(&self) -> Option<&str> {
        self.0.server_message.as_deref()
    }

    /// Returns the code in the body of the token endpoint's response, such as a gRPC code.
    pub fn server_code(&self) -> Option<&str> {
        self.0.server_code.as_deref()
    }

    /// Tells whether both are one failure, met by several callers.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Finds the first error of this type in a chain of sources.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&e| e.source()).find_map(|e| e.downcast_ref())
    }
}

impl fmt::Debug for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenError")
            .field("kind", &self.0.kind)
            .field("status", &self.0.status)
            .field("request_id", &self.0.request_id)
            .field("server_message", &self.0.server_message)
            .field("server_code", &self.0.server_code)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text)?;
        if let Some(status) = self.0.status {
            write!(f, ", status {}", status.as_u16())?;
        }
        match self.server_message() {
            Some(message) if !message.is_empty() => write!(f, ": {message}"),
            _ => Ok(()),
        }
    }
}

impl StdError for TokenError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|error| error as _)
    }
}

/// Hides the type of the exchange's transport error from code that walks the chain.
///
/// An outer layer that looks for an [`Error`] decides with it whether the *call* may be sent again and whether it may
/// have been applied; the fate of the exchange says nothing about either.
struct Transport(BoxError);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Transport {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let below = self.0.source()?;
        Error::find(below).is_none().then_some(below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchange_errors_are_not_taken_for_call_errors() {
        let io = Error::new(ErrorKind::Io, Some("reset by peer".into()));
        let error = TokenError::unavailable(io);
        assert!(Error::find(&error).is_none());
        let chain: Vec<String> = std::iter::successors(Some(&error as &dyn StdError), |&e| e.source())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            chain,
            [
                "the token endpoint could not be reached",
                "the connection failed while the request was in flight",
                "reset by peer"
            ]
        );
    }

    #[test]
    fn token_errors_can_change_threads() {
        fn check<T: StdError + Send + Sync + Clone + 'static>() {}
        check::<TokenError>();
    }
}
