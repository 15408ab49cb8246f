use skyflow_http::{BaseUri, Body, Error, ErrorKind, Request};

use super::forward::{Incoming, Outgoing, passed_on};
use crate::state::State;

/// Why a target sent no response.
pub(super) enum Failure {
    Unreachable,
    Slow,
    Broken,
}

/// Sends a request on. No redirect is followed.
pub(super) async fn send(state: &State, base: &BaseUri, outgoing: Outgoing) -> Result<Incoming, Failure> {
    let uri = base.join(&outgoing.target).map_err(|_| Failure::Broken)?;
    let mut request = Request::new(Body::from(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = outgoing.headers;
    let response =
        state.connections.client(&state.clock, state.body_limit).send(request).await.map_err(|error| {
            match error.downcast_ref::<Error>().map(Error::kind) {
                Some(kind) if kind.is_not_sent() => Failure::Unreachable,
                Some(ErrorKind::AttemptTimeout) => Failure::Slow,
                _ => Failure::Broken,
            }
        })?;
    let (parts, body) = response.into_parts();
    let body = body.collect(state.body_limit).await.map_err(|_| Failure::Broken)?;
    Ok(Incoming { status: parts.status, headers: passed_on(&parts.headers), body })
}
