//! Operations of a batch that refer to the row of an earlier one.

use serde_json::{Value, json};
use skyflow::{BatchOperation, BatchRequest, BatchRow, ErrorKind};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::HttpService;
use skyflow_testkit::Recorder;
use skyflow_tests::clients::{in_process, responding, vault_over};

fn recorded() -> (Recorder, HttpService) {
    let recorder = Recorder::new();
    let service = recorder.around(responding(200, Some("application/json"), r#"{"responses":[]}"#));
    (recorder, service)
}

#[tokio::test]
async fn references_are_sent_in_the_published_form() {
    let (recorder, service) = recorded();
    let request = BatchRequest::new([
        BatchOperation::insert("t", json!({"n": 1})),
        BatchOperation::get("t", BatchRow::of_operation(0)),
        BatchOperation::update("t", BatchRow::of_operation(1), json!({"n": 2})),
        BatchOperation::update("t", "known", json!({"n": 2})),
        BatchOperation::delete("t", BatchRow::of_operation(3)),
    ]);
    vault_over(service).batch(request).await.unwrap();
    let body: Value = serde_json::from_slice(&recorder.exchanges()[0].body).unwrap();
    let ids: Vec<_> = body["records"].as_array().unwrap().iter().map(|entry| entry["ID"].as_str()).collect();
    let inserted = Some("$responses.0.records.0.skyflow_id");
    assert_eq!(ids, [None, inserted, inserted, Some("known"), Some("known")]);
}

#[tokio::test]
async fn only_earlier_operations_can_be_referred_to() {
    let (recorder, service) = recorded();
    let vault = vault_over(service);
    for row in [
        BatchRow::of_operation(1),
        BatchRow::of_operation(2),
        BatchRow::of_operation(usize::MAX),
        // An id from outside must not become a reference.
        BatchRow::id("$responses.0.records.0.skyflow_id"),
        BatchRow::from(" $responses.0.records.0.skyflow_id"),
    ] {
        let operations = [
            BatchOperation::insert("t", json!({"n": 1})),
            BatchOperation::get("t", row),
            BatchOperation::insert("t", json!({"n": 1})),
        ];
        let error = vault.batch(BatchRequest::new(operations)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.field()),
            (ErrorKind::InvalidInput, Some("operations[1].skyflow_id"))
        );
    }
    assert_eq!(recorder.count(), 0);
}

#[tokio::test]
async fn references_reach_rows_in_the_embedded_vault() {
    let vault = in_process(&EmbeddedVault::builder().build().unwrap());
    for go_on in [false, true] {
        let request = BatchRequest::new([
            BatchOperation::insert("table1", json!({"name": "Ada"})),
            BatchOperation::get("table1", BatchRow::of_operation(0)).return_tokens(true),
            BatchOperation::update("table1", BatchRow::of_operation(1), json!({"name": "Grace"})),
            BatchOperation::delete("table1", BatchRow::of_operation(2)),
        ]);
        let outcomes = vault.batch(request.continue_on_error(go_on)).await.unwrap().outcomes;
        let ids: Vec<_> = outcomes
            .iter()
            .map(|outcome| outcome.result.as_ref().unwrap().skyflow_id.clone().unwrap())
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[tokio::test]
async fn absent_ids_of_references_are_those_of_the_row() {
    let body =
        json!({"responses": [{"records": [{"skyflow_id": "new"}]}, {"tokens": null}, {"deleted": true}]});
    let request = BatchRequest::new([
        BatchOperation::insert("t", json!({"n": 1})),
        BatchOperation::update("t", BatchRow::of_operation(0), json!({"n": 2})),
        BatchOperation::delete("t", BatchRow::of_operation(1)),
    ]);
    let outcomes = crate::vault_responding(200, &body).batch(request).await.unwrap().outcomes;
    for outcome in outcomes {
        assert_eq!(outcome.result.unwrap().skyflow_id.as_deref(), Some("new"));
    }
}
