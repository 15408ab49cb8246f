//! Numbers keep the digits that they were sent with.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use http::{Request, header};
use serde_json::{Value, json};
use skyflow_emulator::{Column, ConnectionSpec, DataType, EmbeddedVault, Table, TokenPolicy};
use skyflow_http::Body;
use support::Client;
use tower::ServiceExt;

/// An object whose numbers no 64 bits hold.
const DIGITS: &str = r#"{"a":[18446744073709551616,1.10,-0,1e400],"b":12345678901234567890.10}"#;

/// Sends a body as it is and returns the text of the response.
async fn text(client: &Client, method: &str, path: &str, body: &str) -> String {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .header("x-skyflow-authorization", &client.bearer)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let response = client.vault.service().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(status.is_success(), "{status} {text}");
    text
}

fn client() -> Client {
    let table = Table::new("numbers")
        .column(Column::new("json", DataType::Json).tokens(TokenPolicy::DeterministicUuid))
        .column(Column::new("list", DataType::Float64).array())
        .column(Column::new("big", DataType::Int64).unique())
        .column(Column::new("hidden", DataType::Json).tokens(TokenPolicy::Transient));
    Client::new(&EmbeddedVault::builder().table(table).build().unwrap())
}

#[tokio::test]
async fn json_columns_return_digits_as_they_were_sent() {
    let client = client();
    let vault = format!("/v1/vaults/{}", client.vault.vault_id());
    let insert = format!(r#"{{"records":[{{"fields":{{"json":{DIGITS}}}}}],"tokenization":true}}"#);
    let inserted: Value =
        serde_json::from_str(&text(&client, "POST", &format!("{vault}/numbers"), &insert).await).unwrap();
    let id = inserted["records"][0]["skyflow_id"].as_str().unwrap();
    let token = inserted["records"][0]["tokens"]["json"].as_str().unwrap();

    let shown = format!(r#""json":{DIGITS}"#);
    let batch = format!(
        r#"{{"records":[{{"method":"PUT","tableName":"numbers","ID":"{id}","fields":{{"json":{DIGITS}}}}},
            {{"method":"GET","tableName":"numbers","ID":"{id}"}}],"continueOnError":true}}"#
    );
    for (method, path, body) in [
        ("GET", format!("{vault}/numbers/{id}"), String::new()),
        ("GET", format!("{vault}/numbers?skyflow_ids={id}"), String::new()),
        ("POST", format!("{vault}/query"), r#"{"query":"SELECT json FROM numbers"}"#.to_owned()),
        ("POST", vault.clone(), batch),
    ] {
        let found = text(&client, method, &path, &body).await;
        assert!(found.contains(&shown), "{path}: {found}");
    }
    let body = json!({"detokenizationParameters": [{"token": token}]}).to_string();
    let value: Value =
        serde_json::from_str(&text(&client, "POST", &format!("{vault}/detokenize"), &body).await).unwrap();
    assert_eq!(value["records"][0]["value"], DIGITS);
    let body =
        format!(r#"{{"tokenizationParameters":[{{"table":"numbers","column":"json","value":{DIGITS}}}]}}"#);
    assert!(text(&client, "POST", &format!("{vault}/tokenize"), &body).await.contains(token));
}

#[tokio::test]
async fn values_that_floats_confuse_have_two_tokens() {
    let client = client();
    let path = format!("/v1/vaults/{}/numbers", client.vault.vault_id());
    let body = r#"{"records":[{"fields":{"json":[18446744073709551616]}},{"fields":{"json":[18446744073709551617]}}],"tokenization":true}"#;
    let inserted: Value = serde_json::from_str(&text(&client, "POST", &path, body).await).unwrap();
    assert_ne!(inserted["records"][0]["tokens"], inserted["records"][1]["tokens"]);
}

#[tokio::test]
async fn typed_columns_keep_their_own_numbers() {
    let client = client();
    let (id, _) = client.insert_one("numbers", json!({"big": i64::MAX, "list": [1.5, 2]})).await;
    let fields = client.fields("numbers", &id, "PLAIN_TEXT").await;
    assert_eq!(fields, json!({"skyflow_id": id, "big": i64::MAX, "list": [1.5, 2]}));
    let found = client.get(&format!("/numbers?column_name=big&column_values={}", i64::MAX)).await.ok();
    assert_eq!(found["records"][0]["fields"]["skyflow_id"], id);
    let (whole, _) = client.insert_one("numbers", json!({"big": 41.0})).await;
    assert_eq!(client.fields("numbers", &whole, "PLAIN_TEXT").await["big"].to_string(), "41");
    for bad in ["10.5", "9223372036854775808", "1e400"] {
        let path = format!("/v1/vaults/{}/numbers", client.vault.vault_id());
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
            .body(Body::from(format!(r#"{{"records":[{{"fields":{{"big":{bad}}}}}]}}"#)))
            .unwrap();
        support::send(&client.vault, request).await.error(400);
    }
}

#[tokio::test]
async fn connections_pass_digits_on() {
    let spec = json!({
        "name": "echo", "mode": "EGRESS", "baseURL": "builtin:echo",
        "routes": [{"path": "/x", "method": "POST", "contentType": "JSON",
            "requestBody": [{"action": "DETOKENIZATION", "fieldName": "card"}]}],
    });
    let spec = ConnectionSpec::from_json(&spec).unwrap().with_id("echo");
    let client = Client::new(&EmbeddedVault::builder().connection(spec).build().unwrap());
    let echoed = text(&client, "POST", "/v1/gateway/outboundRoutes/echo/x", DIGITS).await;
    assert!(echoed.contains(DIGITS), "{echoed}");
}
