//! Runs of Detect: how they are asked for, and what is made of their states.

use super::help::{as_responded, run_as_promised, the_result};
use super::{Case, Rule};
use crate::difference::{Difference, Place};
use crate::json::Json;
use crate::promise::run::{keeps_its_name, known_status, saves};
use crate::replay::Observed;
use crate::trace::{Call, Reply};
use crate::wire;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "run-id-required",
        applies: |case| {
            let first = case.call.exchanges.first().and_then(|exchange| exchange.reply.as_ref());
            let nameless = |reply: &Reply| {
                let id = reply.json().map_or(Json::Null, |body| body.get("run_id").clone());
                reply.is_success() && id.as_str().is_none_or(|id| id.trim().is_empty())
            };
            is_a_file(case) && first.is_some_and(nameless)
        },
        explains: the_polls,
        holds: run_as_promised,
    },
    Rule {
        id: "wait-time-is-total",
        applies: |case| {
            is_a_file(case) && statuses(case.call).any(|status| known(&status) == Some("IN_PROGRESS"))
        },
        explains: the_polls,
        holds: run_as_promised,
    },
    Rule {
        id: "other-status-ends-polling",
        applies: |case| {
            let spins = |status: &Json| !status.as_str().is_some_and(|text| OFFICIAL.contains(&text));
            is_a_file(case) && statuses(case.call).any(|status| spins(&status))
        },
        explains: the_polls,
        holds: run_as_promised,
    },
    Rule {
        id: "status-in-any-case",
        applies: |case| {
            let odd = |status: Json| known(&status).is_some_and(|known| status.as_str() != Some(known));
            case.call.op == "get_detect_run" && statuses(case.call).any(odd)
        },
        explains: the_result,
        holds: as_responded,
    },
    Rule {
        id: "polling-error-details",
        applies: |case| {
            let polled = case.call.exchanges.iter().skip(1).last().and_then(|poll| poll.reply.as_ref());
            is_a_file(case) && polled.is_some_and(|reply| !reply.is_success())
        },
        explains: |difference, _, _| {
            let whatever_was_said = [
                ("http_code", "500"),
                ("http_status", "\"Bad Request\""),
                ("grpc_code", "null"),
                ("request_id", "null"),
                ("details", "[]"),
            ];
            match &difference.place {
                Place::Error(field) => whatever_was_said.contains(&(*field, &difference.expected)),
                _ => false,
            }
        },
        holds: run_as_promised,
    },
    Rule {
        id: "run-id-in-errors",
        applies: |case| {
            let asked = wire::run_of(case.call.last_path()).is_some();
            asked && case.last_reply().is_some_and(|reply| !reply.is_success())
        },
        explains: |difference, _, _| difference.place == Place::Error("run_id"),
        holds: as_responded,
    },
    Rule {
        id: "file-per-output",
        applies: |case| {
            let clash = |reply: &Reply| reply.json().is_some_and(|body| has_odd_names(&body));
            let odd = !keeps_its_name(case.call) || case.call.last_reply().is_some_and(clash);
            is_a_file(case) && saves(case.call) && odd
        },
        explains: |difference, _, _| matches!(&difference.place, Place::Returned(at) if at.starts_with(".files_written")),
        holds: run_as_promised,
    },
    Rule {
        id: "entities-uppercase",
        applies: |case| {
            let small = |label: &str| label.to_ascii_uppercase() != label;
            let body = case.last_reply().and_then(Reply::json).unwrap_or(Json::Null);
            case.call.op == "deidentify_text"
                && body.get("entities").elements().iter().any(|found| {
                    found.get("entity_type").as_str().is_some_and(small)
                        || found.get("entity_scores").members().iter().any(|(label, _)| small(label))
                })
        },
        explains: |difference, _, _| {
            let of_an_entity = |at: &str| at.ends_with(".entity") || at.contains(".scores.");
            matches!(&difference.place, Place::Returned(at) if of_an_entity(at))
        },
        holds: as_responded,
    },
];

/// The statuses for which the official SDK stops asking, or pauses.
const OFFICIAL: [&str; 3] = ["FAILED", "SUCCESS", "IN_PROGRESS"];

fn known(status: &Json) -> Option<&'static str> {
    status.as_str().and_then(known_status)
}

/// A file that this SDK sends too.
fn is_a_file(case: &Case<'_>) -> bool {
    case.call.op == "deidentify_file" && !case.call.exchanges.is_empty() && case.is_made()
}

/// The statuses that were recorded, null for a state without one.
fn statuses(call: &Call) -> impl Iterator<Item = Json> {
    let asked = call.exchanges.iter().filter(|exchange| wire::run_of(&exchange.request.path).is_some());
    let states = asked.filter_map(|poll| poll.reply.as_ref()).filter(|reply| reply.is_success());
    states.map(|reply| reply.json().map_or(Json::Null, |body| body.get("status").clone()))
}

/// Explains the number of polls, and the outcome where it makes the last response another one.
fn the_polls(difference: &Difference, case: &Case<'_>, ours: &Observed) -> bool {
    let last = ours.sent.last().and_then(|sent| sent.reply.as_ref()).zip(case.call.last_reply());
    let same_response =
        last.is_some_and(|(last, recorded)| (last.status, &last.body) == (recorded.status, &recorded.body));
    difference.place == Place::RequestCount || (!same_response && the_result(difference, case, ours))
}

/// Tells whether the outputs have extensions that are no names, or the same: the official SDK replaces one by another,
/// and skips those without content.
fn has_odd_names(run: &Json) -> bool {
    let extensions: Vec<&str> = run
        .get("output")
        .elements()
        .iter()
        .map(|output| output.get("processedFileExtension").as_str().unwrap_or_default())
        .collect();
    let plain = |extension: &&str| {
        (1..=16).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    let distinct: std::collections::BTreeSet<&str> = extensions.iter().copied().collect();
    let silent = |output: &Json| output.get("processedFile").as_str().is_none_or(str::is_empty);
    let is_skipped = run.get("output").elements().iter().any(silent);
    is_skipped || distinct.len() != extensions.len() || !extensions.iter().all(plain)
}

/// Returns whether a response of Detect lacks members, or has members that equal missing ones.
pub(super) fn is_unusual(call: &Call, reply: &Reply) -> bool {
    let body = reply.json().unwrap_or(Json::Null);
    let negative = |value: &Json| value.as_i64().is_some_and(|count| count < 0);
    let no_count = |value: &Json| value.as_i64().is_none_or(|count| count < 0);
    let is_empty = |value: &Json| value.as_str() == Some("");
    match call.op.as_str() {
        "deidentify_text" => {
            const ENDS: [&str; 4] =
                ["start_index", "end_index", "start_index_processed", "end_index_processed"];
            negative(body.get("word_count"))
                || negative(body.get("character_count"))
                || body.get("entities").elements().iter().any(|found| {
                    ["token", "value"].iter().any(|name| found.get(name).is_null())
                        || found.get("entity_scores").is_null()
                        || ENDS.iter().any(|end| no_count(found.get("location").get(end)))
                })
        }
        "deidentify_file" | "get_detect_run" => {
            let counts = body.get("wordCharacterCount");
            [counts.get("wordCount"), counts.get("characterCount"), body.get("pages"), body.get("slides")]
                .into_iter()
                .any(negative)
                || body.get("output").elements().iter().any(|output| {
                    ["processedFile", "processedFileExtension"].iter().any(|name| is_empty(output.get(name)))
                })
        }
        _ => false,
    }
}
