use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use skyflow_http::BoxError;
use skyflow_types::RequestId;

use crate::CredentialsError;

/// Says why there is no token for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The credentials cannot be used; nothing was sent. The source is a [`CredentialsError`].
    Credentials,
    /// The token endpoint refused them (`invalid_grant`, 400, 401, 403 …): the same call will be refused again.
    Rejected,
    /// The token endpoint could not be reached or failed (5xx, 429, IO), after the retries.
    Unavailable,
    /// The token endpoint answered something that is no token.
    Decode,
    /// A provider of the caller's own failed.
    Provider,
    /// The request goes to a host the token is not meant for; it was not sent.
    ForeignHost,
}

/// Reports that no token could be had, so the request was not sent.
///
/// Cloning shares it: callers that waited for one exchange get the same error. It holds no key, token, assertion,
/// URL or body; what the server said is cleaned of control characters and of anything that looks like a token.
#[derive(Clone)]
pub struct AuthError(Arc<Inner>);

struct Inner {
    kind: AuthErrorKind,
    text: &'static str,
    status: Option<StatusCode>,
    request_id: Option<RequestId>,
    server: Option<ServerError>,
    source: Option<BoxError>,
}

/// What the token endpoint said about its refusal.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    pub(crate) message: Box<str>,
    pub(crate) grpc_code: Option<i64>,
}

impl AuthError {
    fn with(kind: AuthErrorKind, text: &'static str, source: Option<BoxError>) -> Self {
        Self(Arc::new(Inner { kind, text, status: None, request_id: None, server: None, source }))
    }

    /// Reports the failure of a provider of your own.
    pub fn provider(source: impl Into<BoxError>) -> Self {
        Self::with(AuthErrorKind::Provider, "the token provider failed", Some(source.into()))
    }

    pub(crate) fn unavailable(source: BoxError) -> Self {
        let text = "the token endpoint could not be reached";
        Self::with(AuthErrorKind::Unavailable, text, Some(Box::new(Transport(source))))
    }

    pub(crate) fn early_refresh_too_slow() -> Self {
        let text = "the token endpoint did not answer an early refresh in time";
        Self::with(AuthErrorKind::Unavailable, text, None)
    }

    pub(crate) fn foreign_host() -> Self {
        let text = "the request goes to a host that the token is not meant for";
        Self::with(AuthErrorKind::ForeignHost, text, None)
    }

    pub(crate) fn signing() -> Self {
        Self::with(AuthErrorKind::Credentials, "the private key could not sign", None)
    }

    pub(crate) fn answer(
        kind: AuthErrorKind,
        text: &'static str,
        status: StatusCode,
        request_id: Option<RequestId>,
        server: Option<ServerError>,
    ) -> Self {
        Self(Arc::new(Inner { kind, text, status: Some(status), request_id, server, source: None }))
    }

    /// Returns the reason.
    pub fn kind(&self) -> AuthErrorKind {
        self.0.kind
    }

    /// Tells whether the same call can succeed later without a change of credentials or configuration.
    pub fn is_retryable(&self) -> bool {
        // A certificate that is not trusted does not mend itself.
        let transport = self.0.source.as_deref().and_then(|source| source.downcast_ref::<Transport>());
        let cause = transport.and_then(|Transport(cause)| cause.downcast_ref::<skyflow_http::Error>());
        let untrusted = cause.is_some_and(|cause| cause.kind() == skyflow_http::ErrorKind::Tls);
        self.0.kind == AuthErrorKind::Unavailable && !untrusted
    }

    /// Returns the status of the token endpoint's answer, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the request id of the token endpoint's answer.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns what the token endpoint said, cleaned and at most 512 characters long.
    pub fn server_message(&self) -> Option<&str> {
        self.0.server.as_ref().map(|server| &*server.message)
    }

    /// Returns the gRPC code in the token endpoint's answer.
    pub fn grpc_code(&self) -> Option<i64> {
        self.0.server.as_ref().and_then(|server| server.grpc_code)
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

impl From<CredentialsError> for AuthError {
    fn from(error: CredentialsError) -> Self {
        Self::with(AuthErrorKind::Credentials, "the credentials cannot be used", Some(Box::new(error)))
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError")
            .field("kind", &self.0.kind)
            .field("status", &self.0.status)
            .field("request_id", &self.0.request_id)
            .field("server", &self.0.server)
            .field("source", &self.0.source)
            .finish()
    }
}

impl fmt::Display for AuthError {
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

impl StdError for AuthError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|error| error as _)
    }
}

/// Hides the type of the exchange's transport error from whoever walks the chain.
///
/// An outer layer that looks for a `skyflow_http::Error` decides with it whether the *call* may be sent again and
/// whether it may have been applied; the fate of the exchange says nothing about either.
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
        skyflow_http::Error::find(below).is_none().then_some(below)
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::ErrorKind;

    use super::*;

    #[test]
    fn the_transport_error_of_an_exchange_is_not_taken_for_one_of_the_call() {
        let io = skyflow_http::Error::new(ErrorKind::Io, Some("reset by peer".into()));
        let error = AuthError::unavailable(io.into());
        assert!(skyflow_http::Error::find(&error).is_none());
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
    fn errors_can_change_threads() {
        fn check<T: StdError + Send + Sync + Clone + 'static>() {}
        check::<AuthError>();
        check::<CredentialsError>();
    }
}
