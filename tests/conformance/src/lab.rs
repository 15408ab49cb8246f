//! The far end of the wire: serves what was recorded, and notes what this SDK sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use skyflow_http::{Clock, DynLayer, ErrorKind, HttpService, ManualClock, Request};
use skyflow_testkit::{Exchange, Scripted};
use tower::ServiceExt;

use crate::identity::{jwt, seconds};
use crate::json::Json;
use crate::trace::{Reply, TOKEN_PATH, Trace};

mod responses;

/// A received request and its response.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    pub scheme: String,
    pub host: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// `None` when the connection broke instead.
    pub reply: Option<Reply>,
    /// The time of day when it arrived, in seconds.
    pub at: i64,
    /// The same, exactly.
    pub moment: SystemTime,
}

/// The number of the call that a request belongs to.
#[derive(Debug, Clone, Copy)]
struct CallNumber(usize);

/// A server in memory that plays one trace.
#[derive(Clone)]
pub struct Lab(Arc<Mutex<State>>, ManualClock);

struct State {
    tokens: Vec<(usize, Sent)>,
    own: Vec<(usize, Sent)>,
    /// The responses of each call, in order; missing ones are made up.
    recorded_tokens: HashMap<usize, Vec<Option<Reply>>>,
    recorded: HashMap<usize, Vec<Option<Reply>>>,
    overrides: Vec<(crate::trace::Override, Option<usize>)>,
    /// Calls that cannot connect.
    unreachable: HashMap<usize, ErrorKind>,
    /// The call that is under way, for requests that do not say.
    current: usize,
    made_up: usize,
    issued: usize,
}

impl Lab {
    pub fn new(trace: &Trace, clock: &ManualClock) -> Self {
        let (mut recorded, mut recorded_tokens, mut unreachable) =
            (HashMap::new(), HashMap::new(), HashMap::new());
        let mut overrides: Vec<_> = trace.overrides.iter().map(|o| (o.clone(), o.times)).collect();
        for (number, call) in trace.calls().enumerate() {
            for exchange in call.tokens.iter().chain(&call.exchanges) {
                let _ = take_override(&mut overrides, &exchange.request.path);
            }
            let replies =
                |exchanges: &[crate::trace::Exchange]| exchanges.iter().map(|e| e.reply.clone()).collect();
            recorded.insert(number, replies(&call.exchanges));
            recorded_tokens.insert(number, replies(&call.tokens));
            if call.network_failed() && call.exchanges.is_empty() {
                let message = call.result.get("message").as_str().unwrap_or_default();
                let tls = message.contains("SSL") || message.contains("certificate");
                unreachable.insert(number, if tls { ErrorKind::Tls } else { ErrorKind::Connect });
            }
        }
        let state = State {
            tokens: Vec::new(),
            own: Vec::new(),
            recorded_tokens,
            recorded,
            overrides,
            unreachable,
            current: 0,
            made_up: 0,
            issued: 0,
        };
        Self(Arc::new(Mutex::new(state)), clock.clone())
    }

    /// Returns the service that takes the place of the network.
    pub fn service(&self) -> HttpService {
        let lab = self.clone();
        Scripted::from_fn(move |request| lab.respond(request)).service()
    }

    /// Makes a layer that writes the number of the call on its requests.
    pub fn numbered(number: usize) -> DynLayer {
        DynLayer::from_fn(move |inner: HttpService| {
            inner.map_request(move |mut request: Request| {
                request.extensions_mut().insert(CallNumber(number));
                request
            })
        })
    }

    /// Says which call is under way.
    pub fn begin(&self, number: usize) {
        self.state().current = number;
    }

    /// Returns the requests of a call: those for a token, and its own.
    pub fn sent(&self, number: usize) -> (Vec<Sent>, Vec<Sent>) {
        let state = self.state();
        let of = |list: &[(usize, Sent)]| {
            list.iter().filter(|(call, _)| *call == number).map(|(_, sent)| sent.clone()).collect()
        };
        (of(&state.tokens), of(&state.own))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Exchange) -> skyflow_testkit::Reply {
        let mut state = self.state();
        let number = request.extensions.get::<CallNumber>().map_or(state.current, |number| number.0);
        if let Some(kind) = state.unreachable.get(&number) {
            return skyflow_testkit::Reply::fails(*kind);
        }
        let mut sent = Sent {
            method: request.method.to_string(),
            scheme: request.uri.scheme_str().unwrap_or_default().to_owned(),
            host: request.uri.authority().map(ToString::to_string).unwrap_or_default(),
            path: request.uri.path().to_owned(),
            query: request.uri.query().unwrap_or_default().to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            reply: None,
            at: seconds(self.1.now()),
            moment: self.1.now(),
        };
        sent.reply = state.reply(number, &sent, sent.at);
        let response = match &sent.reply {
            Some(reply) => response(reply),
            None => skyflow_testkit::Reply::fails(ErrorKind::Io),
        };
        let list = if sent.path == TOKEN_PATH { &mut state.tokens } else { &mut state.own };
        list.push((number, sent));
        response
    }
}

impl State {
    fn reply(&mut self, number: usize, sent: &Sent, now: i64) -> Option<Reply> {
        let for_a_token = sent.path == TOKEN_PATH;
        let (list, recorded) = match for_a_token {
            true => (&self.tokens, &self.recorded_tokens),
            false => (&self.own, &self.recorded),
        };
        let before = list.iter().filter(|(call, _)| *call == number).count();
        let mut reply = match recorded.get(&number).and_then(|replies| replies.get(before)) {
            Some(recorded) => recorded.clone()?,
            // Where the connection broke once, it breaks again.
            None if recorded.get(&number).is_some_and(|replies| replies.contains(&None)) => return None,
            None => self.make_up(sent),
        };
        if for_a_token && let Some(token) = reply.body.member_mut("accessToken") {
            self.issued += 1;
            issue(token, now, self.issued);
        }
        Some(reply)
    }

    /// Returns the response of the recording server to a request that the official SDK did not make.
    fn make_up(&mut self, sent: &Sent) -> Reply {
        self.made_up += 1;
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-request-id".to_owned(), format!("req-made-up-{:02}", self.made_up)),
        ];
        let Some(told) = take_override(&mut self.overrides, &sent.path) else {
            let (status, body) = responses::to(sent);
            return Reply { status, headers, body };
        };
        for (name, value) in told.headers.members() {
            headers.retain(|(known, _)| known != name);
            headers.extend(value.as_str().map(|value| (name.clone(), value.to_owned())));
        }
        Reply { status: told.status, headers, body: told.body }
    }
}

fn take_override(
    overrides: &mut [(crate::trace::Override, Option<usize>)],
    path: &str,
) -> Option<crate::trace::Override> {
    let (told, left) = overrides.iter_mut().find(|(told, left)| told.is_for(path) && *left != Some(0))?;
    *left = left.map(|times| times - 1);
    Some(told.clone())
}

/// Replaces the description of a token by a token; tokens with equal claims still differ.
fn issue(description: &mut Json, now: i64, number: usize) {
    let name = format!("token-{number}");
    match description.get("kind").as_str() {
        Some("jwt") => {
            let mut claims = description.get("claims").clone();
            let exp =
                claims.get("exp").as_str().and_then(|exp| exp.strip_prefix("now+")?.parse::<i64>().ok());
            if let Some(life) = exp {
                // The recording rounds: a token that lived for a moment reads `now+0`.
                claims.set("exp", Json::number(now + life.max(2)));
            }
            *description = Json::text(jwt(&claims, &name));
        }
        Some(_) => *description = Json::text(format!("opaque-{name}")),
        None => {}
    }
}

fn response(reply: &Reply) -> skyflow_testkit::Reply {
    let mut response = skyflow_testkit::Reply::status(reply.status).body(reply.text());
    for (name, value) in &reply.header_map() {
        response = response.header(name.as_str(), value);
    }
    response
}
