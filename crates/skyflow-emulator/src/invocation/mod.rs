//! Calls of a connection: the rules of its route applied to request and response.

mod document;
mod fields;
mod forward;
#[cfg(feature = "server")]
mod send;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Response, StatusCode};
use skyflow_http::{Body, form_pairs};
use skyflow_types::ERROR_FROM_CLIENT;

use self::document::Document;
use self::fields::transform;
use self::forward::{Incoming, Outgoing, echo, passed_on};
#[cfg(feature = "server")]
use self::send::{Failure, send};
use crate::auth::{Caller, Permission};
use crate::clock::Now;
use crate::connections::{Content, Route, Rule, Target};
use crate::errors::{ApiError, ApiResult};
use crate::operations::Reply;
use crate::request_body;
use crate::routes::Parameters;
use crate::state::State;

/// Whether it was the target that failed, and not the vault.
const FROM_CLIENT: HeaderName = HeaderName::from_static(ERROR_FROM_CLIENT);

/// The values of a path's parameters.
type PathValues = Vec<(String, String)>;

/// A call, read as far as every step needs it.
struct Call {
    parts: Parts,
    route: Arc<Route>,
    path_values: PathValues,
    body: Bytes,
}

/// Serves a call of a connection; also returns the caller where it is known.
pub(crate) async fn invoke(
    state: Arc<State>,
    parts: Parts,
    is_outbound: bool,
    parameters: Parameters,
    body: Body,
    now: Now,
) -> (Option<Caller>, ApiResult<Reply>) {
    let known = {
        let (state, headers) = (Arc::clone(&state), parts.headers.clone());
        off_thread(move || authenticate(&state, &headers, now)).await
    };
    let caller = match known {
        Ok(caller) => caller,
        Err(error) => return (None, Err(error)),
    };
    let outcome = match caller.require(Permission::InvokeConnection) {
        Ok(()) => serve(state, parts, is_outbound, &parameters, body, now).await,
        Err(error) => Err(error),
    };
    (Some(caller), outcome)
}

fn authenticate(state: &State, headers: &HeaderMap, now: Now) -> ApiResult<Caller> {
    let credential = headers.get("x-skyflow-authorization").and_then(|value| value.to_str().ok());
    state.bearer_tokens.authenticate_credential(&state.store, credential.unwrap_or_default().trim(), now)
}

async fn serve(
    state: Arc<State>,
    parts: Parts,
    is_outbound: bool,
    parameters: &Parameters,
    body: Body,
    now: Now,
) -> ApiResult<Reply> {
    let id = parameters.get("connection_id");
    let connection = state.connections.find(id, is_outbound).ok_or_else(ApiError::no_such_resource)?;
    let path = PathAndQuery::try_from(parameters.get("route")).map_err(|_| ApiError::no_such_resource())?;
    let (route, path_values) = find_route(connection.routes(), &parts, &path)?;
    if let Some(gap) = route.gap {
        let text = format!("The embedded vault does not emulate {gap}.");
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, text));
    }
    #[cfg(not(feature = "server"))]
    if let Target::Server(_) = connection.target() {
        // Before a rule of the route stores a value.
        return Err(forwarding_is_missing());
    }
    let body = request_body::read(body, state.body_limit, &*state.clock).await?;
    let call = Call { route, parts, path_values, body };
    let (call, outgoing) = {
        let state = Arc::clone(&state);
        off_thread(move || prepare(&state, call, now)).await?
    };
    let incoming = match connection.target() {
        Target::Echo => echo(&outgoing),
        Target::Caller => {
            let headers = content_type_of(&outgoing.headers);
            Incoming { status: StatusCode::OK, headers, body: outgoing.body }
        }
        #[cfg(feature = "server")]
        Target::Server(base) => match send(&state, base, outgoing).await {
            Ok(incoming) => incoming,
            Err(failure) => return Ok(failed_target(&failure)),
        },
        #[cfg(not(feature = "server"))]
        Target::Server(_) => return Err(forwarding_is_missing()),
    };
    if !incoming.status.is_success() {
        return Ok(reply(incoming, true));
    }
    let finished = {
        let state = Arc::clone(&state);
        off_thread(move || finish(&state, &call, incoming, now)).await?
    };
    Ok(finished)
}

#[cfg(not(feature = "server"))]
fn forwarding_is_missing() -> ApiError {
    ApiError::missing_feature("server")
}

/// Finds the route that a method and a path mean, and the values of its parameters.
fn find_route(
    routes: &[Arc<Route>],
    parts: &Parts,
    path: &PathAndQuery,
) -> ApiResult<(Arc<Route>, PathValues)> {
    let mut has_path = false;
    for route in routes {
        let Some(values) = route.path.values_in(path) else { continue };
        if route.method == parts.method {
            return Ok((Arc::clone(route), values));
        }
        has_path = true;
    }
    Err(match has_path {
        true => ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "The request method isn't allowed for the requested resource.",
        ),
        false => ApiError::no_such_resource(),
    })
}

/// Applies the rules for the request and writes what goes out.
fn prepare(state: &State, mut call: Call, now: Now) -> ApiResult<(Call, Outgoing)> {
    let route = Arc::clone(&call.route);
    let mut path = Document::pairs(std::mem::take(&mut call.path_values));
    let mut query = Document::pairs(form_pairs(call.parts.uri.query().unwrap_or_default()));
    let mut headers = passed_on(&call.parts.headers);
    let mut named = header_pairs(&headers);
    let mut body = readable(&route, &route.request_body, &call.body)
        .ok_or_else(|| ApiError::bad_request("Invalid request. The body is not what the route expects."))?;
    transform(
        state,
        now,
        &route.upserts,
        &mut [
            (&route.url, &mut path),
            (&route.query, &mut query),
            (&route.request_header, &mut named),
            (&route.request_body, body.as_mut().unwrap_or(&mut Document::Pairs(Vec::new()))),
        ],
    )?;
    set_headers(&mut headers, &route.request_header, named)?;
    let path = path.into_pairs();
    let value_of = |name: &str| path.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let unfit = || ApiError::bad_request("Invalid request. The path of the route cannot be made.");
    let mut target = route.path.fill(value_of).map_err(|_| unfit())?;
    for (name, value) in query.into_pairs() {
        target = target.query(&name, &value);
    }
    let outgoing = Outgoing {
        method: call.parts.method.clone(),
        target: target.finish().map_err(|_| unfit())?,
        headers,
        body: written(body).unwrap_or_else(|| call.body.clone()),
    };
    Ok((call, outgoing))
}

/// Applies the rules for the response.
fn finish(state: &State, call: &Call, mut incoming: Incoming, now: Now) -> ApiResult<Reply> {
    let route = &call.route;
    let Some(mut body) = readable(route, &route.response_body, &incoming.body) else {
        return Ok(made(StatusCode::BAD_GATEWAY, "The target's response is not what the route expects."));
    };
    let mut named = header_pairs(&incoming.headers);
    transform(
        state,
        now,
        &route.upserts,
        &mut [
            (&route.response_header, &mut named),
            (&route.response_body, body.as_mut().unwrap_or(&mut Document::Pairs(Vec::new()))),
        ],
    )?;
    set_headers(&mut incoming.headers, &route.response_header, named)?;
    if let Some(body) = written(body) {
        incoming.body = body;
    }
    Ok(reply(incoming, false))
}

/// Reads a body where a rule needs it: `Some(None)` when it passes untouched, `None` when it cannot be read.
fn readable(route: &Route, rules: &[Rule], body: &Bytes) -> Option<Option<Document>> {
    if rules.is_empty() || body.is_empty() {
        return Some(None);
    }
    match route.content {
        Content::Json => serde_json::from_slice(body).ok().map(|json| Some(Document::Json(json))),
        Content::Form => std::str::from_utf8(body).ok().map(|text| Some(Document::from_form(text))),
        Content::Unknown => Some(None),
    }
}

fn written(body: Option<Document>) -> Option<Bytes> {
    match body? {
        Document::Json(json) => Some(json.to_string().into()),
        form @ Document::Pairs(_) => Some(form.into_form().into()),
    }
}

fn header_pairs(headers: &HeaderMap) -> Document {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Document::pairs(headers.iter().map(|(name, value)| (name.to_string(), text(value))))
}

/// Takes over the headers that a rule names; every other header keeps its bytes.
fn set_headers(headers: &mut HeaderMap, rules: &[Rule], named: Document) -> ApiResult<()> {
    let changed = |name: &str| rules.iter().any(|rule| rule.path.iter().any(|known| known == name));
    for (name, value) in named.into_pairs().into_iter().filter(|(name, _)| changed(name)) {
        let unfit = || ApiError::bad_request("Invalid request. A value is not allowed in a header.");
        let name = HeaderName::try_from(name).map_err(|_| unfit())?;
        headers.insert(name, HeaderValue::try_from(value).map_err(|_| unfit())?);
    }
    Ok(())
}

fn content_type_of(headers: &HeaderMap) -> HeaderMap {
    headers.get(CONTENT_TYPE).map(|value| (CONTENT_TYPE, value.clone())).into_iter().collect()
}

#[cfg(feature = "server")]
fn failed_target(failure: &Failure) -> Reply {
    match failure {
        Failure::Unreachable => made(StatusCode::BAD_GATEWAY, "The target cannot be reached."),
        Failure::Slow => made(StatusCode::GATEWAY_TIMEOUT, "The target did not respond in time."),
        Failure::Broken => made(StatusCode::BAD_GATEWAY, "The target broke the connection off."),
    }
}

/// Builds the error of the vault about a failure of the target.
fn made(status: StatusCode, text: &str) -> Reply {
    let body = ApiError::new(status, text).body("").to_string();
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    reply(Incoming { status, headers, body: body.into() }, true)
}

fn reply(incoming: Incoming, is_fault_of_target: bool) -> Reply {
    let mut response = Response::new(Body::from(incoming.body));
    *response.status_mut() = incoming.status;
    *response.headers_mut() = incoming.headers;
    response.headers_mut().remove(&FROM_CLIENT);
    if is_fault_of_target {
        response.headers_mut().insert(FROM_CLIENT, HeaderValue::from_static("true"));
    }
    Reply::made(response)
}

/// Runs work that touches the store away from the threads of an async runtime, where there is one.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> ApiResult<T> + Send + 'static) -> ApiResult<T> {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.unwrap_or_else(|_| Err(ApiError::internal())),
        Err(_) => work(),
    }
}
