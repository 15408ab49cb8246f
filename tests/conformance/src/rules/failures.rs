//! Outcomes of error responses and of missing responses.

use skyflow::ErrorKind;

use super::help::{as_responded, the_call, the_result};
use super::{Case, Rule};
use crate::difference::Place;
use crate::json::Json;
use crate::outcome::Outcome;
use crate::trace::Reply;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "error-of-any-shape",
        applies: |case| failure(case).is_some_and(|reply| !is_usual(reply)),
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "status-text",
        applies: |case| failure(case).is_some_and(|reply| error(reply).get("http_status").as_str().is_none()),
        explains: |difference, _, _| {
            difference.place == Place::Error("http_status") && difference.expected == "\"Bad Request\""
        },
        holds: as_responded,
    },
    Rule {
        id: "no-invented-request-id",
        applies: |case| failure(case).is_some_and(|reply| reply.request_id().is_none()),
        explains: |difference, _, _| {
            difference.place == Place::Error("request_id") && difference.expected == "\"unknown-request-id\""
        },
        holds: as_responded,
    },
    Rule {
        id: "message-sanitized",
        applies: |case| {
            let message = |reply: &Reply| error(reply).get("message").as_str().map(ToOwned::to_owned);
            failure(case).and_then(message).is_some_and(|text| {
                let odd =
                    |c: char| c.is_control() || ('\u{200b}'..='\u{2069}').contains(&c) || c == '\u{feff}';
                text.len() > 4096 || text.trim() != text || text.chars().any(odd)
            })
        },
        explains: |difference, _, _| difference.place == Place::Error("message"),
        holds: as_responded,
    },
    Rule {
        id: "no-response-no-code",
        applies: |case| case.is_made() && case.call.network_failed(),
        explains: the_call,
        holds: |case, ours| match &ours.outcome {
            Outcome::Failed(failure) if failure.kind == ErrorKind::Transport => {
                let unsent = case.call.exchanges.is_empty();
                let clean = failure.http_code.is_none()
                    && failure.http_status.is_none()
                    && failure.request_id.is_none();
                if clean && !(unsent && failure.may_have_been_applied) {
                    Ok(())
                } else {
                    Err(format!("a broken connection is told as {failure:?}"))
                }
            }
            other => Err(format!("a broken connection is told as: {other}")),
        },
    },
];

fn failure<'a>(case: &Case<'a>) -> Option<&'a Reply> {
    case.last_reply().filter(|reply| !reply.is_success())
}

fn error(reply: &Reply) -> Json {
    reply.json().map_or(Json::Null, |body| body.get("error").clone())
}

/// The one shape that the official SDK reads whole, and the one of a batch.
fn is_usual(reply: &Reply) -> bool {
    let error = error(reply);
    let whole = error.get("http_code").as_i64().is_some() && error.get("message").as_str().is_some();
    let entries = reply.json().map(|body| body.get("responses").elements().to_vec()).unwrap_or_default();
    let batch = !entries.is_empty()
        && error.is_null()
        && entries.iter().all(|entry| {
            let status = entry.get("Status").as_i64().unwrap_or_default();
            status >= 400 && entry.get("Body").get("error").as_str().is_some()
        });
    reply.is_json_by_header() && (whole || batch)
}
