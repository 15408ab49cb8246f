//! What the replay does not know is a difference, and never passed over.

use skyflow_conformance::json::Json;
use skyflow_conformance::report::Verdict;

use crate::places::{at_mut, place};
use crate::{one_recorded, verdict};

#[track_caller]
fn unknown(trace: &Json, word: &str) {
    match verdict(trace) {
        Verdict::Different(problems) => {
            assert!(problems.iter().any(|problem| problem.contains(word)), "{problems:?}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_names_are_reported_as_differences() {
    let trace = one_recorded("get_one_id");
    let with = |at: &str, key: &str, value: &str| {
        let mut copy = trace.clone();
        let object = match at {
            "" => &mut copy,
            at => at_mut(&mut copy, &place(at)).unwrap(),
        };
        object.set(key, Json::parse(value).unwrap());
        copy
    };
    unknown(&with("input", "op", "\"frobnicate\""), "frobnicate");
    unknown(&with("input.args", "order_by", "\"ASCENDING\""), "order_by");
    unknown(&with("input", "timeout", "1"), "timeout");
    unknown(&with("", "mood", "1"), "mood");
    unknown(&with("input", "config", r#"{"region":"eu"}"#), "region");
    unknown(&with("input", "credentials", r#"{"kind":"smoke signal"}"#), "smoke signal");
    unknown(&with("input", "credentials", r#"{"kind":"string","mutate":"upside down"}"#), "upside down");
    unknown(&with("input", "overrides", r#"[{"status":200,"mood":1}]"#), "mood");
    unknown(&with("responses[0]", "trailers", "1"), "trailers");
    unknown(&with("requests[0]", "body", r#"{"kind":"carrier pigeon"}"#), "carrier pigeon");
    unknown(&with("result", "returned", "null"), "returned");
}

#[test]
fn call_without_steps_or_replies_is_a_difference() {
    let mut sequence = one_recorded("sequential_calls_reuse_connection");
    *at_mut(&mut sequence, &place("input.args.steps")).unwrap() = Json::List(Vec::new());
    unknown(&sequence, "4 outcomes of 0 calls");
    let mut parallel = one_recorded("token_stampede_8_parallel");
    *at_mut(&mut parallel, &place("input.args.n")).unwrap() = Json::number(7);
    unknown(&parallel, "one request each");
}
