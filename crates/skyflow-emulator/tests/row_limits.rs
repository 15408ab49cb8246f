//! How much one request may ask for.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use http::Method;
use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use support::Client;

fn client(limit: usize) -> Client {
    Client::new(&EmbeddedVault::builder().row_limit(limit).build().unwrap())
}

#[tokio::test]
async fn requests_over_the_row_limit_are_refused() {
    let client = client(3);
    let many = |count: usize, element: Value| vec![element; count];
    let status = |count: usize| {
        let insert = json!({"records": many(count, json!({"fields": {"name": "a"}}))});
        let entry = json!({"method": "POST", "tableName": "table1", "fields": {"name": "a"}});
        let detokenize =
            json!({"detokenizationParameters": many(count, json!({"token": "x"})), "continueOnError": true});
        let tokenize = json!({"tokenizationParameters": many(count, json!({"value": "a", "columnGroup": "table1.name"}))});
        [
            (Method::POST, "/table1", insert),
            (Method::POST, "", json!({"records": many(count, entry)})),
            (Method::POST, "/detokenize", detokenize),
            (Method::POST, "/tokenize", tokenize),
            (Method::DELETE, "/table1", json!({"skyflow_ids": many(count, json!("x"))})),
        ]
    };
    for (method, path, body) in status(4) {
        let refused = client.call(method, path, body).await;
        assert!(refused.error(400).contains("at most 3"), "{path}: {}", refused.body);
    }
    for (method, path, body) in status(3) {
        let served = client.call(method, path, body).await;
        assert!(!served.body.to_string().contains("at most"), "{path}: {}", served.body);
    }
}

#[tokio::test]
async fn ten_thousand_rows_are_taken_by_default() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let tokens = |count: usize| vec![json!({"token": "x"}); count];
    let body = |count| json!({"detokenizationParameters": tokens(count), "continueOnError": true});
    client.post("/detokenize", body(10_000)).await.ok();
    client.post("/detokenize", body(10_001)).await.error(400);
}

#[tokio::test]
async fn insert_into_unknown_table_or_column_is_404() {
    let client = client(10);
    let fields = json!({"fields": {"nmae": "a"}});
    let refused = client.post("/table1", json!({"records": [fields]})).await;
    assert_eq!(refused.error(404), "Insert failed. Column nmae is invalid. Specify a valid column.");
    assert_eq!(refused.body["error"]["grpc_code"], 5);
    let refused = client.post("/nowhere", json!({"records": [fields]})).await;
    assert_eq!(
        refused.error(404),
        "Insert failed. Table name nowhere is invalid. Specify a valid table name."
    );
    for (table, column) in [("nowhere", "name"), ("table1", "nmae")] {
        let entry = json!({"method": "POST", "tableName": table, "fields": {column: "a"}});
        let body = json!({"records": [entry], "continueOnError": true});
        assert_eq!(client.post("", body).await.ok()["responses"][0]["Status"], 400, "{table}.{column}");
        client.post("", json!({"records": [entry]})).await.error(400);
    }
    let (id, _) = client.insert_one("table1", json!({"name": "a"})).await;
    let body = json!({"record": {"fields": {"nmae": "a"}}});
    client.call(Method::PUT, &format!("/table1/{id}"), body).await.error(400);
}
