use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    self, CONTENT_DISPOSITION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, SERVER, USER_AGENT,
};
use http::request::Parts;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use skyflow_http::{Body, Error};
use skyflow_testkit::{Fault, Peer, Plan, Random, Verdict};
use skyflow_types::ERROR_FROM_CLIENT;
use tower_service::Service;

use crate::audit::{AuditDetails, Observed};
use crate::auth::Caller;
use crate::clock::Now;
use crate::cors;
use crate::errors::{ApiError, ApiResult};
use crate::invocation;
use crate::journal::{JournalCaller, JournalEntry};
use crate::operations::{self, Call, QueryParameters, Reply, ReplyBody};
use crate::request_body;
use crate::routes::{self, Operation, Parameters, Target};
use crate::state::State;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");
const EMULATOR: header::HeaderName = header::HeaderName::from_static("x-emulator");
const FROM_CLIENT: header::HeaderName = header::HeaderName::from_static(ERROR_FROM_CLIENT);
const FAULT: &str = "x-emulator-fault";
const METADATA: &str = "sky-metadata";

/// The vault as a tower service: it serves HTTP requests without a socket.
///
/// It is cheap to clone, always ready, and needs no tokio runtime; where there is one, the work is done on its
/// blocking threads. It fails only where a fault was injected that closes the connection: then as a connection that
/// broke while the request was in flight.
#[derive(Clone)]
pub struct VaultService(pub(crate) Arc<State>);

impl fmt::Debug for VaultService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultService")
    }
}

impl Service<Request<Body>> for VaultService {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(respond(Arc::clone(&self.0), request))
    }
}

async fn respond(state: Arc<State>, request: Request<Body>) -> Result<Response<Body>, Error> {
    let now = state.now();
    let (parts, body) = request.into_parts();
    let path = routes::without_host_segment(parts.uri.path()).to_owned();
    let target =
        routes::find(&parts.method, &path, |operation, parameters| is_known(&state, operation, parameters));
    let is_called_by_pages = target != Target::Unknown && !path.starts_with(routes::CONTROL);
    let allowed = state.origins.allowed(&parts.headers).filter(|_| is_called_by_pages);
    if is_called_by_pages && cors::is_preflight(&parts) {
        let response = cors::preflight(&parts.headers, allowed);
        return Ok(finish(response, &Plan::default(), &Random::system().uuid()));
    }
    let (operation, called) = match &target {
        Target::Operation(operation, _) => {
            (Some(*operation), Some((operation.name(), operation.path_template())))
        }
        Target::Unsupported(operation) => (None, Some((operation.name, operation.template))),
        Target::OtherMethod | Target::Unknown => (None, None),
    };
    let mut plan = state.faults.plan(&parts.method, &path, called.map(|(name, _)| name));
    let asked = match parts.headers.get(FAULT).map(|value| value.to_str().unwrap_or_default()) {
        Some(text) => match text.parse::<Fault>() {
            Ok(fault) => {
                plan.add(&fault);
                Ok(())
            }
            Err(_) => Err(ApiError::bad_request(format!("The header {FAULT} does not name a fault."))),
        },
        None => Ok(()),
    };
    let mut entry = entry(&parts, called, &plan, now);
    if !plan.latency().is_zero() {
        state.clock.sleep(plan.latency()).await;
    }

    let (method, peer) = (parts.method.clone(), parts.extensions.get::<Peer>().copied());
    let mut known_caller = None;
    let origin = text(&parts.headers, ORIGIN.as_str()).unwrap_or_default();
    let table = match &target {
        Target::Operation(_, parameters) => Some(parameters.get("table_name").to_owned()),
        _ => None,
    };
    let verdict = plan.verdict(|status| {
        let message = status.canonical_reason().unwrap_or("Error");
        response(status, JSON, ApiError::new(status, message).body("").to_string())
    });
    let outcome = match (asked, verdict) {
        (Err(error), _) => Outcome::Refused(error),
        (Ok(()), Verdict::Close) => Outcome::Closed,
        (Ok(()), Verdict::Respond(response)) => Outcome::Made(Box::new(response)),
        (Ok(()), verdict @ (Verdict::Work | Verdict::WorkThenClose)) => {
            let (caller, result) = work(&state, parts, target, body, now).await;
            if let Some(caller) = &caller {
                entry.caller.auth = caller.kind;
                entry.caller.client_id = Some(caller.client_id.clone());
                entry.caller.roles.clone_from(&caller.roles);
                entry.caller.context.clone_from(&caller.context);
            }
            known_caller = caller;
            match (result, verdict) {
                (_, Verdict::WorkThenClose) => Outcome::Closed,
                (Ok(reply), _) => Outcome::Done(reply),
                (Err(error), _) => Outcome::Refused(error),
            }
        }
    };
    let mut outcome = outcome;
    let (mut details, mut problem) = (AuditDetails::default(), None);
    match &mut outcome {
        Outcome::Done(reply) => {
            (entry.records, entry.failed) = (reply.records, reply.failed);
            details = std::mem::take(&mut reply.audit);
        }
        Outcome::Refused(error) => problem = Some(error.message(&entry.request_id)),
        Outcome::Made(_) | Outcome::Closed => {}
    }
    details.table = details.table.or(table.filter(|table| !table.is_empty()));
    let is_connection = operation.is_some_and(Operation::is_connection);
    let is_own_refusal = is_connection && matches!(outcome, Outcome::Refused(_));
    let response =
        outcome.into_response(&entry.request_id).map(|response| finish(response, &plan, &entry.request_id));
    let response = response.map(|mut response| {
        cors::permit(response.headers_mut(), allowed);
        if is_own_refusal {
            response.headers_mut().insert(FROM_CLIENT, HeaderValue::from_static("false"));
        }
        response
    });
    entry.status = response.as_ref().map(Response::status);
    if let (Some(operation), Some(status), false) = (operation, entry.status, details.is_further_page) {
        let observed = Observed {
            operation,
            method: &method,
            // The path of a connection's route may hold values.
            path: if is_connection { operation.path_template() } else { &path },
            request_id: &entry.request_id,
            peer: peer.map(|peer| peer.addr.ip().to_string()).unwrap_or_default(),
            caller: known_caller.as_ref(),
            origin,
            status,
            problem,
            details,
            vault_id: &state.vault_id,
            account_id: &state.account_id,
            received: now,
            finished: state.now(),
        };
        state.audit.add(observed);
    }
    state.journal.add(entry);
    response.ok_or_else(Plan::closed)
}

/// Tells whether the vault has what the path of an operation names, as far as another host has the same path.
fn is_known(state: &State, operation: Operation, path: &Parameters) -> bool {
    match operation {
        Operation::ConnectionsInvokeOutbound => state.connections.has(path.get("connection_id"), true),
        Operation::ConnectionsInvokeInbound => state.connections.has(path.get("connection_id"), false),
        Operation::RecordsList | Operation::RecordsGet => {
            state.schema.table(path.get("table_name")).is_some()
        }
        _ => true,
    }
}

/// What became of a request.
enum Outcome {
    Done(Reply),
    Refused(ApiError),
    Made(Box<Response<Body>>),
    Closed,
}

impl Outcome {
    fn into_response(self, request_id: &str) -> Option<Response<Body>> {
        let (status, body) = match self {
            Self::Done(Reply { status, body: ReplyBody::Json(body), .. }) => (status, body),
            Self::Done(Reply {
                status,
                body: ReplyBody::File { content_type, content_disposition, content },
                ..
            }) => {
                let content_type = HeaderValue::from_str(&content_type)
                    .unwrap_or(HeaderValue::from_static("application/octet-stream"));
                let mut response = response(status, content_type, content);
                if let Ok(disposition) = HeaderValue::from_str(&content_disposition) {
                    response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
                }
                return Some(response);
            }
            Self::Done(Reply { body: ReplyBody::Made(response), .. }) => return Some(*response),
            Self::Refused(error) => (error.status, error.body(request_id).to_string()),
            Self::Made(response) => return Some(*response),
            Self::Closed => return None,
        };
        Some(response(status, JSON, body))
    }
}

fn response(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Spoils the body where the fault says so, and adds the headers that every response has.
fn finish(response: Response<Body>, plan: &Plan, request_id: &str) -> Response<Body> {
    let mut response = plan.spoil(response);
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("skyflow-emulator"));
    headers.insert(EMULATOR, HeaderValue::from_static("true"));
    if !plan.hides_request_id()
        && let Ok(request_id) = HeaderValue::from_str(request_id)
    {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

async fn work(
    state: &Arc<State>,
    parts: Parts,
    target: Target,
    body: Body,
    now: Now,
) -> (Option<Caller>, ApiResult<Reply>) {
    match target {
        Target::Operation(operation, path) if operation.is_connection() => {
            let is_outbound = operation == Operation::ConnectionsInvokeOutbound;
            invocation::invoke(Arc::clone(state), parts, is_outbound, path, body, now).await
        }
        Target::Operation(operation, path) => {
            let body = match request_body::read(body, state.body_limit, &*state.clock).await {
                Ok(body) => body,
                Err(error) => return (None, Err(error)),
            };
            let state = Arc::clone(state);
            blocking(operation.name(), move || run(&state, operation, &path, &parts, &body, now)).await
        }
        Target::Unsupported(operation) => {
            let state = Arc::clone(state);
            blocking(operation.name, move || operations::refuse(operation, &state, &parts.headers, now)).await
        }
        Target::OtherMethod => {
            let text = "The request method isn't allowed for the requested resource.";
            (None, Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text)))
        }
        Target::Unknown => (None, Err(ApiError::no_such_resource())),
    }
}

/// Does the work of an operation on a blocking thread, where there is a runtime.
async fn blocking(
    operation: &'static str,
    work: impl FnOnce() -> (Option<Caller>, ApiResult<Reply>) + Send + 'static,
) -> (Option<Caller>, ApiResult<Reply>) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(work).await.unwrap_or_else(|_| {
            tracing::error!(operation, "an operation of the embedded vault panicked");
            (None, Err(ApiError::internal()))
        }),
        Err(_) => work(),
    }
}

fn run(
    state: &Arc<State>,
    operation: Operation,
    path: &Parameters,
    parts: &Parts,
    body: &[u8],
    now: Now,
) -> (Option<Caller>, ApiResult<Reply>) {
    let query = QueryParameters::parse(parts.uri.query().unwrap_or_default());
    let origin = origin(parts);
    operations::run(
        operation,
        &Call { state, now, path, query, headers: &parts.headers, body, origin: &origin },
    )
}

/// What links to the vault start with: the URL that the caller used.
fn origin(parts: &Parts) -> String {
    let secure = parts.extensions.get().is_some_and(|peer: &Peer| peer.secure)
        || parts.uri.scheme() == Some(&Scheme::HTTPS);
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
    };
    format!("{}://{authority}", if secure { "https" } else { "http" })
}

/// Begins an entry; `called` is the name and the path template of the operation.
fn entry(parts: &Parts, called: Option<(&'static str, &'static str)>, plan: &Plan, now: Now) -> JournalEntry {
    let mut entry = JournalEntry::new(now.0, parts.method.clone(), Random::system().uuid());
    entry.operation = called.map(|(name, _)| name);
    entry.path_template = called.map_or("", |(_, template)| template);
    entry.fault = plan.fault();
    entry.caller = JournalCaller {
        user_agent: text(&parts.headers, USER_AGENT.as_str()),
        metadata: text(&parts.headers, METADATA),
        ..JournalCaller::default()
    };
    entry
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().map_or_else(|_| String::new(), str::to_owned))
}
