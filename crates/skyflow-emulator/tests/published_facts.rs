//! What the published descriptions say of the vault and no other test of this crate shows.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use http::{Method, Request, header};
use serde_json::{Value, json};
use skyflow_emulator::{Column, DataType, EmbeddedVault, Table};
use skyflow_http::{Body, SystemClock};
use support::{Client, Response, TOKEN_URI, claims, owner_credentials, send, sign};

fn client() -> Client {
    let table =
        Table::new("profiles").column(Column::new("address", DataType::Json)).column(Column::string("name"));
    Client::new(&EmbeddedVault::builder().table(table).build().unwrap())
}

/// Version 2025.10 of the data API lets bodies repeat what the path says.
#[tokio::test]
async fn bodies_may_repeat_what_the_path_says() {
    let client = client();
    let repeated = json!({"vaultID": "other", "objectName": "other", "ID": "other"});
    let with = |mut body: Value| {
        body.as_object_mut().unwrap().extend(repeated.as_object().unwrap().clone());
        body
    };
    let body = with(json!({"records": [{"fields": {"name": "Ada"}}]}));
    let id = client.post("/profiles", body).await.ok()["records"][0]["skyflow_id"].clone();
    let row = format!("/profiles/{}", id.as_str().unwrap());
    client.call(Method::PUT, &row, with(json!({"record": {"fields": {"name": "Grace"}}}))).await.ok();
    let found = client.post("/query", with(json!({"query": "select name from profiles"}))).await.ok();
    assert_eq!(found["records"][0]["fields"]["name"], "Grace");
    client.call(Method::DELETE, "/profiles", with(json!({"skyflow_ids": [id]}))).await.ok();
}

#[tokio::test]
async fn update_replaces_a_json_column_whole() {
    let client = client();
    let address = json!({"city": "London", "street": {"name": "Mayfair", "number": 7}});
    let (id, _) = client.insert_one("profiles", json!({"name": "Ada", "address": address})).await;
    let body = json!({"record": {"fields": {"address": {"street": {"name": "Soho"}}}}});
    client.call(Method::PUT, &format!("/profiles/{id}"), body).await.ok();
    let fields = client.fields("profiles", &id, "PLAIN_TEXT").await;
    assert_eq!(fields["address"], json!({"street": {"name": "Soho"}}));
    assert_eq!(fields["name"], "Ada");
}

/// `upsert` counts for POST, `fields` for POST and PUT.
#[tokio::test]
async fn batch_ignores_members_of_other_methods() {
    let client = client();
    let (id, _) = client.insert_one("profiles", json!({"name": "Ada"})).await;
    let entry = |method: &str| json!({"method": method, "tableName": "profiles", "ID": id, "upsert": "no_such", "fields": {"no_such": 1}});
    let body = json!({"records": [entry("GET"), entry("DELETE")]});
    let responses = client.post("", body).await.ok()["responses"].clone();
    assert_eq!(responses[1], json!({"skyflow_id": id, "deleted": true}));
}

#[tokio::test]
async fn detokenize_redacts_by_default() {
    let client = client();
    let (_, tokens) = client.insert_one("table1", json!({"card_number": "4111111111111111"})).await;
    let body = json!({"detokenizationParameters": [{"token": tokens["card_number"]}]});
    let found = client.post("/detokenize", body).await.ok();
    assert_eq!(found["records"][0]["value"], "XXXXXXXXXXXX1111");
}

async fn events(client: &Client, query: &str) -> Value {
    let uri = format!("/v1/audit/events?filterOps.accountID={}{query}", client.vault.account_id());
    let request = Request::get(uri).header(header::AUTHORIZATION, format!("Bearer {}", client.bearer));
    send(&client.vault, request.body(Body::empty()).unwrap()).await.ok()
}

#[tokio::test]
async fn next_page_repeats_the_last_event() {
    let client = client();
    client.get("/profiles").await.ok();
    let page = events(&client, "&limit=1").await;
    let event = page["event"][0].clone();
    let expected =
        json!({"changeID": event["context"]["changeID"], "timestamp": event["request"]["timestamp"]});
    assert_eq!(page["nextOps"], expected);
}

#[tokio::test]
async fn injected_conflict_has_grpc_code_10() {
    let client = client();
    let request = Request::get(format!("/v1/vaults/{}/profiles", client.vault.vault_id()))
        .header("x-emulator-fault", "status=409")
        .body(Body::empty())
        .unwrap();
    let response = send(&client.vault, request).await;
    response.error(409);
    assert_eq!(
        (&response.body["error"]["grpc_code"], &response.body["error"]["http_status"]),
        (&json!(10), &json!("Conflict"))
    );
}

async fn token(vault: &EmbeddedVault, extra: Value) -> Response {
    let credentials = owner_credentials(vault);
    let assertion = sign(&credentials, &claims(&credentials, &SystemClock));
    let mut body =
        json!({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let path = TOKEN_URI.strip_prefix("https://manage.example.test").unwrap();
    send(vault, Request::post(path).body(Body::from(body.to_string())).unwrap()).await
}

/// Delegation and impersonation are published without their rules.
#[tokio::test]
async fn delegated_tokens_are_refused_by_name() {
    let vault = EmbeddedVault::builder().build().unwrap();
    token(&vault, json!({"subject_token": "", "requested_token_use": null})).await.ok();
    for field in ["subject_token", "requested_token_use"] {
        let response = token(&vault, json!({field: "delegation"})).await;
        assert!(response.error(501).contains(field), "{}", response.body);
    }
}
