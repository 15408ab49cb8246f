use serde::Deserialize;
use serde_json::json;
use skyflow::{
    BatchOperation, BatchRequest, DetokenizeRequest, ErrorKind, GetRequest, InsertRequest, QueryRequest,
    Redaction, TokenMode, TokenizeRequest, UpdateRequest,
};

use crate::scripted_vault::{Clients, Scripted, script};

#[tokio::test]
async fn unset_fields_are_omitted() {
    let server = script(&[(200, json!({"records": [{"skyflow_id": "a", "tokens": null}]}))]);
    let vault = server.vault();
    vault.insert(InsertRequest::new("t").record(json!({"a": 1}))).await.unwrap();
    vault.get(GetRequest::new("t").ids(["x"])).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].target(), "/v1/vaults/v1/t");
    assert_eq!(sent[0].json(), json!({"records": [{"fields": {"a": 1}}], "tokenization": false}));
    assert_eq!((sent[1].method.as_str(), sent[1].target()), ("GET", "/v1/vaults/v1/t?skyflow_ids=x"));
    assert_eq!(sent[0].host(), "cluster.vault.skyflowapis.com");
    assert_eq!(sent[0].header("authorization"), format!("Bearer {}", skyflow_testkit::API_KEY));
}

#[tokio::test]
async fn every_option_of_an_insert_reaches_the_wire() {
    let server = script(&[(200, json!({"records": [{"skyflow_id": "a"}]}))]);
    let request = InsertRequest::new("t/1")
        .record_with_tokens(json!({"a": "x"}), json!({"a": "t"}))
        .return_tokens(true)
        .upsert("a")
        .token_mode(TokenMode::EnableStrict);
    server.vault().insert(request).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].target(), "/v1/vaults/v1/t%2F1");
    let expected = json!({"records": [{"fields": {"a": "x"}, "tokens": {"a": "t"}}], "tokenization": true,
        "upsert": "a", "byot": "ENABLE_STRICT"});
    assert_eq!(sent[0].json(), expected);
}

#[tokio::test]
async fn values_of_every_type_survive_a_round_trip() {
    #[derive(Deserialize, serde::Serialize, Debug, PartialEq, Clone)]
    struct Row {
        n: u64,
        f: f64,
        b: bool,
        z: Option<String>,
        o: Vec<Option<i8>>,
    }
    let row = Row { n: u64::MAX, f: 1.5, b: true, z: None, o: vec![Some(-1), None] };
    let server = script(&[
        (200, json!({"records": [{"skyflow_id": "a"}]})),
        (
            200,
            json!({"records": [{"fields": {"n": u64::MAX, "f": 1.5, "b": true, "z": null, "o": [-1, null], "new": 1}}]}),
        ),
    ]);
    let vault = server.vault();
    vault.insert(InsertRequest::new("t").record(&row)).await.unwrap();
    assert_eq!(server.requests()[0].json()["records"][0]["fields"]["n"], json!(u64::MAX));
    let got = vault.get(GetRequest::new("t").ids(["a"])).await.unwrap();
    assert_eq!(got.records::<Row>().unwrap(), [row]);
}

#[tokio::test]
async fn rel_b05_each_batch_row_is_in_exactly_one_list() {
    let statuses = [200, 201, 207, 400, 404, 409, 429, 500, 503];
    let responses: Vec<_> = statuses
        .iter()
        .map(|status| match status {
            200..300 => json!({"Status": status, "Body": {"records": [{"skyflow_id": format!("id-{status}"), "tokens": {"a": "t"}}]}}),
            _ => json!({"Status": status, "Body": {"error": format!("failed with {status}")}}),
        })
        .collect();
    let server = script(&[(207, json!({"vaultID": "v1", "responses": responses}))]);
    // One row more than the response has outcomes.
    let rows = (0..=statuses.len()).map(|n| json!({"a": n}));
    let request = InsertRequest::new("t").records(rows).continue_on_error(true).return_tokens(true);
    let response = server.vault().insert(request).await.unwrap();
    let inserted: Vec<_> =
        response.inserted_fields.iter().map(|row| (row.request_index, row.skyflow_id.as_str())).collect();
    assert_eq!(inserted, [(0, "id-200"), (1, "id-201"), (2, "id-207")]);
    let errors: Vec<_> = response.errors.iter().map(|row| (row.request_index, row.http_code)).collect();
    let expected = [400, 404, 409, 429, 500, 503].map(Some);
    assert_eq!(errors[..6], [3, 4, 5, 6, 7, 8].into_iter().zip(expected).collect::<Vec<_>>());
    assert_eq!(errors[6], (9, None), "nothing is known about the last row");
    assert!(response.errors.iter().all(|row| row.request_id.as_ref().unwrap().as_str() == "req-1"));
    assert_eq!(response.errors[1].error, "failed with 404");

    let sent = &server.requests()[0];
    assert_eq!(sent.target(), "/v1/vaults/v1");
    assert_eq!(sent.json()["continueOnError"], true);
    let first = json!({"fields": {"a": 0}, "tableName": "t", "method": "POST", "tokenization": true});
    assert_eq!(sent.json()["records"][0], first);
}

#[tokio::test]
async fn insert_response_row_count_is_checked() {
    let one = (200, json!({"records": [{"skyflow_id": "a"}]}));
    let rows = |count: usize| InsertRequest::new("t").records((0..count).map(|n| json!({"a": n})));
    let response = script(std::slice::from_ref(&one)).vault().insert(rows(3)).await.unwrap();
    assert_eq!((response.inserted_fields.len(), response.errors.len()), (1, 2));
    assert_eq!(response.errors[0].request_index, 1);

    let two = (200, json!({"records": [{"skyflow_id": "a"}, {"skyflow_id": "b"}]}));
    let error = script(&[two]).vault().insert(rows(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.may_have_been_applied());
    assert_eq!(error.request_id().unwrap().as_str(), "req-1");
}

#[tokio::test]
async fn token_column_skyflow_id_does_not_hide_the_id() {
    #[derive(Deserialize)]
    struct Row {
        skyflow_id: String,
        a: String,
    }
    let response = json!({"records": [{"skyflow_id": "real", "tokens": {"skyflow_id": "token", "a": "t"}}]});
    let response = script(&[(200, response)]).vault();
    let response = response.insert(InsertRequest::new("t").record(json!({"a": 1}))).await.unwrap();
    let rows: Vec<Row> = response.records().unwrap();
    assert_eq!((rows[0].skyflow_id.as_str(), rows[0].a.as_str()), ("real", "t"));
}

#[tokio::test]
async fn get_reads_tokens_in_both_places() {
    for record in [json!({"tokens": {"a": "t"}}), json!({"fields": {"a": "t"}, "tokens": null})] {
        let server = script(&[(200, json!({"records": [record]}))]);
        let response = server.vault().get(GetRequest::new("t").ids(["x"]).return_tokens(true)).await.unwrap();
        assert_eq!(response.data[0].text("a").unwrap(), "t");
        assert_eq!(server.requests()[0].target(), "/v1/vaults/v1/t?skyflow_ids=x&tokenization=true");
    }
}

#[tokio::test]
async fn detokenize_keeps_order_and_each_redaction() {
    let server = script(&[(
        200,
        json!({"records": [
            {"token": "a", "valueType": "INTEGER", "value": 42, "error": null},
            {"token": "b", "valueType": "NONE", "value": "", "error": "Token Not Found"},
            {"token": "a", "valueType": "INTEGER", "value": 42},
        ]}),
    )]);
    let request = DetokenizeRequest::new()
        .token_with("a", Redaction::PlainText)
        .token("b")
        .token_with("a", Redaction::Masked)
        .continue_on_error(true)
        .download_url(true);
    let response = server.vault().detokenize(request).await.unwrap();
    let values: Vec<_> =
        response.detokenized_fields.iter().map(|f| (f.request_index, f.value().unwrap())).collect();
    assert_eq!(values, [(0, "42".to_owned()), (2, "42".to_owned())]);
    assert_eq!(response.detokenized_fields[0].decode::<u8>().unwrap(), 42);
    assert_eq!((response.errors[0].request_index, response.errors[0].error.as_str()), (1, "Token Not Found"));
    let expected = json!({"detokenizationParameters": [
        {"token": "a", "redaction": "PLAIN_TEXT"}, {"token": "b", "redaction": "DEFAULT"}, {"token": "a", "redaction": "MASKED"},
    ], "continueOnError": true, "downloadURL": true});
    assert_eq!(server.requests()[0].json(), expected);
}

#[tokio::test]
async fn query_rows_keep_tokens_of_the_server() {
    let response = json!({"records": [{"fields": {"name": "x"}, "tokens": {"name": "t"}}, {"fields": {"name": "y"}, "tokens": null}]});
    let vault = script(&[(200, response)]).vault();
    let rows = vault.query(QueryRequest::new("SELECT name FROM persons")).await.unwrap().fields;
    assert_eq!(rows[0].tokenized_data.text("name").unwrap(), "t");
    assert!(rows[1].tokenized_data.column_names().is_empty());
    assert_eq!(rows[1].record.text("name").unwrap(), "y");
}

#[tokio::test]
async fn tokenize_returns_one_token_per_value() {
    let server = script(&[(200, json!({"records": [{"token": "t1"}, {"token": "t2"}]}))]);
    let two = || TokenizeRequest::new().value("a", "g").value("b", "g");
    let tokenized = server.vault().tokenize(two()).await.unwrap().tokenized_fields;
    assert_eq!(tokenized.iter().map(|field| field.token.as_str()).collect::<Vec<_>>(), ["t1", "t2"]);
    let error = server.vault().tokenize(two().value("c", "g")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn update_puts_the_id_into_the_path_only() {
    let server = script(&[(200, json!({"skyflow_id": "a/b", "tokens": {"name": "t"}}))]);
    let request =
        UpdateRequest::new("t", "a/b", json!({"skyflow_id": "a/b", "name": "x"})).return_tokens(true);
    let response = server.vault().update(request).await.unwrap();
    assert_eq!((response.skyflow_id.as_str(), response.token("name").unwrap().as_str()), ("a/b", "t"));
    let sent = &server.requests()[0];
    assert_eq!((sent.method.as_str(), sent.target()), ("PUT", "/v1/vaults/v1/t/a%2Fb"));
    assert_eq!(sent.json(), json!({"record": {"fields": {"name": "x"}}, "tokenization": true}));
}

#[tokio::test]
async fn mixed_batch_has_one_outcome_per_operation() {
    let server = script(&[(
        200,
        json!({"responses": [
            {"Status": 200, "Body": {"records": [{"skyflow_id": "new", "tokens": {"a": "t"}}]}},
            {"Status": 200, "Body": {"skyflow_id": "b", "tokens": null}},
            {"Status": 200, "Body": {"fields": {"skyflow_id": "c", "name": "x"}}},
            {"Status": 404, "Body": {"error": "no such row"}},
        ]}),
    )]);
    let request = BatchRequest::new([
        BatchOperation::insert("t", json!({"a": 1})).return_tokens(true).upsert("a").batch_id("1"),
        BatchOperation::update("t", "b", json!({"a": 2})),
        BatchOperation::get("u", "c").redaction(Redaction::Masked),
        BatchOperation::delete("u", "d"),
    ]);
    let outcomes = server.vault().batch(request.continue_on_error(true)).await.unwrap().outcomes;
    let ids: Vec<_> =
        outcomes.iter().map(|o| o.result.as_ref().ok().and_then(|row| row.skyflow_id.clone())).collect();
    assert_eq!(ids, [Some("new".into()), Some("b".into()), Some("c".into()), None]);
    assert_eq!(outcomes[2].result.as_ref().unwrap().fields.as_ref().unwrap().text("name").unwrap(), "x");
    assert_eq!(outcomes[3].http_code, Some(404));
    assert_eq!(outcomes[3].result.as_ref().unwrap_err().message(), "no such row");
    let expected = json!([
        {"fields": {"a": 1}, "tableName": "t", "method": "POST", "batchID": "1", "tokenization": true, "upsert": "a"},
        {"fields": {"a": 2}, "tableName": "t", "method": "PUT", "ID": "b"},
        {"tableName": "u", "method": "GET", "redaction": "MASKED", "ID": "c"},
        {"tableName": "u", "method": "DELETE", "ID": "d"},
    ]);
    assert_eq!(server.requests()[0].json()["records"], expected);
}

#[tokio::test]
async fn upsert_is_retried_and_plain_insert_is_not() {
    let ok = (200, json!({"records": [{"skyflow_id": "a"}]}));
    let down = (503, json!({"error": {"http_code": 503, "message": "down"}}));
    let row = |server: &Scripted, request: InsertRequest| {
        let vault = server.vault();
        async move { vault.insert(request).await }
    };

    let server = script(&[down.clone(), ok.clone()]);
    row(&server, InsertRequest::new("t").record(json!({"k": 1})).upsert("k")).await.unwrap();
    assert_eq!(server.requests().len(), 2);

    // A row that does not name the unique column would be inserted twice.
    for request in [
        InsertRequest::new("t").record(json!({"k": 1})),
        InsertRequest::new("t").record(json!({"k": 1})).record(json!({"other": 1})).upsert("k"),
        InsertRequest::new("t").record(json!({"k": null})).upsert("k"),
    ] {
        let server = script(&[down.clone(), ok.clone()]);
        let error = row(&server, request).await.unwrap_err();
        assert_eq!(server.requests().len(), 1);
        assert!(error.may_have_been_applied() && error.is_retryable());
        assert_eq!((error.http_code(), error.attempts()), (Some(503), 1));
    }
}
