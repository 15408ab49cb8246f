//! Runs of Detect: every order of their states is explained, and nothing else than what is promised passes.

use std::time::Duration;

use skyflow_conformance::compare;
use skyflow_conformance::json::Json;
use skyflow_conformance::replay::{Observed, play};
use skyflow_conformance::report::Verdict;
use skyflow_conformance::rules::{self, Case};
use skyflow_conformance::trace::Trace;

use crate::places::{at_mut, place};
use crate::{is_different, one_recorded, verdict};

/// `None` is a state without a status.
const STATES: [Option<&str>; 7] = [
    Some("IN_PROGRESS"),
    Some("in_progress"),
    Some("UNKNOWN"),
    Some("FAILED"),
    Some("SUCCESS"),
    Some("PAUSED"),
    None,
];

fn state(status: Option<&str>) -> Json {
    Json::object([("status", Json::text_or_null(status)), ("output", Json::List(Vec::new()))])
}

/// A recorded file whose run has these states and then is a success, as Python asks for it: it knows three states,
/// counts its pauses by their doubles, and asks again at once for a run in any other state.
fn run(states: &[Option<&str>], wait: i64) -> Json {
    let mut trace = one_recorded("deidentify_file_wait_time_zero");
    let (mut requests, mut responses, mut overrides) = (Vec::new(), Vec::new(), Vec::new());
    let mut paused = 1;
    let mut states_left = states.iter().copied();
    let last = loop {
        let status = states_left.next().unwrap_or(Some("SUCCESS"));
        requests.push(trace.get("requests").at(1).clone());
        let mut response = trace.get("responses").at(1).clone();
        response.set("body", state(status));
        responses.push(response);
        match status {
            Some("IN_PROGRESS") if paused >= wait => break "IN_PROGRESS",
            Some("IN_PROGRESS") => paused = (paused * 2).min(wait),
            Some(end @ ("SUCCESS" | "FAILED")) => break end,
            _ => {}
        }
    };
    for status in states.iter().copied().chain([Some("SUCCESS")]) {
        overrides.push(Json::object([
            ("path", Json::text("/detect/runs/")),
            ("status", Json::number(200)),
            ("json", state(status)),
            ("times", Json::number(if overrides.len() < states.len() { 1 } else { 99 })),
        ]));
    }
    requests.insert(0, trace.get("requests").at(0).clone());
    responses.insert(0, trace.get("responses").at(0).clone());
    for (at, value) in [
        ("requests", Json::List(requests)),
        ("responses", Json::List(responses)),
        ("input.overrides", Json::List(overrides)),
        ("input.args.wait_time", Json::number(wait)),
        ("result.returned.status", Json::text(last)),
    ] {
        *at_mut(&mut trace, &place(at)).unwrap() = value;
    }
    trace
}

#[test]
fn every_order_of_states_is_explained() {
    const RULES: [&str; 4] =
        ["other-status-ends-polling", "partial-response", "unreadable-response", "wait-time-is-total"];
    for wait in [0, 1, 3, 64] {
        for first in STATES {
            for second in STATES {
                let trace = run(&[first, second, Some("IN_PROGRESS")], wait);
                match verdict(&trace) {
                    Verdict::Equal => {}
                    Verdict::Parity(rules) if rules.iter().all(|rule| RULES.contains(rule)) => {}
                    other => panic!("{first:?} {second:?} within {wait} s: {other:?}"),
                }
                let mut other = trace.clone();
                *at_mut(&mut other, &place("requests[0].body.value.file.data_format")).unwrap() =
                    Json::text("pdf");
                assert!(is_different(&verdict(&other)), "{first:?} {second:?} within {wait} s");
            }
        }
    }
}

#[test]
fn final_state_of_both_sdks_is_compared_whole() {
    let whole = run(&[Some("IN_PROGRESS"), Some("FAILED")], 64);
    assert!(!is_different(&verdict(&whole)));
    for (at, value) in [
        ("result.returned.status", Json::text("SUCCESS")),
        ("result.returned.run_id", Json::text("run-0002")),
        ("result.returned.page_count", Json::number(1)),
        ("requests[2].path", Json::text("/v1/detect/runs/run-0002")),
        ("requests[1].query", Json::text("vault_id=other")),
    ] {
        let mut other = whole.clone();
        *at_mut(&mut other, &place(at)).unwrap() = value;
        assert!(is_different(&verdict(&other)), "{at}");
    }
}

type Change = (&'static str, fn(&mut Observed));

const CHANGES: [Change; 7] = [
    ("a pause that is longer", |ours| {
        if let Some(last) = ours.sent.last_mut() {
            last.moment += Duration::from_millis(1);
        }
    }),
    ("a pause that is shorter", |ours| {
        if let Some(last) = ours.sent.last_mut() {
            last.moment -= Duration::from_millis(1);
        }
    }),
    ("a question fewer", |ours| {
        ours.sent.pop();
    }),
    ("a question more", |ours| ours.sent.extend(ours.sent.last().cloned())),
    ("a question for another run", |ours| {
        if let Some(last) = ours.sent.last_mut() {
            last.path.push('0');
        }
    }),
    ("a question in another vault", |ours| {
        if let Some(last) = ours.sent.last_mut() {
            last.query.push('0');
        }
    }),
    ("a second start", |ours| {
        let start = ours.sent[0].clone();
        ours.sent.insert(1, start);
    }),
];

#[test]
fn run_polled_differently_is_a_difference() {
    for file in [run(&[Some("IN_PROGRESS"); 9], 4), run(&[Some("IN_PROGRESS"); 9], 64)] {
        let trace = Trace::from_json(&file).unwrap();
        for (how, change) in CHANGES {
            let mut all = play(&trace);
            change(&mut all[0]);
            let call = trace.calls().next().unwrap();
            let differences = compare::call(call, &all[0]);
            let judgement = rules::judge(&Case { trace: &trace, call, all: &all }, &all[0], &differences);
            assert!(!judgement.problems.is_empty(), "{how}: {judgement:?}");
        }
    }
}
