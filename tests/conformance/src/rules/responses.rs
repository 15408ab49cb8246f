//! Outcomes of responses with a 2xx status.

use super::help::{as_responded, the_result};
use super::{Case, Rule, runs};
use crate::difference::{Difference, Place};
use crate::json::{Json, same_float, same_number};
use crate::promise;
use crate::trace::Reply;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "row-status",
        applies: |case| batch(case).is_some_and(|entries| entries.iter().any(is_lost)),
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "row-without-outcome",
        applies: has_row_without_outcome,
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "value-without-token",
        applies: |case| {
            let lacks_one = |reply: &Reply| {
                reply.json().is_some_and(|body| {
                    body.get("records").elements().iter().any(|record| record.get("token").as_str().is_none())
                })
            };
            case.call.op == "tokenize"
                && success(case).is_some_and(|reply| reads(case, reply) && lacks_one(reply))
        },
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "partial-response",
        applies: |case| {
            let unusual = |reply: &Reply| {
                case.call.raised() || has_null_list(reply) || runs::is_unusual(case.call, reply)
            };
            success(case).is_some_and(|reply| unusual(reply) && reads(case, reply))
        },
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "unreadable-response",
        applies: |case| success(case).is_some_and(|reply| !reads(case, reply)),
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "requested-id",
        applies: |case| {
            let silent = |reply: &Reply| reply.json().is_some_and(|body| body.get("skyflow_id").is_null());
            case.call.op == "update" && success(case).is_some_and(|reply| reads(case, reply) && silent(reply))
        },
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "id-not-hidden",
        applies: |case| success(case).is_some_and(|reply| hides_the_id(case, reply)),
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "values-by-token",
        applies: |case| success(case).is_some_and(|reply| is_reordered(case, reply)),
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "query-tokens",
        applies: |case| {
            let tokens =
                |reply: &Reply| records(reply).iter().any(|row| !row.get("tokens").members().is_empty());
            case.call.op == "query" && success(case).is_some_and(tokens)
        },
        explains: |difference, case, _| {
            let other_column = success(case).is_some_and(|reply| {
                records(reply).iter().any(|row| row.get("fields").has("tokenized_data"))
            });
            matches!(&difference.place, Place::Returned(at) if at.contains(".tokenized_data"))
                && !other_column
        },
        holds: as_responded,
    },
    Rule {
        id: "numbers-as-sent",
        applies: |case| success(case).is_some(),
        explains: |difference, _, _| is_rounded(difference),
        // Returned numbers are compared digit by digit with those of the response.
        holds: |case, ours| {
            let only_numbers = success(case).is_some_and(|reply| reads(case, reply));
            if only_numbers && !ours.sent.is_empty() { as_responded(case, ours) } else { Ok(()) }
        },
    },
];

fn success<'a>(case: &Case<'a>) -> Option<&'a Reply> {
    case.last_reply().filter(|reply| reply.is_success())
}

fn reads(case: &Case<'_>, reply: &Reply) -> bool {
    promise::reads(case.call, case.call.last_path(), reply)
}

/// Some servers write an empty list like that.
fn has_null_list(reply: &Reply) -> bool {
    let body = reply.json().unwrap_or(Json::Null);
    ["records", "responses", "RecordIDResponse", "entities", "output"]
        .iter()
        .any(|list| body.has(list) && body.get(list).is_null())
}

fn records(reply: &Reply) -> Vec<Json> {
    reply.json().map(|body| body.get("records").elements().to_vec()).unwrap_or_default()
}

fn batch(case: &Case<'_>) -> Option<Vec<Json>> {
    let is_batch =
        case.call.op == "insert" && case.call.args.get("continue_on_error").as_bool() == Some(true);
    let body = success(case).filter(|_| is_batch)?.json()?;
    Some(body.get("responses").elements().to_vec())
}

/// Python knows 200 and 400, takes a 200 for a success whatever is in it, and needs the words of a 400.
fn is_lost(entry: &Json) -> bool {
    let error = entry.get("Body").get("error");
    match entry.get("Status").as_i64() {
        Some(200) => !error.is_null(),
        Some(400) => error.as_str().is_none(),
        _ => true,
    }
}

fn has_row_without_outcome(case: &Case<'_>) -> bool {
    let rows = case.call.args.get("values").elements().len();
    if let Some(entries) = batch(case) {
        let silent = |entry: &Json| {
            let named = |part: &Json| {
                part.get("records").elements().iter().any(|row| row.get("skyflow_id").as_str().is_some())
            };
            let parts = [entry, entry.get("Body")];
            parts.iter().all(|part| part.get("error").is_null() && !named(part))
        };
        return entries.len() < rows || entries.iter().any(silent);
    }
    match case.call.op.as_str() {
        "insert" => success(case).and_then(Reply::json).is_some_and(|body| {
            let records = body.get("records").elements();
            records.len() < rows || records.iter().any(|row| row.get("skyflow_id").as_str().is_none())
        }),
        "detokenize" => success(case)
            .is_some_and(|reply| records(reply).len() < case.call.args.get("data").elements().len()),
        "get" => success(case).is_some_and(|reply| {
            records(reply).iter().any(|row| row.get("fields").is_null() && row.get("tokens").is_null())
        }),
        _ => false,
    }
}

/// A column whose name is one of ours.
fn hides_the_id(case: &Case<'_>, reply: &Reply) -> bool {
    let body = reply.json().unwrap_or(Json::Null);
    let hidden = |row: &Json| ["skyflow_id", "request_index"].iter().any(|name| row.get("tokens").has(name));
    match case.call.op.as_str() {
        "insert" => {
            let in_batch = body.get("responses").elements().iter();
            in_batch.flat_map(|entry| entry.get("Body").get("records").elements()).any(hidden)
                || body.get("records").elements().iter().any(hidden)
        }
        "update" => hidden(&body),
        "query" => records(reply).iter().any(|row| row.get("fields").has("tokenized_data")),
        _ => false,
    }
}

fn is_reordered(case: &Case<'_>, reply: &Reply) -> bool {
    let tokens = |rows: &[Json]| rows.iter().map(|row| row.get("token").clone()).collect::<Vec<_>>();
    case.call.op == "detokenize" && tokens(&records(reply)) != tokens(case.call.args.get("data").elements())
}

/// Two numbers that are the same to a program that rounds them.
fn is_rounded(difference: &Difference) -> bool {
    let (expected, got) = (&difference.expected, &difference.got);
    let looks_like_a_number =
        |text: &str| Json::parse(text).is_ok_and(|json| matches!(json, Json::Number(_)));
    matches!(difference.place, Place::Returned(_))
        && looks_like_a_number(expected)
        && looks_like_a_number(got)
        && !same_number(expected, got)
        && same_float(expected, got)
}
