//! Options that an SDK cannot leave out, and other ways of writing them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use http::Method;
use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use support::Client;

const UNSET: [fn() -> Value; 5] = [|| json!(null), || json!(""), || json!({}), || json!([]), || json!(0)];

fn client() -> Client {
    Client::new(&EmbeddedVault::builder().build().unwrap())
}

#[tokio::test]
async fn empty_options_of_any_type_mean_unset() {
    let client = client();
    let (id, tokens) = client.insert_one("table1", json!({"name": "Ada"})).await;
    for unset in UNSET {
        let unset = unset();
        let body = json!({
            "records": [{"fields": {"name": "x"}, "tokens": unset}],
            "tokenization": unset, "upsert": unset, "homogeneous": unset, "byot": unset,
        });
        client.post("/table1", body).await.ok();
        let entry = |method: &str, id: Value| {
            json!({
                "method": method, "tableName": "table1", "fields": {"name": "x"}, "tokens": unset, "ID": id,
                "redaction": unset, "tokenization": unset, "downloadURL": unset, "upsert": unset,
                "returnFileMetadata": unset, "batchID": unset, "quorum": true,
            })
        };
        let entries = [entry("POST", unset.clone()), entry("PUT", json!(id)), entry("GET", json!(id))];
        let body = json!({"records": entries, "continueOnError": unset, "byot": unset});
        client.post("", body).await.ok();
        let body = json!({
            "record": {"fields": {"name": "Ada"}, "tokens": unset}, "tokenization": unset, "byot": unset,
        });
        client.call(Method::PUT, &format!("/table1/{id}"), body).await.ok();
        let body = json!({
            "detokenizationParameters": [{"token": tokens["name"], "redaction": unset}],
            "continueOnError": unset, "downloadURL": unset,
        });
        client.post("/detokenize", body).await.ok();
        let parameter =
            json!({"value": "Ada", "columnGroup": "table1.name", "table": unset, "column": unset});
        client.post("/tokenize", json!({"tokenizationParameters": [parameter]})).await.ok();
    }
}

#[tokio::test]
async fn enumerations_of_requests_have_no_case() {
    let client = client();
    let (id, tokens) = client.insert_one("table1", json!({"card_number": "4111111111111111"})).await;
    for level in ["plain_text", "Plain_Text", "PLAIN_TEXT"] {
        assert_eq!(client.reveal(&tokens["card_number"], level).await, "4111111111111111");
        assert_eq!(client.fields("table1", &id, level).await["card_number"], "4111111111111111");
    }
    assert_eq!(client.fields("table1", &id, "null").await["card_number"], "XXXXXXXXXXXX1111");
    let body = json!({"records": [{"fields": {"name": "b"}, "tokens": {"name": "t"}}], "byot": "enable"});
    client.post("/table1", body).await.ok();
    let entry = json!({"method": "get", "tableName": "table1", "ID": id, "redaction": "masked"});
    client.post("", json!({"records": [entry]})).await.ok();
    let flags = "tokenization=FALSE&downloadURL=True&redaction=redacted&limit=25.0";
    client.get(&format!("/table1?{flags}")).await.ok();
    client.get("/table1?redaction=open").await.error(400);
    client.get("/table1?limit=10.5").await.error(400);
}
