//! Batches with every mix of statuses: the official SDK loses the rows it has no case for, and this one does not.

use skyflow_conformance::json::Json;
use skyflow_conformance::report::Verdict;

use crate::places::{at_mut, place};
use crate::{one_recorded, verdict};

const STATUSES: [i64; 10] = [200, 201, 207, 400, 401, 404, 409, 429, 500, 503];

/// A recorded batch with other rows and statuses, and what Python makes of them: 200 is a success, 400 an error, and
/// other rows are in neither list.
fn batch(table: &str, statuses: &[i64]) -> Json {
    let mut trace = one_recorded("insert_continue_on_error_partial");
    let rows = |row: fn(usize, i64) -> Json| {
        Json::List(statuses.iter().enumerate().map(|(index, status)| row(index, *status)).collect())
    };
    let fields = |index: usize| Json::object([("näme", Json::text(format!("row {index} 😀")))]);
    let id = |index: usize| Json::text(format!("id-{index}"));
    let values = Json::List((0..statuses.len()).map(fields).collect());
    let records = (0..statuses.len()).map(|index| {
        Json::object([
            ("fields", fields(index)),
            ("tableName", Json::text(table)),
            ("method", Json::text("POST")),
            ("tokenization", Json::Bool(true)),
            ("upsert", Json::Null),
        ])
    });
    let responses = rows(|index, status| {
        let body = match status {
            200..300 => {
                let tokens = Json::object([("näme", Json::text(format!("tok-{index}")))]);
                let row = [("skyflow_id", Json::text(format!("id-{index}"))), ("tokens", tokens)];
                Json::object([("records", Json::List(vec![Json::object(row)]))])
            }
            _ => Json::object([("error", Json::text(format!("no {status}")))]),
        };
        Json::object([("Body", body), ("Status", Json::number(status))])
    });
    let mut inserted = Vec::new();
    let mut errors = Vec::new();
    for (index, status) in statuses.iter().enumerate() {
        match status {
            200 => inserted.push(Json::object([
                ("skyflow_id", id(index)),
                ("request_index", Json::number(index)),
                ("näme", Json::text(format!("tok-{index}"))),
            ])),
            400 => errors.push(Json::object([
                ("request_index", Json::number(index)),
                ("request_id", Json::text("req-0017-01")),
                ("error", Json::text("no 400")),
                ("http_code", Json::number(400)),
            ])),
            _ => {}
        }
    }
    for (at, value) in [
        ("input.args.table", Json::text(table)),
        ("input.args.values", values),
        ("requests[0].body.value.records", Json::List(records.collect())),
        ("responses[0].body.responses", responses),
        ("result.returned.inserted_fields", Json::List(inserted)),
        ("result.returned.errors", if errors.is_empty() { Json::Null } else { Json::List(errors) }),
    ] {
        *at_mut(&mut trace, &place(at)).unwrap() = value;
    }
    trace
}

#[test]
fn every_pair_of_statuses_is_accounted_for() {
    for first in STATUSES {
        for second in STATUSES {
            let verdict = verdict(&batch("tāble", &[200, first, second, 400]));
            let usual = [first, second].iter().all(|status| [200, 400].contains(status));
            let expected = if usual { vec!["unset-omitted"] } else { vec!["row-status", "unset-omitted"] };
            assert_eq!(verdict, Verdict::Parity(expected), "{first} {second}");
        }
    }
}

#[test]
fn many_rows_are_compared_one_by_one() {
    let statuses: Vec<i64> = (0..300).map(|index| if index % 7 == 0 { 400 } else { 200 }).collect();
    let mut trace = batch("t", &statuses);
    assert_eq!(verdict(&trace), Verdict::Parity(vec!["unset-omitted"]));
    *at_mut(&mut trace, &place("result.returned.inserted_fields[200].request_index")).unwrap() =
        Json::number(1);
    assert!(crate::is_different(&verdict(&trace)));
}
