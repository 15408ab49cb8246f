use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use rustls::AlertDescription;

use super::connector::ConnectTimedOut;
use super::proxy::ProxyError;
use super::resolver::Unresolved;
use super::tls_reason::reason;
use super::tunnel::ProxyRefused;
use crate::error::chain;
use crate::{BoxError, Error, ErrorKind};

/// Says why a connection could not be opened; shared by the calls that waited for it.
#[derive(Debug, Clone)]
pub(super) struct ConnectFailure {
    kind: ErrorKind,
    has_timed_out: bool,
    is_unresolved: bool,
    reason: Option<Arc<str>>,
    source: Arc<dyn StdError + Send + Sync>,
}

impl From<BoxError> for ConnectFailure {
    fn from(source: BoxError) -> Self {
        let has_timed_out = chain(&*source).any(|error| error.is::<ConnectTimedOut>());
        let is_unresolved = chain(&*source).any(|error| error.is::<Unresolved>());
        let is_tls = chain(&*source).any(|error| error.is::<rustls::Error>());
        let is_refused_by_proxy = chain(&*source).any(|error| {
            error.is::<ProxyError>()
                || error.downcast_ref::<ProxyRefused>().is_some_and(|refused| !refused.is_temporary)
        });
        let kind = match (is_tls && !has_timed_out, is_refused_by_proxy) {
            (true, _) => ErrorKind::Tls,
            (_, true) => ErrorKind::Proxy,
            _ => ErrorKind::Connect,
        };
        let reason = reason_of(&*source).map(Into::into);
        Self { kind, has_timed_out, is_unresolved, reason, source: source.into() }
    }
}

impl ConnectFailure {
    /// Tells whether the calls that waited during the attempt would only meet the same failure in their own: it took
    /// as long as they may wait, the name does not resolve, or the server's certificate is not trusted.
    pub(super) fn concerns_all(&self) -> bool {
        self.has_timed_out || self.is_unresolved || matches!(self.kind, ErrorKind::Tls | ErrorKind::Proxy)
    }

    pub(super) fn into_error(self) -> Error {
        let mut error = Error::new(self.kind, Some(Box::new(Shared(self.source))));
        if let Some(reason) = self.reason {
            error = error.because(&*reason);
        }
        if self.is_unresolved { error.unresolved() } else { error }
    }
}

/// Says why no connection could be made, where the message has to tell more than its source.
pub(super) fn reason_of(source: &(dyn StdError + 'static)) -> Option<String> {
    chain(source).find_map(|cause| {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(reason(tls));
        }
        if cause.is::<ProxyRefused>() || cause.is::<ProxyError>() {
            return Some(cause.to_string());
        }
        // tokio-rustls has no type for it.
        let io = cause.downcast_ref::<io::Error>()?;
        (io.kind() == io::ErrorKind::UnexpectedEof && io.to_string() == "tls handshake eof").then(|| {
            "it closed the connection during the TLS handshake: check the port, and whether it speaks TLS"
                .to_owned()
        })
    })
}

/// An error that several calls have in common.
struct Shared(Arc<dyn StdError + Send + Sync>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Says what an error on an open connection proves about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server retires the connection and has not looked at the request: another connection takes it.
    Moves,
    /// The server has refused the request unprocessed.
    Refused,
    /// The server has rejected the TLS handshake or the client's certificate.
    Tls,
    /// The request may have been executed.
    Ambiguous,
}

/// Sorts an error by what it proves. `is_new` says that no response has come over the connection yet.
pub(super) fn verdict(error: &hyper::Error, is_new: bool) -> Verdict {
    // hyper says "canceled" only of a request that it still had in its queue.
    if error.is_canceled() {
        return Verdict::Moves;
    }
    for cause in chain(error) {
        if let Some(h2) = cause.downcast_ref::<h2::Error>() {
            // h2 gives the GOAWAY of the server only to streams above the last one that the server names: those below
            // end with the connection, as a broken pipe.
            if h2.is_go_away() && h2.is_remote() {
                let retires = h2.reason() == Some(h2::Reason::NO_ERROR);
                return if retires { Verdict::Moves } else { Verdict::Refused };
            }
            if h2.is_remote() && h2.reason() == Some(h2::Reason::REFUSED_STREAM) {
                return Verdict::Refused;
            }
        }
    }
    if is_new && rejects_tls(error) { Verdict::Tls } else { Verdict::Ambiguous }
}

/// Tells whether an error of a new connection is an alert that ends the handshake.
pub(super) fn rejects_tls(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| {
        matches!(cause.downcast_ref(), Some(rustls::Error::AlertReceived(alert)) if rejects_handshake(*alert))
    })
}

/// Tells whether an alert ends the handshake. With TLS 1.3 it may come after the client has begun to send.
fn rejects_handshake(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::IllegalParameter
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::ProtocolVersion
            | AlertDescription::InsufficientSecurity
            | AlertDescription::MissingExtension
            | AlertDescription::UnrecognisedName
            | AlertDescription::CertificateRequired
            | AlertDescription::NoApplicationProtocol
    )
}
