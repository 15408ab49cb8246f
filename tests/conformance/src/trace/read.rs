//! Reads a recorded file; what it does not know it refuses.

use std::time::Duration;

use super::{Call, Exchange, Override, Recorded, Reply, Step, Trace, Unreadable};
use crate::json::Json;

pub(super) fn trace(file: &Json) -> Result<Trace, Unreadable> {
    only(
        file,
        &["case", "sdk", "version", "input", "requests", "responses", "result", "elapsed_s"],
        "trace",
    )?;
    let input = file.get("input");
    only(input, &["op", "args", "overrides", "credentials", "config"], "input")?;
    let exchanges = exchanges(file)?;
    outcome(file.get("result"))?;
    let overrides = input.get("overrides").elements().iter().map(told);
    let mut trace = Trace {
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

fn reply(reply: &Json) -> Result<Option<Reply>, Unreadable> {
    if reply.is_null() {
        return Ok(None);
    }
    only(reply, &["status", "headers", "body"], "response")?;
    let status = reply.get("status").as_i64().and_then(|status| u16::try_from(status).ok());
    let headers = reply.get("headers").members().iter();
    Ok(Some(Reply {
        status: status.ok_or_else(|| Unreadable("a response has no status".to_owned()))?,
        headers: headers
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        body: reply.get("body").clone(),
    }))
}

fn told(json: &Json) -> Result<Override, Unreadable> {
    // A delay means nothing to a replay that does not wait.
    only(json, &["status", "json", "text", "headers", "path", "times", "delay_ms"], "override")?;
    let status = json.get("status").as_i64().and_then(|status| u16::try_from(status).ok());
    let body = if json.has("text") { json.get("text") } else { json.get("json") };
    Ok(Override {
        path: json.get("path").as_str().map(ToOwned::to_owned),
        times: json.get("times").as_i64().and_then(|times| usize::try_from(times).ok()),
        status: status.unwrap_or(200),
        headers: json.get("headers").clone(),
        body: body.clone(),
    })
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
            let reply = reply(responses.get(index).unwrap_or(&Json::Null))?;
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
        query: string(request.get("query"), "request.query")?,
        tls: request.get("tls").as_bool().ok_or_else(|| Unreadable("request.tls is no bool".to_owned()))?,
        headers: request.get("headers").clone(),
        body: request.get("body").clone(),
    })
}

/// Deals the requests of a sequence to its steps: each takes its exchange of a token and one request of its own, and
/// the redirects that follow it.
fn sequence(args: &Json, result: &Json, exchanges: Vec<Exchange>) -> Result<Vec<Step>, Unreadable> {
    only(args, &["steps"], "args of sequence")?;
    let outcomes = outcomes(result, "steps", args.get("steps").elements().len())?;
    let mut rest = exchanges.into_iter().peekable();
    let mut steps = Vec::new();
    for (index, step) in args.get("steps").elements().iter().enumerate() {
        only(step, &["op", "args"], "step")?;
        let op = string(step.get("op"), "step.op")?;
        if op == "sleep" {
            let pause = step.get("args").get("s");
            let slept = Json::object([("returned", Json::object([("slept", pause.clone())]))]);
            if outcomes.get(index) != Some(&slept) {
                return Err(Unreadable(format!("step {index} did not sleep as it was told")));
            }
            let seconds = pause.as_f64().unwrap_or(0.0);
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

/// The outcomes of a trace of several calls: one for each.
fn outcomes<'a>(result: &'a Json, name: &str, count: usize) -> Result<&'a [Json], Unreadable> {
    let returned = result.get("returned");
    only(returned, &[name], "what was returned")?;
    let outcomes = returned.get(name).elements();
    if outcomes.len() != count {
        return Err(Unreadable(format!("{} outcomes of {count} calls", outcomes.len())));
    }
    outcomes.iter().try_for_each(outcome)?;
    Ok(outcomes)
}

/// What a call returned or raised.
fn outcome(result: &Json) -> Result<(), Unreadable> {
    const KEYS: [&str; 9] = [
        "returned",
        "raised",
        "message",
        "http_code",
        "http_status",
        "grpc_code",
        "request_id",
        "details",
        "unsupported",
    ];
    only(result, &KEYS, "result")?;
    match (result.has("returned"), result.has("raised"), result.members().len()) {
        (true, false, 1) | (false, true, _) => Ok(()),
        (false, false, _) if result.has("unsupported") => Ok(()),
        _ => Err(Unreadable("the result has neither returned nor raised, or both".to_owned())),
    }
}

fn redirects(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| (300..400).contains(&reply.status))
}

fn refused_locally(result: &Json) -> bool {
    let message = result.get("message").as_str().unwrap_or_default();
    let refusal =
        ["Validation error.", "Initialization failed."].iter().any(|phrase| message.contains(phrase));
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
    let outcomes = outcomes(result, "outcomes", count)?;
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
                result: outcomes.get(index).cloned().unwrap_or(Json::Null),
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
