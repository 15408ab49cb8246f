//! A recorded call of the official SDK: what was asked, what went over the wire, what came out.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::json::Json;

/// The path of the token endpoint, whatever the credentials say about it.
pub const TOKEN_PATH: &str = "/v1/auth/sa/oauth/token";

/// Says why a file is no trace that can be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One recorded file.
#[derive(Debug, Clone)]
pub struct Trace {
    pub case: String,
    pub op: String,
    pub credentials: Json,
    pub config: Json,
    pub overrides: Vec<Override>,
    pub steps: Vec<Step>,
    /// Whether the calls were made at once and not one after the other.
    pub parallel: bool,
}

/// What a trace does, one after the other or at once.
#[derive(Debug, Clone)]
pub enum Step {
    Call(Call),
    Sleep(Duration),
}

/// One call of the SDK, with what belongs to it.
#[derive(Debug, Clone)]
pub struct Call {
    pub op: String,
    pub args: Json,
    /// The requests for a token that were made for it.
    pub tokens: Vec<Exchange>,
    /// Its own requests.
    pub exchanges: Vec<Exchange>,
    pub result: Json,
}

/// A request and its answer; an answer is missing when the connection failed.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Recorded,
    pub reply: Option<Reply>,
}

/// A request as it was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    pub path: String,
    pub query: String,
    pub tls: bool,
    pub headers: Json,
    pub body: Json,
}

/// An answer: recorded, or made up for a request that the recording does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// A text stands for the bytes as they are, everything else for its JSON.
    pub body: Json,
}

/// What the recording server was told to answer instead of its own answers.
#[derive(Debug, Clone)]
pub struct Override {
    pub path: Option<String>,
    pub times: Option<usize>,
    pub status: u16,
    pub headers: Json,
    pub body: Json,
}

impl Trace {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let file = Json::parse(text).map_err(|error| Unreadable(error.to_string()))?;
        Self::from_json(&file)
    }

    pub fn from_json(file: &Json) -> Result<Self, Unreadable> {
        only(
            file,
            &["case", "sdk", "version", "input", "requests", "responses", "result", "elapsed_s"],
            "trace",
        )?;
        let input = file.get("input");
        only(input, &["op", "args", "overrides", "credentials", "config"], "input")?;
        let exchanges = exchanges(file)?;
        let overrides = input.get("overrides").elements().iter().map(Override::read);
        let mut trace = Self {
            case: string(file.get("case"), "case")?,
            op: string(input.get("op"), "input.op")?,
            credentials: input.get("credentials").clone(),
            config: input.get("config").clone(),
            overrides: overrides.collect::<Result<_, _>>()?,
            steps: Vec::new(),
            parallel: false,
        };
        trace.steps = match trace.op.as_str() {
            "sequence" => sequence(input.get("args"), file.get("result"), exchanges)?,
            "parallel" => {
                trace.parallel = true;
                parallel(input.get("args"), file.get("result"), exchanges)?
            }
            op => {
                let (tokens, own) = exchanges.into_iter().partition(|exchange| exchange.is_for_a_token());
                vec![Step::Call(Call {
                    op: op.to_owned(),
                    args: input.get("args").clone(),
                    tokens,
                    exchanges: own,
                    result: file.get("result").clone(),
                })]
            }
        };
        Ok(trace)
    }

    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.steps.iter().filter_map(|step| match step {
            Step::Call(call) => Some(call),
            Step::Sleep(_) => None,
        })
    }

    /// Returns an operation that this replay does not know yet on purpose.
    pub fn out_of_scope(&self) -> Option<&str> {
        const LATER: [&str; 3] = ["deidentify", "reidentify", "get_detect_run"];
        let op = |call: &Call| LATER.iter().any(|prefix| call.op.starts_with(prefix));
        self.calls().find(|call| op(call)).map(|call| call.op.as_str())
    }

    /// Returns the id of the vault that is called.
    pub fn vault_id(&self) -> &str {
        self.config.get("vault_id").as_str().unwrap_or("vault0001")
    }

    pub fn cluster_id(&self) -> &str {
        self.config.get("cluster_id").as_str().unwrap_or("peerlab")
    }
}

impl Call {
    /// Tells whether the recorded call failed, with whatever error.
    pub fn raised(&self) -> bool {
        self.result.has("raised")
    }

    /// Tells whether the official SDK refused the call itself.
    pub fn refused(&self) -> bool {
        self.raised() && self.exchanges.is_empty() && self.tokens.is_empty() && !self.network_failed()
    }

    /// Tells whether the call failed because there was no connection, or it broke.
    pub fn network_failed(&self) -> bool {
        let message = self.result.get("message").as_str().unwrap_or_default();
        let unanswered = self.exchanges.iter().chain(&self.tokens).any(|exchange| exchange.reply.is_none());
        let words = [
            "[Errno",
            "[SSL",
            "certificate verify failed",
            "timed out",
            "Server disconnected",
            "Name or service",
        ];
        self.raised()
            && (unanswered
                || (self.exchanges.is_empty()
                    && !message.starts_with("Skyflow Python SDK")
                    && words.iter().any(|word| message.contains(word))))
    }

    /// Returns the answer that decided the outcome.
    pub fn last_reply(&self) -> Option<&Reply> {
        self.exchanges.last().and_then(|exchange| exchange.reply.as_ref())
    }
}

impl Exchange {
    pub fn is_for_a_token(&self) -> bool {
        self.request.path == TOKEN_PATH
    }
}

impl Reply {
    /// Returns the bytes that are sent.
    pub fn text(&self) -> String {
        match &self.body {
            Json::Text(text) => text.clone(),
            json => json.to_string(),
        }
    }

    /// Returns the body as JSON, if it is that.
    pub fn json(&self) -> Option<Json> {
        match &self.body {
            Json::Text(text) => Json::parse(text).ok(),
            json => Some(json.clone()),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn is_json_by_header(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.contains("application/json"))
    }

    pub fn header_map(&self) -> HeaderMap {
        let pairs = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        });
        pairs.collect()
    }

    fn read(reply: &Json) -> Result<Option<Self>, Unreadable> {
        if reply.is_null() {
            return Ok(None);
        }
        only(reply, &["status", "headers", "body"], "response")?;
        let status = reply.get("status").as_i64().and_then(|status| u16::try_from(status).ok());
        let headers = reply.get("headers").members().iter();
        Ok(Some(Self {
            status: status.ok_or_else(|| Unreadable("a response has no status".to_owned()))?,
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            body: reply.get("body").clone(),
        }))
    }
}

impl Override {
    fn read(json: &Json) -> Result<Self, Unreadable> {
        // A delay means nothing to a replay that does not wait.
        only(json, &["status", "json", "text", "headers", "path", "times", "delay_ms"], "override")?;
        let status = json.get("status").as_i64().and_then(|status| u16::try_from(status).ok());
        let body = if json.has("text") { json.get("text") } else { json.get("json") };
        Ok(Self {
            path: json.get("path").as_str().map(ToOwned::to_owned),
            times: json.get("times").as_i64().and_then(|times| usize::try_from(times).ok()),
            status: status.unwrap_or(200),
            headers: json.get("headers").clone(),
            body: body.clone(),
        })
    }

    pub fn is_for(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
    }
}

fn exchanges(file: &Json) -> Result<Vec<Exchange>, Unreadable> {
    let (requests, responses) = (file.get("requests").elements(), file.get("responses").elements());
    if responses.len() > requests.len() {
        return Err(Unreadable("there are more responses than requests".to_owned()));
    }
    requests
        .iter()
        .enumerate()
        .map(|(index, request)| {
            let reply = Reply::read(responses.get(index).unwrap_or(&Json::Null))?;
            Ok(Exchange { request: recorded(request)?, reply })
        })
        .collect()
}

fn recorded(request: &Json) -> Result<Recorded, Unreadable> {
    const KEYS: [&str; 8] =
        ["method", "path", "query", "http_version", "tls", "connection", "headers", "body"];
    only(request, &KEYS, "request")?;
    Ok(Recorded {
        method: string(request.get("method"), "request.method")?,
        path: string(request.get("path"), "request.path")?,
        query: request.get("query").as_str().unwrap_or_default().to_owned(),
        tls: request.get("tls").as_bool().unwrap_or(true),
        headers: request.get("headers").clone(),
        body: request.get("body").clone(),
    })
}

/// Deals the requests of a sequence to its steps: each takes its exchange of a token and one request of its own, and
/// the redirects that follow it.
fn sequence(args: &Json, result: &Json, exchanges: Vec<Exchange>) -> Result<Vec<Step>, Unreadable> {
    only(args, &["steps"], "args of sequence")?;
    let outcomes = result.get("returned").get("steps").elements();
    let mut rest = exchanges.into_iter().peekable();
    let mut steps = Vec::new();
    for (index, step) in args.get("steps").elements().iter().enumerate() {
        only(step, &["op", "args"], "step")?;
        let op = string(step.get("op"), "step.op")?;
        if op == "sleep" {
            let seconds = step.get("args").get("s").as_f64().unwrap_or(0.0);
            steps.push(Step::Sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default()));
            continue;
        }
        let result = outcomes.get(index).cloned().unwrap_or(Json::Null);
        let (mut tokens, mut own) = (Vec::new(), Vec::new());
        if !refused_locally(&result) {
            while let Some(exchange) = rest.next_if(|next| next.is_for_a_token()) {
                tokens.push(exchange);
            }
            while let Some(exchange) = rest.next_if(|next| {
                let follows = own.last().is_none_or(|last: &Exchange| redirects(last.reply.as_ref()));
                !next.is_for_a_token() && follows
            }) {
                own.push(exchange);
            }
        }
        steps.push(Step::Call(Call { op, args: step.get("args").clone(), tokens, exchanges: own, result }));
    }
    match rest.next() {
        None => Ok(steps),
        Some(_) => Err(Unreadable("the sequence has more requests than its steps make".to_owned())),
    }
}

fn redirects(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| (300..400).contains(&reply.status))
}

fn refused_locally(result: &Json) -> bool {
    let message = result.get("message").as_str().unwrap_or_default();
    let refusal = ["Validation error.", "Initialization failed."].iter().any(|words| message.contains(words));
    result.has("raised") && message.starts_with("Skyflow Python SDK") && refusal
}

/// Deals the requests of calls that were made at once: they are all the same, so any of them is anybody's.
fn parallel(args: &Json, result: &Json, exchanges: Vec<Exchange>) -> Result<Vec<Step>, Unreadable> {
    only(args, &["n", "op", "args"], "args of parallel")?;
    let count =
        args.get("n").as_i64().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1000).contains(n));
    let count = count.ok_or_else(|| Unreadable("args.n of parallel is no count".to_owned()))?;
    let op = string(args.get("op"), "args.op of parallel")?;
    let (tokens, own): (Vec<_>, Vec<_>) = exchanges.into_iter().partition(Exchange::is_for_a_token);
    if own.len() != count && !own.is_empty() {
        return Err(Unreadable("calls that are made at once must make one request each".to_owned()));
    }
    let outcomes = result.get("returned").get("outcomes");
    let (mut tokens, mut own) = (tokens.into_iter(), own.into_iter());
    Ok((0..count)
        .map(|index| {
            Step::Call(Call {
                op: op.clone(),
                args: args.get("args").clone(),
                tokens: if index + 1 == count {
                    tokens.by_ref().collect()
                } else {
                    tokens.next().into_iter().collect()
                },
                exchanges: own.next().into_iter().collect(),
                result: outcomes.at(index).clone(),
            })
        })
        .collect())
}

fn string(json: &Json, name: &str) -> Result<String, Unreadable> {
    json.as_str().map(ToOwned::to_owned).ok_or_else(|| Unreadable(format!("{name} is {}", json.kind())))
}

/// What a replay does not know it must not pass over.
fn only(object: &Json, known: &[&str], of: &str) -> Result<(), Unreadable> {
    match object.members().iter().find(|(key, _)| !known.contains(&key.as_str())) {
        Some((key, _)) => Err(Unreadable(format!("{of}: unknown key `{key}`"))),
        None => Ok(()),
    }
}
