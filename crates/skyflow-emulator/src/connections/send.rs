use std::sync::Arc;
use std::time::Duration;

use skyflow_http::layers::{AttemptTimeoutLayer, ResponseMetaLayer};
use skyflow_http::{BaseUri, Body, DynLayer, Error, ErrorKind, HttpService, Request, Transport};

use super::Connections;
use super::forward::{Incoming, Outgoing, passed_on};
use crate::state::State;

/// The time limit for a target.
const LIMIT: Duration = Duration::from_secs(30);

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
    let response = client(&state.connections, state).send(request).await.map_err(|error| {
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

fn client(connections: &Connections, state: &State) -> HttpService {
    let make = || {
        let layers = [
            DynLayer::new(AttemptTimeoutLayer::new(LIMIT, Arc::clone(&state.clock))),
            DynLayer::new(ResponseMetaLayer::new(state.body_limit)),
        ];
        DynLayer::stack(&layers, Transport::new().into_service())
    };
    connections.client.get_or_init(make).clone()
}
