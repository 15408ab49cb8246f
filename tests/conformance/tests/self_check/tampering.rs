//! A rule demands something: an SDK that did anything else than it promises would be found out.

use skyflow::ErrorKind;
use skyflow_conformance::compare;
use skyflow_conformance::json::Json;
use skyflow_conformance::outcome::{Failure, Outcome};
use skyflow_conformance::replay::{Observed, play};
use skyflow_conformance::report::{Verdict, judge};
use skyflow_conformance::rules::{self, Case};
use skyflow_conformance::trace::Trace;

use crate::{recorded, variants};

#[test]
fn an_sdk_that_did_something_else_is_found_out() {
    let traces = recorded().into_iter().chain(variants::recorded());
    let (mut tampered, mut missed) = (0, Vec::new());
    for trace in traces.filter_map(|file| Trace::from_json(&file).ok()) {
        if !matches!(judge(&trace).verdict, Verdict::Parity(_) | Verdict::Equal) {
            continue;
        }
        for (number, how) in (0..trace.calls().count()).flat_map(|number| HOW.map(|how| (number, how))) {
            let mut all = play(&trace);
            if !how.1(&mut all[number]) {
                continue;
            }
            let call = trace.calls().nth(number).unwrap();
            let ours = &all[number];
            let differences = compare::call(call, ours);
            let judgement = rules::judge(&Case { trace: &trace, call, all: &all }, ours, &differences);
            tampered += 1;
            if judgement.problems.is_empty() {
                missed.push(format!("{}: {} is not found: {judgement:?}", trace.case, how.0));
            }
        }
    }
    assert!(tampered > 2_000, "{tampered}");
    assert!(missed.is_empty(), "{} of {tampered}:\n{missed:#?}", missed.len());
}

type How = (&'static str, fn(&mut Observed) -> bool);

const HOW: [How; 11] = [
    ("a lost row", |ours| match &mut ours.outcome {
        Outcome::Returned(response) => lose_a_row(response),
        _ => false,
    }),
    ("a changed value", |ours| match &mut ours.outcome {
        Outcome::Returned(response) => change_a_text(response),
        _ => false,
    }),
    ("an error for an response", |ours| match &ours.outcome {
        Outcome::Returned(_) => {
            ours.outcome = Outcome::Failed(Box::new(Failure {
                kind: ErrorKind::Custom,
                message: Some("tampered".to_owned()),
                http_code: Some(418),
                http_status: None,
                grpc_code: None,
                request_id: None,
                details: Vec::new(),
                error_from_client: None,
                may_have_been_applied: false,
                run_id: None,
            }));
            true
        }
        _ => false,
    }),
    ("an empty response for an error", |ours| match &ours.outcome {
        Outcome::Returned(_) => false,
        _ => {
            ours.outcome = Outcome::Returned(Json::object([("errors", Json::List(Vec::new()))]));
            true
        }
    }),
    ("another reason", |ours| match &mut ours.outcome {
        Outcome::Refused { field } => {
            *field = "tampered".to_owned();
            true
        }
        _ => false,
    }),
    ("another code", |ours| match &mut ours.outcome {
        Outcome::Failed(failure) => {
            failure.http_code = Some(failure.http_code.unwrap_or(0) + 1);
            true
        }
        _ => false,
    }),
    ("another request id", |ours| match &mut ours.outcome {
        Outcome::Failed(failure) => {
            failure.request_id = Some("tampered".to_owned());
            true
        }
        _ => false,
    }),
    ("one request more", |ours| match ours.sent.last().cloned() {
        Some(sent) => {
            ours.sent.push(sent);
            true
        }
        None => false,
    }),
    ("one request fewer", |ours| ours.sent.len() > 1 && ours.sent.pop().is_some()),
    ("another run in the error", |ours| match &mut ours.outcome {
        Outcome::Failed(failure) if failure.run_id.is_some() => {
            failure.run_id = Some("tampered".to_owned());
            true
        }
        _ => false,
    }),
    ("one request for a token more", |ours| match ours.tokens.last().cloned() {
        Some(sent) => {
            ours.tokens.push(sent);
            true
        }
        None => false,
    }),
];

/// The first list of rows that has one.
fn lose_a_row(response: &mut Json) -> bool {
    let lists = [
        "inserted_fields",
        "errors",
        "data",
        "fields",
        "deleted_ids",
        "tokenized_fields",
        "detokenized_fields",
        "signed",
        "outputs",
        "entities",
        "files_written",
    ];
    for name in lists {
        if let Some(Json::List(rows)) = response.member_mut(name)
            && rows.pop().is_some()
        {
            return true;
        }
    }
    false
}

/// The last text, wherever it is.
fn change_a_text(response: &mut Json) -> bool {
    match response {
        Json::Text(text) if text != "\u{1}" => {
            text.push_str(" tampered");
            true
        }
        Json::List(elements) => elements.iter_mut().rev().any(change_a_text),
        Json::Object(members) => {
            members.iter_mut().rev().filter(|(key, _)| key != "error").any(|(_, value)| change_a_text(value))
        }
        _ => false,
    }
}
