//! Connections that break before a request, and while its response is awaited.

use skyflow_conformance::json::Json;
use skyflow_conformance::outcome::Outcome;
use skyflow_conformance::replay::play;
use skyflow_conformance::report::Verdict;
use skyflow_conformance::trace::Trace;

use crate::places::{at_mut, place};
use crate::{is_different, one_recorded, verdict};

/// Returns a recorded call without a response, as Python reports it.
fn without_response(case: &str, message: &str, http_code: i64) -> Json {
    let mut trace = one_recorded(case);
    let result = Json::object([
        ("raised", Json::text("SkyflowError")),
        ("message", Json::text(message)),
        ("http_code", Json::number(http_code)),
        ("http_status", Json::text("Bad Request")),
        ("grpc_code", Json::Null),
        ("request_id", Json::Null),
        ("details", Json::List(Vec::new())),
    ]);
    trace.set("result", result);
    trace.set("responses", Json::List(Vec::new()));
    trace
}

#[test]
fn broken_connection_has_no_code_for_any_request() {
    for case in [
        "query_lowercase",
        "insert_byot_enable",
        "delete_one",
        "upload_path_with_id",
        "deidentify_text_minimal",
        "reidentify_text_formats",
        "get_detect_run_success",
    ] {
        let trace = without_response(case, "Server disconnected without sending a response.", 500);
        match verdict(&trace) {
            Verdict::Parity(rules) => assert!(rules.contains(&"no-response-no-code"), "{case}: {rules:?}"),
            other => panic!("{case}: {other:?}"),
        }
        let mut other = trace.clone();
        *at_mut(&mut other, &place("requests[0].method")).unwrap() = Json::text("PATCH");
        assert!(is_different(&verdict(&other)), "{case}");
    }
}

#[test]
fn unreachable_server_is_not_a_refusal() {
    for message in
        ["[Errno 111] Connection refused", "[Errno -2] Name or service not known", "[SSL: X] certificate"]
    {
        let mut trace = without_response("query_lowercase", message, 400);
        trace.set("requests", Json::List(Vec::new()));
        assert_eq!(verdict(&trace), Verdict::Parity(vec!["no-response-no-code"]), "{message}");
    }
}

#[test]
fn run_without_a_state_is_reported_with_its_id() {
    let mut trace =
        without_response("deidentify_file_pdf", "Server disconnected without sending a response.", 500);
    let start = one_recorded("deidentify_file_pdf").get("responses").at(0).clone();
    trace.set("responses", Json::List(vec![start]));
    match verdict(&trace) {
        Verdict::Parity(rules) => assert!(rules.contains(&"no-response-no-code"), "{rules:?}"),
        other => panic!("{other:?}"),
    }
    let trace = Trace::from_json(&trace).unwrap();
    let all = play(&trace);
    match &all[0].outcome {
        Outcome::Failed(failure) => {
            assert_eq!(failure.run_id.as_deref(), Some("run-0001"));
        }
        other => panic!("{other}"),
    }
}
