use http::Uri;
use hyper_util::client::legacy;

use super::connector::ConnectTimedOut;
use super::resolver::Unresolved;
use crate::error::chain;
use crate::{Error, ErrorKind};

/// Describes a failed request to `uri`, of which only host and port are kept.
pub(super) fn describe(error: legacy::Error, uri: &Uri) -> Error {
    let unresolved = chain(&error).any(|e| e.is::<Unresolved>());
    let described = Error::new(kind_of(&error), Some(error.into()));
    let described = if unresolved { described.unresolved() } else { described };
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
    match uri.host() {
        Some(host) => described.with_server(format!("{host}:{port}")),
        None => described,
    }
}

/// Sorts an error of the client by what it proves about the request.
fn kind_of(error: &legacy::Error) -> ErrorKind {
    if error.is_connect() {
        let tls = chain(error).any(|e| e.is::<rustls::Error>());
        let timed_out = chain(error).any(|e| e.is::<ConnectTimedOut>());
        return if tls && !timed_out { ErrorKind::Tls } else { ErrorKind::Connect };
    }
    // The client itself turned the request away: it has no absolute URI, or its connection was given up unused.
    if std::error::Error::source(error).is_none() {
        return ErrorKind::Refused;
    }
    let never_started = chain(error).any(|e| {
        // hyper says "canceled" only of a request that it still had in its queue.
        e.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
            || e.downcast_ref::<h2::Error>().is_some_and(refused)
    });
    if never_started { ErrorKind::Refused } else { ErrorKind::Io }
}

fn refused(error: &h2::Error) -> bool {
    // h2 gives a GOAWAY without an error only to streams above the last one that the server names.
    let shut_out = error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
    shut_out || error.reason() == Some(h2::Reason::REFUSED_STREAM)
}
