//! The two forms of a batch response, references between entries, and the transaction around them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use support::Client;

fn client() -> Client {
    Client::new(&EmbeddedVault::builder().build().unwrap())
}

async fn responses(client: &Client, go_on: Option<bool>, records: Value) -> Vec<Value> {
    let mut body = json!({ "records": records });
    if let Some(go_on) = go_on {
        body["continueOnError"] = go_on.into();
    }
    let body = client.post("", body).await.ok();
    assert_eq!(body["vaultID"], client.vault.vault_id());
    body["responses"].as_array().unwrap().clone()
}

/// One entry of each method on rows of the vault.
async fn every_method(client: &Client) -> (String, String, Value) {
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let (gone, _) = client.insert_one("table1", json!({"name": "old"})).await;
    let entries = json!([
        {"method": "POST", "tableName": "table1", "fields": {"name": "Grace"}, "tokenization": true},
        {"method": "PUT", "tableName": "table1", "ID": id, "fields": {"name": "Alan"}},
        {"method": "GET", "tableName": "table1", "ID": id, "redaction": "PLAIN_TEXT"},
        {"method": "DELETE", "tableName": "table1", "ID": gone},
    ]);
    (id, gone, entries)
}

#[tokio::test]
async fn entries_have_the_form_that_the_flag_asks_for() {
    for go_on in [None, Some(false), Some(true)] {
        let client = client();
        let (id, gone, entries) = every_method(&client).await;
        let found = responses(&client, go_on, entries).await;
        let bodies: Vec<Value> = match go_on {
            Some(true) => {
                assert!(
                    found.iter().all(|entry| entry["Status"] == 200 && entry.as_object().unwrap().len() == 2)
                );
                found.iter().map(|entry| entry["Body"].clone()).collect()
            }
            _ => found,
        };
        assert!(bodies[0]["records"][0]["skyflow_id"].is_string());
        assert!(bodies[0]["records"][0]["tokens"]["name"].is_string());
        assert_eq!(bodies[1], json!({"skyflow_id": id}), "tokens that were not asked for are absent");
        assert_eq!(bodies[2]["fields"], json!({"skyflow_id": id, "name": "Alan"}));
        assert_eq!(bodies[3], json!({"skyflow_id": gone, "deleted": true}));
    }
}

#[tokio::test]
async fn batch_without_the_flag_is_one_transaction() {
    let client = client();
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let entries = json!([
        {"method": "PUT", "tableName": "table1", "ID": id, "fields": {"name": "Grace"}},
        {"method": "GET", "tableName": "table1", "ID": "no-such-row"},
    ]);
    let refused = client.post("", json!({ "records": entries })).await;
    assert_eq!(
        refused.error(404),
        "Get failed. [no-such-row] isn't a valid Skyflow ID. Specify a valid Skyflow ID."
    );
    assert_eq!(client.fields("table1", &id, "PLAIN_TEXT").await["name"], "Ada");

    let found = responses(&client, Some(true), entries).await;
    assert_eq!((&found[0]["Status"], &found[1]["Status"]), (&json!(200), &json!(400)));
    assert_eq!(client.fields("table1", &id, "PLAIN_TEXT").await["name"], "Grace");
}

#[tokio::test]
async fn references_reach_rows_of_earlier_entries() {
    // What Skyflow's Java SDK sends until version 1.12.1 to have tokens.
    for go_on in [None, Some(true)] {
        let entries = json!([
            {"method": "POST", "tableName": "table1", "fields": {"name": "Ada"}, "quorum": true},
            {"method": "GET", "tableName": "table1", "ID": "$responses.0.records.0.skyflow_id", "tokenization": true},
            {"method": "PUT", "tableName": "table1", "ID": "$responses.1.fields.skyflow_id", "fields": {"name": "Grace"}},
        ]);
        let client = client();
        let found = responses(&client, go_on, entries).await;
        let body = |index: usize| if go_on.is_some() { &found[index]["Body"] } else { &found[index] };
        let id = body(0)["records"][0]["skyflow_id"].as_str().unwrap();
        assert_eq!(body(1)["fields"]["skyflow_id"], id);
        assert_ne!(body(1)["fields"]["name"], "Ada", "a token");
        assert_eq!(body(2)["skyflow_id"], id);
        assert_eq!(client.fields("table1", id, "PLAIN_TEXT").await["name"], "Grace");
    }
}

#[tokio::test]
async fn references_that_lead_nowhere_fail_their_entry() {
    let client = client();
    let paths = [
        "$responses.9.records.0.skyflow_id",
        "$responses.2.records.0.skyflow_id",
        "$responses.1.records.0.skyflow_id",
        "$responses.0.records.7.skyflow_id",
        "$responses.0.records",
        "$responses.0",
        "$responses.",
        "$responses.-1.records.0.skyflow_id",
    ];
    for path in paths {
        let entries = json!([
            {"method": "POST", "tableName": "table1", "fields": {"name": "Ada"}},
            {"method": "POST", "tableName": "table1", "fields": {"unknown": "x"}},
            {"method": "GET", "tableName": "table1", "ID": path},
        ]);
        let found = responses(&client, Some(true), entries).await;
        let statuses: Vec<_> = found.iter().map(|entry| entry["Status"].clone()).collect();
        assert_eq!(statuses, [200, 400, 400], "{path}");
        assert!(found[2]["Body"]["error"].as_str().unwrap().contains(path));
    }
    let entries = json!([
        {"method": "POST", "tableName": "table1", "fields": {"name": "undone"}},
        {"method": "GET", "tableName": "table1", "ID": "$responses.1.records.0.skyflow_id"},
    ]);
    let before = client.get("/table1").await.ok()["records"].as_array().unwrap().len();
    client.post("", json!({ "records": entries })).await.error(400);
    assert_eq!(client.get("/table1").await.ok()["records"].as_array().unwrap().len(), before);
}

#[tokio::test]
async fn tokens_of_nested_tables_are_nested_objects() {
    let schema = json!({"schemas": [{"name": "people", "fields": [], "childrenSchemas": [{
        "name": "address",
        "fields": [{"name": "city", "datatype": "DT_STRING", "tags": [
            {"name": "skyflow.options.default_token_policy", "values": ["DETERMINISTIC_UUID"]},
        ]}],
    }]}]});
    let client = Client::new(&EmbeddedVault::builder().schema_json(schema).build().unwrap());
    for go_on in [false, true] {
        let entries = json!([{"method": "POST", "tableName": "people", "fields": {"address": {"city": "Paris"}}, "tokenization": true}]);
        let found = responses(&client, Some(go_on), entries).await;
        let body = if go_on { &found[0]["Body"] } else { &found[0] };
        assert!(body["records"][0]["tokens"]["address"]["city"].is_string(), "{body}");
    }
}
