//! The server as a tower service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use skyflow_http::{Body, Error, Request, Response, form_pairs};
use skyflow_testkit::{JournalEntry, Peer, Plan, Verdict};
use tower_service::Service;

use crate::auth;
use crate::call::{Call, Reply};
use crate::events::send_queued;
use crate::failure::{Failure, Outcome};
use crate::identity::{Caller, Identity};
use crate::operations::{audit, webhooks};
use crate::rates::Standing;
use crate::routes::{self, Found, Route};
use crate::schedule;
use crate::state::State;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const INFERRED: HeaderName = HeaderName::from_static("x-scaivault-inferred");
const TENANT: &str = "x-tenant-id";

/// The largest request body.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Where client credentials are exchanged: the path of the ScaiVault pages, and that of the ScaiKey pages.
const TOKEN_PATHS: [&str; 2] = ["/oauth/token", "/api/v1/platform/oauth/token"];

/// The server as a tower service: it serves HTTP requests without a socket.
///
/// It is cheap to clone and always ready. It fails only where a fault was injected that closes the connection.
#[derive(Clone)]
pub struct VaultService(pub(crate) Arc<State>);

impl Service<Request> for VaultService {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(respond(Arc::clone(&self.0), request))
    }
}

impl fmt::Debug for VaultService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultService")
    }
}

/// A request before its caller is known.
struct Incoming {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
    source_ip: String,
    request_id: String,
    /// The tenant of the path `/v1/t/{tenant}/…`.
    path_tenant: Option<String>,
}

async fn respond(state: Arc<State>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect(BODY_LIMIT).await?;
    let source_ip = parts
        .extensions
        .get::<Peer>()
        .map_or_else(|| "127.0.0.1".to_owned(), |peer| peer.addr.ip().to_string());
    let (path, path_tenant) = without_tenant(parts.uri.path());
    let incoming = Incoming {
        method: parts.method,
        path,
        query: form_pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
        source_ip,
        request_id: state.id("req"),
        path_tenant,
    };
    let found = routes::find(&incoming.method, &incoming.path);
    let route = match &found {
        Found::Route(route, _) => Some(*route),
        _ => None,
    };
    let is_token = TOKEN_PATHS.contains(&incoming.path.as_str()) || is_tenant_token_path(&incoming.path);
    let name = if is_token { Some("scaikey.create_token") } else { route.map(|route| route.name) };
    let plan = state.faults.plan(&incoming.method, &incoming.path, name);
    if !plan.latency().is_zero() {
        state.clock.sleep(plan.latency()).await;
    }
    let mut entry =
        JournalEntry::new(state.clock.now(), incoming.method.clone(), incoming.request_id.clone());
    entry.operation = name;
    entry.path_template = route.map_or("", |route| route.template);
    entry.fault = plan.fault();
    let outcome = match plan.verdict(|status| error_of(status, &incoming.request_id)) {
        Verdict::Close => Err(Plan::closed()),
        Verdict::Respond(response) => Ok(response),
        Verdict::WorkThenClose => {
            work(&state, &incoming, found, is_token, &mut entry).await;
            Err(Plan::closed())
        }
        Verdict::Work => Ok(plan.spoil(work(&state, &incoming, found, is_token, &mut entry).await)),
    };
    entry.status = outcome.as_ref().ok().map(Response::status);
    state.journal.add(entry);
    send_queued(&state);
    outcome.map(|mut response| {
        let headers = response.headers_mut();
        if !plan.hides_request_id() {
            insert(headers, REQUEST_ID, &incoming.request_id);
        }
        insert(headers, DATE, &http_date(&state));
        if route.is_some_and(|route| route.inferred) {
            headers.insert(INFERRED, HeaderValue::from_static("1"));
        }
        response
    })
}

fn is_tenant_token_path(path: &str) -> bool {
    path.strip_prefix("/api/v1/auth/tenants/")
        .and_then(|rest| rest.strip_suffix("/oauth/token"))
        .is_some_and(|slug| !slug.is_empty() && !slug.contains('/'))
}

/// Cuts the tenant out of a path.
fn without_tenant(path: &str) -> (String, Option<String>) {
    match path.strip_prefix("/v1/t/").and_then(|rest| rest.split_once('/')) {
        Some((tenant, rest)) => (format!("/v1/{rest}"), Some(tenant.to_owned())),
        None => (path.to_owned(), None),
    }
}

async fn work(
    state: &Arc<State>,
    incoming: &Incoming,
    found: Found,
    is_token: bool,
    entry: &mut JournalEntry<Option<String>>,
) -> Response {
    if is_token {
        if incoming.method != Method::POST {
            return failed(
                &Failure::new("invalid_request", "the token endpoint takes POST"),
                &incoming.request_id,
            );
        }
        let _working = state.working();
        return made(auth::token_endpoint(state, &incoming.headers, &incoming.body, state.now()));
    }
    let (route, parameters) = match found {
        Found::Route(route, parameters) => (route, parameters),
        Found::OtherMethod => {
            let mut failure = Failure::new("invalid_request", "the path does not have this method");
            failure.status = StatusCode::METHOD_NOT_ALLOWED;
            return failed(&failure, &incoming.request_id);
        }
        Found::Nothing => {
            return failed(&Failure::new("not_found", "there is no such path"), &incoming.request_id);
        }
    };
    let call = {
        let _working = state.working();
        schedule::run(state);
        prepare(state, incoming, route, parameters)
    };
    let (call, standing) = match call {
        Ok(prepared) => prepared,
        Err(failure) => return failed(&failure, &incoming.request_id),
    };
    entry.caller = Some(call.caller.identity.id.clone());
    if route.name == "subscriptions.poll" {
        wait_for_events(state, &call).await;
    }
    let response = execute(state, route, &call);
    let mut response = match response {
        Ok(reply) => made(reply),
        Err(failure) => failed(&failure, &incoming.request_id),
    };
    if let Some(standing) = standing {
        let headers = response.headers_mut();
        insert(headers, HeaderName::from_static("x-ratelimit-limit"), &standing.limit.to_string());
        insert(headers, HeaderName::from_static("x-ratelimit-remaining"), &standing.remaining.to_string());
        let reset = standing.reset.div_euclid(1000) + 1;
        insert(headers, HeaderName::from_static("x-ratelimit-reset"), &reset.to_string());
    }
    response
}

/// Authenticates a request, finds its tenant, and takes it out of its rate limit.
fn prepare(
    state: &State,
    incoming: &Incoming,
    route: &'static Route,
    parameters: routes::Parameters,
) -> Outcome<(Call, Option<Standing>)> {
    let now = state.now();
    let caller = match route.open {
        true => Caller { identity: Identity::new("anonymous"), expires_at: None },
        false => auth::caller(state, &incoming.headers, now)?,
    };
    let own = caller.identity.tenant.clone().unwrap_or_else(|| state.tenant.clone());
    let asked = incoming.path_tenant.clone().or_else(|| {
        incoming.headers.get(TENANT).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    });
    let tenant = match asked {
        Some(asked) if asked != own => {
            if !caller.identity.root {
                return Err(Failure::new("tenant_access_denied", "the tenant is not the caller's"));
            }
            if state.store.get::<bool>("tenant", "", &asked)?.is_none() {
                return Err(Failure::new("tenant_not_found", "there is no such tenant"));
            }
            asked
        }
        _ => own,
    };
    auth::require_scope(&caller, if route.open { None } else { route.scope })?;
    let standing =
        route.category.map(|category| state.rates.take(&caller.identity.id, category, 1, now)).transpose()?;
    let call = Call {
        parameters,
        query: incoming.query.clone(),
        headers: incoming.headers.clone(),
        body: incoming.body.clone(),
        caller,
        tenant,
        now,
        request_id: incoming.request_id.clone(),
        source_ip: incoming.source_ip.clone(),
    };
    Ok((call, standing))
}

/// Runs an operation in a transaction, and records it in the audit log.
fn execute(state: &State, route: &'static Route, call: &Call) -> Outcome<Reply> {
    let _working = state.working();
    state.store.begin()?;
    let outcome = (route.handler)(state, call);
    let outcome = match outcome {
        Ok(reply) if reply.read_units > 0 => {
            let identity = &call.caller.identity.id;
            state
                .rates
                .take(identity, crate::rates::Category::Read, reply.read_units, call.now)
                .map(|_| reply)
        }
        other => other,
    };
    state.store.end(outcome.is_ok())?;
    audit::record(state, route.name, call, outcome.as_ref().err())?;
    outcome
}

/// Lets a poll wait until there is an event for its subscription, or its time is up.
async fn wait_for_events(state: &Arc<State>, call: &Call) {
    let seconds = call.number("timeout").ok().flatten().unwrap_or(30).min(60);
    let mut pause = state.clock.sleep(Duration::from_secs(seconds));
    loop {
        let news = state.news.notified();
        let waits = {
            let _working = state.working();
            webhooks::has_nothing(state, call)
        };
        if !waits {
            return;
        }
        tokio::select! {
            () = news => {}
            () = &mut pause => return,
        }
    }
}

fn made(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    // Secrets must not stay in caches on the way.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn failed(failure: &Failure, request_id: &str) -> Response {
    let body = failure.body(request_id).to_string().into_bytes();
    let mut response = made(Reply::new(failure.status.as_u16(), "application/json", body));
    *response.status_mut() = failure.status;
    if let Some(pause) = failure.retry_after {
        insert(response.headers_mut(), RETRY_AFTER, &pause.as_secs().max(1).to_string());
    }
    response
}

/// The response of an injected status.
fn error_of(status: StatusCode, request_id: &str) -> Response {
    let code = match status.as_u16() {
        401 => "token_expired",
        403 => "access_denied",
        404 => "not_found",
        409 => "version_conflict",
        429 => "rate_limited",
        500 => "internal_error",
        502..=504 => "service_unavailable",
        _ => "invalid_request",
    };
    let mut failure = Failure::new(code, "this failure was injected");
    failure.status = status;
    failed(&failure, request_id)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn http_date(state: &State) -> String {
    let now = jiff::Timestamp::from_millisecond(state.now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
