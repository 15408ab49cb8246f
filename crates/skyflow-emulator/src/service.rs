use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{
    self, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, RETRY_AFTER, SERVER, USER_AGENT,
};
use http::request::Parts;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use skyflow_http::{Body, BoxError, Error, ErrorKind};
use tower_service::Service;

use crate::audit::Observed;
use crate::auth::{AuthKind, Caller};
use crate::clock::Now;
use crate::connections;
use crate::errors::{ApiError, ApiResult};
use crate::faults::{Action, Fault, Plan};
use crate::journal::JournalEntry;
use crate::operations::{self, Call, QueryParameters, Reply, ReplyBody};
use crate::random;
use crate::routes::{self, Operation, Parameters, Target};
use crate::state::State;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const REQUEST_ID: header::HeaderName = header::HeaderName::from_static("x-request-id");
const EMULATOR: header::HeaderName = header::HeaderName::from_static("x-emulator");
const FROM_CLIENT: header::HeaderName = header::HeaderName::from_static("error-from-client");
const FAULT: &str = "x-emulator-fault";
const METADATA: &str = "sky-metadata";

/// The vault as a tower service: it answers HTTP requests without a socket.
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
        Box::pin(answer(Arc::clone(&self.0), request))
    }
}

async fn answer(state: Arc<State>, request: Request<Body>) -> Result<Response<Body>, Error> {
    let now = state.now();
    let (parts, body) = request.into_parts();
    let path = routes::without_host_segment(parts.uri.path()).to_owned();
    let target = routes::find(&parts.method, &path);
    let operation = match &target {
        Target::Operation(operation, _) => Some(*operation),
        _ => None,
    };
    let mut plan = state.faults.plan(&parts.method, &path, operation);
    let asked = match parts.headers.get(FAULT).map(|value| value.to_str().unwrap_or_default()) {
        Some(text) => match Fault::parse(text) {
            Some(fault) => {
                plan.add(&fault);
                Ok(())
            }
            None => Err(ApiError::bad_request(format!("The header {FAULT} does not name a fault."))),
        },
        None => Ok(()),
    };
    let mut entry = entry(&parts, operation, &plan, now);
    if !plan.latency.is_zero() {
        state.clock.sleep(plan.latency).await;
    }

    let (method, connection) = (parts.method.clone(), parts.extensions.get::<Connection>().copied());
    let mut known_caller = None;
    let early = asked.err().map(Outcome::Refused).or_else(|| replaced(plan.action.as_ref()));
    let outcome = match early {
        Some(outcome) => outcome,
        None => {
            let (caller, result) = work(&state, parts, target, body, now).await;
            if let Some(caller) = &caller {
                entry.auth = caller.kind;
                entry.client_id = Some(caller.client_id.clone());
            }
            known_caller = caller;
            match (result, &plan.action) {
                (_, Some(Action::CommitThenClose)) => Outcome::Closed,
                (Ok(reply), _) => Outcome::Done(reply),
                (Err(error), _) => Outcome::Refused(error),
            }
        }
    };
    if let Outcome::Done(reply) = &outcome {
        (entry.records, entry.failed) = (reply.records, reply.failed);
    }
    let is_connection = operation.is_some_and(Operation::is_connection);
    let is_own_refusal = is_connection && matches!(outcome, Outcome::Refused(_));
    let response =
        outcome.into_response(&entry.request_id).map(|response| finish(response, &plan, &entry.request_id));
    let response = response.map(|mut response| {
        if is_own_refusal {
            response.headers_mut().insert(FROM_CLIENT, HeaderValue::from_static("false"));
        }
        response
    });
    entry.status = response.as_ref().map(Response::status);
    if let (Some(operation), Some(status)) = (operation, entry.status) {
        let observed = Observed {
            operation,
            method: &method,
            // The path of a connection's route may hold values.
            path: if is_connection { operation.path_template() } else { &path },
            request_id: &entry.request_id,
            peer: connection.map(|connection| connection.peer.ip().to_string()).unwrap_or_default(),
            caller: known_caller.as_ref(),
            status,
            now,
        };
        state.audit.add(&state, &observed);
    }
    state.journal.add(entry);
    response.ok_or_else(|| {
        Error::new(ErrorKind::Io, Some(BoxError::from("the embedded vault closed the connection")))
    })
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
            Self::Done(Reply { status, body: ReplyBody::File { content_type, content }, .. }) => {
                let content_type = HeaderValue::from_str(&content_type)
                    .unwrap_or(HeaderValue::from_static("application/octet-stream"));
                return Some(response(status, content_type, content));
            }
            Self::Done(Reply { body: ReplyBody::Made(response), .. }) => return Some(*response),
            Self::Refused(error) => (error.status, error.body(request_id)),
            Self::Made(response) => return Some(*response),
            Self::Closed => return None,
        };
        Some(response(status, JSON, body.to_string()))
    }
}

fn response(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The answer of a fault that takes the place of the work.
fn replaced(action: Option<&Action>) -> Option<Outcome> {
    match action? {
        Action::CloseBeforeResponse => Some(Outcome::Closed),
        Action::Html502 => Some(Outcome::Made(Box::new(response(
            StatusCode::BAD_GATEWAY,
            HeaderValue::from_static("text/html"),
            "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
        )))),
        Action::Status { status, retry_after, body } => {
            let mut made = match body {
                Some((content_type, content)) => {
                    let content_type = HeaderValue::from_str(content_type).unwrap_or(JSON);
                    response(*status, content_type, content.clone())
                }
                None => {
                    let text = status.canonical_reason().unwrap_or("Error");
                    response(*status, JSON, ApiError::new(*status, text).body("").to_string())
                }
            };
            if let Some(value) = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
                made.headers_mut().insert(RETRY_AFTER, value);
            }
            Some(Outcome::Made(Box::new(made)))
        }
        _ => None,
    }
}

/// Spoils the body where the fault says so, and adds the headers that every answer has.
fn finish(mut response: Response<Body>, plan: &Plan, request_id: &str) -> Response<Body> {
    let spoiled = match &plan.action {
        Some(Action::EmptyBody) => Some(Body::empty()),
        Some(Action::BadJson) => Some(Body::from(r#"{"records": [{"#)),
        Some(Action::WrongShape) => Some(Body::from(r#"["unexpected"]"#)),
        Some(Action::TruncateBody) => truncated(&mut response),
        _ => None,
    };
    if let Some(body) = spoiled {
        *response.body_mut() = body;
    }
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("skyflow-emulator"));
    headers.insert(EMULATOR, HeaderValue::from_static("true"));
    if !plan.without_request_id
        && let Ok(request_id) = HeaderValue::from_str(request_id)
    {
        headers.insert(REQUEST_ID, request_id);
    }
    response
}

/// Announces the whole body, sends half of it and breaks.
fn truncated(response: &mut Response<Body>) -> Option<Body> {
    let whole = response.body().as_bytes()?.clone();
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let cut = async {
        // The server writes what it has when the body makes it wait; without the pause it would send nothing.
        pause().await;
        Err(BoxError::from("the embedded vault cut the answer"))
    };
    Some(Body::from_stream(stream::once(async { Ok(half) }).chain(stream::once(cut))))
}

/// Ends at the second poll.
fn pause() -> impl Future<Output = ()> {
    let mut paused = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

async fn work(
    state: &Arc<State>,
    parts: Parts,
    target: Target,
    body: Body,
    now: Now,
) -> (Option<Caller>, ApiResult<Reply>) {
    let (operation, path) = match target {
        Target::Operation(operation, path) if operation.is_connection() => {
            let is_outbound = operation == Operation::ConnectionsInvokeOutbound;
            return connections::invoke(Arc::clone(state), parts, is_outbound, path, body, now).await;
        }
        Target::Operation(operation, path) => (operation, path),
        Target::OtherMethod => {
            let text = "The request method isn't allowed for the requested resource.";
            return (None, Err(ApiError::new(StatusCode::METHOD_NOT_ALLOWED, text)));
        }
        Target::Unknown => return (None, Err(ApiError::no_such_resource())),
    };
    let body = match body.collect(state.body_limit).await {
        Ok(body) => body,
        Err(error) if error.kind() == ErrorKind::BodyTooLarge => {
            let text = format!("The request body is larger than {} bytes.", state.body_limit);
            return (None, Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, text)));
        }
        Err(_) => return (None, Err(ApiError::bad_request("The request body could not be read."))),
    };
    let state = Arc::clone(state);
    let run = move || run(&state, operation, &path, &parts, &body, now);
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(run).await.unwrap_or_else(|_| {
            tracing::error!(operation = operation.name(), "an operation of the embedded vault panicked");
            (None, Err(ApiError::internal()))
        }),
        Err(_) => run(),
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
    let secure = parts.extensions.get().is_some_and(|connection: &Connection| connection.secure)
        || parts.uri.scheme() == Some(&Scheme::HTTPS);
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
    };
    format!("{}://{authority}", if secure { "https" } else { "http" })
}

/// How a request reached the server.
#[derive(Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) secure: bool,
}

fn entry(parts: &Parts, operation: Option<Operation>, plan: &Plan, now: Now) -> JournalEntry {
    JournalEntry {
        sequence: 0,
        at: now.0,
        method: parts.method.clone(),
        operation,
        path_template: operation.map_or("", Operation::path_template),
        status: None,
        request_id: random::uuid(),
        auth: AuthKind::None,
        client_id: None,
        records: 0,
        failed: 0,
        fault: plan.name,
        user_agent: text(&parts.headers, USER_AGENT.as_str()),
        metadata: text(&parts.headers, METADATA),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().map_or_else(|_| String::new(), str::to_owned))
}
