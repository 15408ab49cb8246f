//! Responses as data: as JSON, as one row, and without invented facts.

use serde_json::{Value, json};
use skyflow::{
    BatchOperation, BatchRequest, ConnectionConfig, Credentials, DetectEntity, DetectRun, DetokenizeRequest,
    ErrorKind, GetRequest, InsertRequest, InvokeConnectionRequest, Redaction, TokenizeRequest,
};
use skyflow_testkit::API_KEY;
use skyflow_tests::clients::{REQUEST_ID, over, responding, vault_over};

fn vault(body: &Value) -> skyflow::Vault {
    vault_over(responding(200, Some("application/json"), body.to_string()))
}

fn insert() -> InsertRequest {
    InsertRequest::new("table1").record(json!({"name": "Jane"})).return_tokens(true)
}

async fn run(body: Value) -> DetectRun {
    vault(&body).detect().get_detect_run("r1").await.unwrap()
}

fn shown<T: serde::Serialize>(response: &T) -> Value {
    serde_json::from_str(&serde_json::to_string(response).unwrap()).unwrap()
}

#[tokio::test]
async fn records_are_serialized_as_they_came() {
    let row = json!({"skyflow_id": "id1", "age": 36, "name": "Jane"});
    let vault = vault(&json!({"records": [{"fields": row}]}));
    let response = vault.get(GetRequest::new("t").ids(["id1"])).await.unwrap();
    assert_eq!(shown(&response), json!({"data": [row], "request_id": REQUEST_ID}));
    assert!(!format!("{response:?}").contains("Jane"));
}

#[tokio::test]
async fn inserted_rows_are_serialized_with_tokens() {
    let vault = vault(&json!({"records": [{"skyflow_id": "id1", "tokens": {"name": "t1"}}]}));
    let expected = json!({
        "inserted_fields": [{"skyflow_id": "id1", "request_index": 0, "tokens": {"name": "t1"}}],
        "errors": [],
        "request_id": REQUEST_ID,
    });
    assert_eq!(shown(&vault.insert(insert()).await.unwrap()), expected);
}

#[tokio::test]
async fn batch_outcome_has_an_output_or_an_error() {
    let vault = vault(&json!({"responses": [
        {"Status": 200, "Body": {"records": [{"skyflow_id": "id1"}]}},
        {"Status": 400, "Body": {"error": "no such column"}},
    ]}));
    let operations = [BatchOperation::get("t", "id1"), BatchOperation::delete("t", "id2")];
    let response = vault.batch(BatchRequest::new(operations).continue_on_error(true)).await.unwrap();
    let outcomes = json!([
        {"request_index": 0, "http_code": 200, "output": {"skyflow_id": "id1", "tokens": null, "fields": null}},
        {"request_index": 1, "http_code": 400, "error": "no such column"},
    ]);
    assert_eq!(shown(&response)["outcomes"], outcomes);
}

#[tokio::test]
async fn tokens_and_values_are_serialized_in_order() {
    let vault_of_tokens = vault(&json!({"records": [{"token": "t1"}, {"token": "t2"}]}));
    let request = TokenizeRequest::new().value("a", "g").value("b", "g");
    let response = vault_of_tokens.tokenize(request).await.unwrap();
    let fields = json!([{"token": "t1", "request_index": 0}, {"token": "t2", "request_index": 1}]);
    assert_eq!(shown(&response)["tokenized_fields"], fields);

    let vault_of_values = vault(&json!({"records": [{"token": "t1", "valueType": "INTEGER", "value": 7}]}));
    let request = DetokenizeRequest::new().token_with("t1", Redaction::PlainText);
    let field = shown(&vault_of_values.detokenize(request).await.unwrap())["detokenized_fields"][0].clone();
    assert_eq!(field, json!({"token": "t1", "request_index": 0, "value_type": "INTEGER", "value": 7}));
}

#[tokio::test]
async fn connection_data_is_serialized_by_its_kind() {
    for (content_type, body, expected) in [
        ("application/json", "{\"a\":1.10}", json!({"a": 1.10})),
        ("application/x-www-form-urlencoded", "a=1&b=2&a=3", json!({"a": ["1", "3"], "b": "2"})),
        ("text/plain", "note", json!("note")),
        ("application/octet-stream", "\u{1}", json!("AQ==")),
        ("application/json", "", json!(null)),
    ] {
        let config = ConnectionConfig::new("c", "https://third.example/v1")
            .credentials(Credentials::api_key(API_KEY).unwrap());
        let client = over(responding(200, Some(content_type), body)).connection(config).build().unwrap();
        let request = InvokeConnectionRequest::new(http::Method::PUT);
        let response = shown(&client.default_connection().unwrap().invoke(request).await.unwrap());
        assert_eq!(response["data"], expected);
        assert_eq!(response["metadata"]["status"], 200);
        assert_eq!(response["metadata"]["headers"]["content-type"], json!([content_type]));
    }
}

#[tokio::test]
async fn single_returns_the_one_inserted_row() {
    let inserted = vault(&json!({"records": [{"skyflow_id": "id1", "tokens": {"name": "t1"}}]}));
    assert_eq!(inserted.insert(insert()).await.unwrap().single().unwrap().skyflow_id, "id1");

    let two = vault(&json!({"records": [{"skyflow_id": "id1"}, {"skyflow_id": "id2"}]}));
    let two = two.insert(insert().record(json!({"name": "John"}))).await.unwrap();
    let error = two.single().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.may_have_been_applied());
    let rows: Vec<Value> = serde_json::from_slice(error.expose_server_body()).unwrap();
    assert_eq!((&rows[0]["skyflow_id"], &rows[1]["skyflow_id"]), (&json!("id1"), &json!("id2")));
}

#[tokio::test]
async fn single_of_a_refused_row_is_the_servers_error() {
    let refused = vault(&json!({"responses": [{"Status": 400, "Body": {"error": "no such column"}}]}));
    let response = refused.insert(insert().continue_on_error(true)).await.unwrap();
    let error = response.single().unwrap_err();
    assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(400)));
    assert_eq!(error.request_id().unwrap().as_str(), REQUEST_ID);
    assert!(error.message().contains("no such column") && !error.may_have_been_applied());
}

#[tokio::test]
async fn surplus_rows_may_have_been_applied() {
    let entry = json!({"Status": 200, "Body": {"records": [{"skyflow_id": "id1"}]}});
    let batch = vault(&json!({"responses": [entry, entry]}));
    let plain = vault(&json!({"records": [{"skyflow_id": "id1"}, {"skyflow_id": "id2"}]}));
    for (vault, request, operation) in
        [(batch, insert().continue_on_error(true), "records.batch"), (plain, insert(), "records.insert")]
    {
        let error = vault.insert(request).await.unwrap_err();
        assert!(error.may_have_been_applied());
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some(operation)));
        assert_eq!((error.http_code(), error.request_id().unwrap().as_str()), (Some(200), REQUEST_ID));
        let kept = String::from_utf8_lossy(error.expose_server_body()).into_owned();
        assert!(kept.contains("id1") && serde_json::from_str::<Value>(&kept).unwrap().is_array(), "{kept}");
    }
}

#[tokio::test]
async fn surplus_rows_that_are_placed_lose_no_other() {
    let row = |id: &str, place: Value| json!({"skyflow_id": id, "request_index": place});
    let plain = vault(&json!({"records": [row("id9", json!(7)), row("id1", json!(0))]}));
    let entry =
        |id: &str, place: Value| json!({"Status": 200, "Body": {"skyflow_id": id}, "request_index": place});
    let batch = vault(&json!({"responses": [entry("id9", Value::Null), entry("id1", json!(0))]}));
    for (vault, request) in [(plain, insert()), (batch, insert().continue_on_error(true))] {
        let response = vault.insert(request).await.unwrap();
        let found: Vec<_> =
            response.inserted_fields.iter().map(|row| (row.request_index, row.skyflow_id.as_str())).collect();
        assert_eq!((found, response.errors.len()), (vec![(0, "id1")], 0));
        let [surplus] = &response.surplus[..] else { panic!("{response:?}") };
        assert!(surplus.index == 0 && surplus.raw().contains("id9"), "{surplus:?}");
        assert!(!format!("{response:?} {surplus}").contains("id9"));
    }
    let tokens = vault(&json!({"records": [{"token": "t9"}, {"token": "t1", "request_index": 0}]}));
    let response = tokens.tokenize(TokenizeRequest::new().value("v", "g")).await.unwrap();
    assert_eq!((response.tokenized_fields[0].token.as_str(), response.surplus[0].index), ("t1", 0));
    let tokens = vault(&json!({"records": [{"token": "t1"}, {"token": "t2"}]}));
    let error = tokens.tokenize(TokenizeRequest::new().value("v", "g")).await.unwrap_err();
    assert!(String::from_utf8_lossy(error.expose_server_body()).contains("t2"));
}

#[tokio::test]
async fn get_one_wants_exactly_one_row() {
    let row = |id: &str| json!({"fields": {"skyflow_id": id}});
    let request = || GetRequest::new("t").ids(["id1"]);
    let one = vault(&json!({"records": [row("id1")]})).get_one(request()).await.unwrap();
    assert_eq!(one.skyflow_id().as_deref(), Some("id1"));
    for rows in [json!([]), json!([row("id1"), row("id2")])] {
        let error = vault(&json!({"records": rows})).get_one(request()).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Decode, Some("records.list")));
        assert!(!error.may_have_been_applied());
    }
}

#[tokio::test]
async fn uncounted_facts_of_a_run_are_missing() {
    let zeros = |status: &str| {
        json!({"status": status, "size": 0.0, "duration": 0.0, "pages": 0, "slides": 0,
            "wordCharacterCount": {"wordCount": 0, "characterCount": 0}})
    };
    for (status, words) in [("IN_PROGRESS", None), ("SUCCESS", Some(0))] {
        let run = run(zeros(status)).await;
        assert_eq!((run.word_count, run.char_count), (words, words), "{status}");
        assert_eq!((run.size_in_kb, run.duration_in_seconds), (None, None), "{status}");
        assert_eq!((run.page_count, run.slide_count), (None, None), "{status}");
    }
}

#[tokio::test]
async fn outputs_have_a_media_type_and_a_name() {
    let output = |kind: &str, extension: &str, content: &str| json!({"processedFile": content, "processedFileType": kind, "processedFileExtension": extension});
    let entity = json!([{"token": "SSN_1", "value": "123-45-6789", "entity_type": "SSN"}]);
    let list = "W3sidG9rZW4iOiJTU05fMSIsInZhbHVlIjoiMTIzLTQ1LTY3ODkiLCJlbnRpdHlfdHlwZSI6IlNTTiJ9XQ==";
    let outputs =
        [output("redacted_file", "PDF", "aGk="), output("entities", "json", list), output("x", "pdf", "")];
    let run = run(json!({"status": "SUCCESS", "output": outputs})).await;
    let names: Vec<_> = run.outputs.iter().map(|o| (o.media_type, o.file_name.as_str())).collect();
    let expected = [
        ("application/pdf", "processed-r1.pdf"),
        ("application/json", "processed-r1.json"),
        ("application/pdf", "processed-r1-2.pdf"),
    ];
    assert_eq!(names, expected);
    let found = run.entities().unwrap();
    assert_eq!((found.len(), found[0].entity.clone()), (1, Some(DetectEntity::SSN)));
    assert_eq!(found[0].value, entity[0]["value"]);
    assert_eq!(shown(&run)["outputs"][0]["content"], "aGk=");
}

#[tokio::test]
async fn unreadable_entities_are_a_typed_error() {
    let output = json!([{"processedFile": "e30=", "processedFileType": "entities"}]);
    let run = run(json!({"status": "SUCCESS", "output": output})).await;
    let error = run.entities().unwrap_err();
    assert_eq!((error.kind(), error.run_id()), (ErrorKind::Decode, Some("r1")));
    assert_eq!(run.entity_lists().count(), 1);
}
