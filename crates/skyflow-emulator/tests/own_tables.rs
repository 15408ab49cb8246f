//! Tables of the user's own beside the default ones.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use serde_json::{Value, json};
use skyflow_emulator::{BuildError, Column, DataType, EmbeddedVault, Table};
use support::Client;

fn schema(name: &str) -> Value {
    json!({"schemas": [{"name": name, "fields": [
        {"name": "title", "datatype": "DT_STRING", "tags": [
            {"name": "skyflow.options.default_dlp_policy", "values": ["PLAIN_TEXT"]}]},
        {"name": "count", "datatype": "DT_INT64"},
    ]}]})
}

#[tokio::test]
async fn own_tables_replace_default_ones_of_their_name() {
    for name in ["table1", "persons", "credit_cards", "detect"] {
        let by_schema = EmbeddedVault::builder().schema_json(schema(name)).build().unwrap();
        let table = Table::new(name).column(Column::string("title"));
        let by_table = EmbeddedVault::builder().table(table).build().unwrap();
        for vault in [by_schema, by_table] {
            let client = Client::new(&vault);
            let (id, _) = client.insert_one(name, json!({"title": "x"})).await;
            assert_eq!(client.fields(name, &id, "DEFAULT").await, json!({"skyflow_id": id, "title": "x"}));
            let other = if name == "table1" { "persons" } else { "table1" };
            client.insert_one(other, json!({"name": "Ada"})).await;
            client
                .post(&format!("/{name}"), json!({"records": [{"fields": {"name": "x"}}]}))
                .await
                .error(404);
        }
    }
}

#[test]
fn a_data_file_still_guards_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.db");
    drop(EmbeddedVault::builder().data_file(&path).schema_json(schema("persons")).build().unwrap());
    drop(EmbeddedVault::builder().data_file(&path).schema_json(schema("persons")).build().unwrap());
    let other = Table::new("persons").column(Column::new("title", DataType::Bool));
    let refused = EmbeddedVault::builder().data_file(&path).table(other).build();
    assert!(matches!(refused, Err(BuildError::Schema(_))));
}

#[tokio::test]
async fn times_are_detokenized_as_time() {
    let table = Table::new("shifts").column(
        Column::new("start", DataType::Time).tokens(skyflow_emulator::TokenPolicy::DeterministicUuid),
    );
    let client = Client::new(&EmbeddedVault::builder().table(table).build().unwrap());
    let (_, tokens) = client.insert_one("shifts", json!({"start": "09:30:00"})).await;
    let body = json!({"detokenizationParameters": [{"token": tokens["start"]}]});
    let record = client.post("/detokenize", body).await.ok()["records"][0].clone();
    assert_eq!((&record["valueType"], &record["value"]), (&json!("TIME"), &json!("09:30:00")));
}

#[tokio::test]
async fn tokenize_takes_a_group_or_a_column() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let (_, tokens) = client.insert_one("table1", json!({"name": "Ada", "age": 41})).await;
    let ask = |parameter: Value| {
        let client = client.clone();
        async move { client.post("/tokenize", json!({"tokenizationParameters": [parameter]})).await }
    };
    for parameter in [
        json!({"value": "Ada", "columnGroup": "table1.name"}),
        json!({"value": "Ada", "table": "table1", "column": "name"}),
    ] {
        assert_eq!(ask(parameter).await.ok()["records"][0]["token"], tokens["name"]);
    }
    let by_number = json!({"value": 41.0, "table": "table1", "column": "age"});
    assert_eq!(ask(by_number).await.ok()["records"][0]["token"], tokens["age"]);
    for (parameter, status) in [
        (json!({"value": "Ada", "columnGroup": "table1.name", "table": "table1", "column": "name"}), 400),
        (json!({"value": "Ada", "columnGroup": "table1.name", "column": "name"}), 400),
        (json!({"value": "Ada", "table": "table1"}), 400),
        (json!({"value": "Ada", "column": "name"}), 400),
        (json!({"value": "Ada"}), 400),
        (json!({"columnGroup": "table1.name"}), 400),
        (json!({"value": "Ada", "columnGroup": "nowhere"}), 400),
        (json!({"value": "Ada", "table": "nowhere", "column": "name"}), 404),
        (json!({"value": "Ada", "table": "table1", "column": "notes"}), 400),
        (json!({"value": "Grace", "table": "table1", "column": "name"}), 404),
    ] {
        let response = ask(parameter.clone()).await;
        assert_eq!(response.status.as_u16(), status, "{parameter}: {}", response.body);
    }
}
