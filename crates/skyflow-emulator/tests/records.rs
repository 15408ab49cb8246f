//! Insert, get, detokenize, batch: the contract of the vault's daily operations.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use http::{Method, Request};
use serde_json::{Value, json};
use skyflow_emulator::{Column, EmbeddedVault, Operation, Table};
use skyflow_http::{Body, ManualClock};
use std::sync::Arc;
use std::time::Duration;
use support::{Client, send};

fn vault() -> (EmbeddedVault, Client) {
    let vault = EmbeddedVault::builder().build().unwrap();
    let client = Client::new(&vault);
    (vault, client)
}

#[tokio::test]
async fn inserted_values_return_by_token_and_masked() {
    let (_, client) = vault();
    let fields = json!({"card_number": "4111111111111111", "cardholder_name": "Ada Lovelace"});
    let (_, tokens) = client.insert_one("table1", fields).await;

    let card = &tokens["card_number"];
    assert_eq!(card.as_str().unwrap().len(), 19);
    assert_eq!(client.reveal(card, "PLAIN_TEXT").await, "4111111111111111");
    assert_eq!(client.reveal(card, "MASKED").await, "XXXXXXXXXXXX1111");
    assert_eq!(client.reveal(card, "DEFAULT").await, "XXXXXXXXXXXX1111");
    assert_eq!(client.reveal(card, "REDACTED").await, "*REDACTED*");
    let name = &tokens["cardholder_name"];
    assert_eq!(name.as_str().unwrap().len(), 36);
    assert_eq!(client.reveal(name, "PLAIN_TEXT").await, "Ada Lovelace");
    assert_eq!(client.reveal(name, "DEFAULT").await, "*REDACTED*");
}

#[tokio::test]
async fn only_deterministic_policies_repeat_tokens() {
    let (_, client) = vault();
    let fields = json!({"name": "Ada", "phone": "1", "cardholder_name": "Ada"});
    let (_, first) = client.insert_one("table1", fields.clone()).await;
    let (_, second) = client.insert_one("table1", fields).await;
    assert_eq!(first["name"], second["name"]);
    assert_ne!(first["phone"], second["phone"]);
    assert_ne!(first["name"], first["cardholder_name"], "another column is another group");
}

#[tokio::test]
async fn an_insert_happens_whole_or_not_at_all() {
    let (_, client) = vault();
    let records = json!({"records": [{"fields": {"name": "a"}}, {"fields": {"nmae": "b"}}]});
    let response = client.post("/table1", records).await;
    assert_eq!(response.error(404), "Insert failed. Column nmae is invalid. Specify a valid column.");
    assert_eq!(client.get("/table1").await.ok()["records"], json!([]));
}

#[tokio::test]
async fn nulls_of_the_python_sdk_count_as_absent() {
    let (_, client) = vault();
    let body = json!({
        "records": [{"fields": {"name": "a", "state": null}, "tokens": null}],
        "tokenization": false, "upsert": null, "homogeneous": null, "byot": null,
    });
    let inserted = &client.post("/table1", body).await.ok()["records"][0];
    assert_eq!(inserted["tokens"], Value::Null);
    let id = inserted["skyflow_id"].as_str().unwrap();
    assert_eq!(client.fields("table1", id, "PLAIN_TEXT").await, json!({"skyflow_id": id, "name": "a"}));
}

#[tokio::test]
async fn batch_reports_entries_in_request_order() {
    let (_, client) = vault();
    let entry = |table: &str, column: &str| json!({"method": "POST", "tableName": table, "fields": {column: "x"}, "tokenization": true});
    let body = json!({
        "records": [entry("table1", "name"), entry("nowhere", "name"), entry("table1", "nmae"), entry("table1", "name")],
        "continueOnError": true, "byot": "DISABLE",
    });
    let response = client.post("", body).await.ok();
    assert_eq!(response["vaultID"], client.vault.vault_id());
    let status: Vec<_> =
        response["responses"].as_array().unwrap().iter().map(|r| r["Status"].clone()).collect();
    assert_eq!(status, [200, 400, 400, 200]);
    assert_eq!(
        response["responses"][1]["Body"]["error"],
        "Insert failed. Table name nowhere is invalid. Specify a valid table name."
    );
    assert!(response["responses"][3]["Body"]["records"][0]["tokens"]["name"].is_string());
    assert_eq!(client.get("/table1").await.ok()["records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn failed_batch_without_continue_stores_nothing() {
    let (_, client) = vault();
    let body = json!({"records": [
        {"method": "POST", "tableName": "table1", "fields": {"name": "x"}},
        {"method": "POST", "tableName": "table1", "fields": {"nmae": "x"}},
    ]});
    client.post("", body).await.error(400);
    assert_eq!(client.get("/table1").await.ok()["records"], json!([]));
}

#[tokio::test]
async fn a_unique_column_holds_each_value_once() {
    let (_, client) = vault();
    client.insert_one("table1", json!({"email": "a@b.com"})).await;
    let twice = json!({"records": [{"fields": {"email": "a@b.com"}}]});
    let response = client.post("/table1", twice).await;
    assert!(response.error(400).contains("email is unique"), "{}", response.body);
    assert!(!response.body.to_string().contains("a@b.com"), "an error repeats no value");
    let long = json!({"records": [{"fields": {"email": "a".repeat(2501)}}]});
    client.post("/table1", long).await.error(400);
}

#[tokio::test]
async fn a_validation_pattern_refuses_other_values() {
    let (_, client) = vault();
    let insert = |ssn| json!({"records": [{"fields": {"ssn": ssn}}]});
    client.post("/persons", insert("123-45-6789")).await.ok();
    let response = client.post("/persons", insert("12-34")).await;
    assert!(response.error(400).contains("Column ssn"), "{}", response.body);
}

#[tokio::test]
async fn required_values_and_data_types_are_checked() {
    let table = Table::new("t").column(Column::string("must").required()).column(Column::string("may"));
    let vault = EmbeddedVault::builder().table(table).build().unwrap();
    let client = Client::new(&vault);
    let insert = |table: &'static str, fields: Value| {
        let client = client.clone();
        async move { client.post(table, json!({"records": [{"fields": fields}]})).await }
    };
    insert("/t", json!({"may": "x"})).await.error(400);
    insert("/t", json!({"must": null})).await.error(400);
    insert("/t", json!({"must": 7})).await.error(400);
    insert("/t", json!({"must": "x"})).await.ok();
    insert("/table1", json!({"age": "7"})).await.error(400);
    insert("/table1", json!({"date_of_birth": "2023-02-30"})).await.error(400);
}

#[tokio::test]
async fn values_of_every_type_come_back_as_they_were() {
    let (_, client) = vault();
    let fields = json!({
        "age": 41, "score": 2.5, "active": true, "date_of_birth": "1986-06-06",
        "metadata": {"a": [1, 2.5, null, "x"]}, "name": "Zoë ✓",
    });
    let (id, tokens) = client.insert_one("table1", fields.clone()).await;
    let mut read = client.fields("table1", &id, "PLAIN_TEXT").await;
    read.as_object_mut().unwrap().remove("skyflow_id");
    assert_eq!(read, fields);

    let body =
        json!({"detokenizationParameters": [{"token": tokens["age"]}, {"token": tokens["date_of_birth"]}]});
    let records = client.post("/detokenize", body).await.ok()["records"].clone();
    assert_eq!((&records[0]["valueType"], &records[0]["value"]), (&json!("INTEGER"), &json!("41")));
    assert_eq!(records[1]["valueType"], "DATE");
}

#[tokio::test]
async fn records_are_read_by_id_column_and_page() {
    let (_, client) = vault();
    let people: Vec<Value> =
        (0..30).map(|n| json!({"email": format!("p{n:02} +x@b.com"), "name": "n"})).collect();
    let ids: Vec<String> = client
        .insert("table1", &people)
        .await
        .iter()
        .map(|record| record["skyflow_id"].as_str().unwrap().to_owned())
        .collect();

    let two = client.get(&format!("/table1?skyflow_ids={}&skyflow_ids={}", ids[7], ids[3])).await.ok();
    assert_eq!(two["records"][0]["fields"]["skyflow_id"], ids[7].as_str());
    assert_eq!(two["records"][1]["fields"]["skyflow_id"], ids[3].as_str());

    for encoded in ["p05+%2Bx@b.com", "p05%20%2Bx%40b.com"] {
        let path =
            format!("/table1?column_name=email&column_values={encoded}&redaction=PLAIN_TEXT&skyflow_ids=");
        let found = client.get(&path).await.ok();
        assert_eq!(found["records"][0]["fields"]["email"], "p05 +x@b.com");
    }

    let first = client.get("/table1").await.ok()["records"].as_array().unwrap().clone();
    let rest = client.get("/table1?offset=25&limit=25").await.ok()["records"].as_array().unwrap().clone();
    assert_eq!((first.len(), rest.len()), (25, 5));
    let mut sorted = ids.clone();
    sorted.sort();
    let paged: Vec<&str> =
        first.iter().chain(&rest).map(|r| r["fields"]["skyflow_id"].as_str().unwrap()).collect();
    assert_eq!(paged, sorted);
    let last = client.get("/table1?order_by=DESCENDING&limit=1&fields=name").await.ok();
    assert_eq!(last["records"][0]["fields"], json!({"skyflow_id": sorted[29], "name": "n"}));
    for limit in [26, 100, 300] {
        let page = client.get(&format!("/table1?limit={limit}&offset=0")).await.ok();
        assert_eq!(page["records"].as_array().unwrap().len(), 25, "{limit}");
    }
    client.get("/table1?limit=0").await.error(400);
    client.get("/persons?fields=nmae").await.error(400);
    client.get("/table1?column_name=name&column_values=n").await.error(400);
    client.get("/table1?column_name=email&column_values=unknown").await.error(404);
}

#[tokio::test]
async fn tokenization_returns_tokens_in_fields() {
    let (_, client) = vault();
    let (id, tokens) = client.insert_one("table1", json!({"name": "Ada", "notes": "free"})).await;
    let records = client.get(&format!("/table1?skyflow_ids={id}&tokenization=true")).await.ok();
    let expected = json!({"skyflow_id": id, "name": tokens["name"], "notes": "free"});
    assert_eq!(records["records"][0], json!({"fields": expected, "tokens": null}));
    client.get("/table1?tokenization=true").await.error(400);
}

#[tokio::test]
async fn unknown_names_fail_with_skyflows_messages() {
    let (_, client) = vault();
    let (id, tokens) = client.insert_one("table1", json!({"name": "Ada"})).await;
    assert_eq!(
        client.get(&format!("/table1?skyflow_ids=x1&skyflow_ids={id}&skyflow_ids=x2")).await.error(404),
        "Get failed. [x1 x2] isn't a valid Skyflow ID. Specify a valid Skyflow ID."
    );
    assert_eq!(
        client.get("/cards").await.error(404),
        "Invalid request. Table name cards is invalid. Specify a valid table name."
    );
    let delete = client.call(Method::DELETE, "/table1", json!({"skyflow_ids": [id, "x1"]})).await;
    assert_eq!(
        delete.error(404),
        "Delete failed. [x1] isn't a valid Skyflow ID. Specify a valid Skyflow ID."
    );
    client.get(&format!("/table1/{id}")).await.ok();
    assert_eq!(
        client
            .call(Method::PUT, &format!("/table1/{id}"), json!({"record": {"fields": {}}}))
            .await
            .error(400),
        "Invalid request. No fields were present. Specify valid fields and values."
    );

    let parameters =
        |list: Value, go_on: bool| json!({"detokenizationParameters": list, "continueOnError": go_on});
    let all_bad =
        client.post("/detokenize", parameters(json!([{"token": "a"}, {"token": "b"}]), false)).await;
    assert_eq!(all_bad.error(404), "Detokenize failed. All tokens are invalid. Specify valid tokens.");
    let mixed = json!([{"token": tokens["name"]}, {"token": "b"}]);
    assert_eq!(
        client.post("/detokenize", parameters(mixed.clone(), false)).await.error(404),
        "Token not found for b"
    );
    let records = client.post("/detokenize", parameters(mixed, true)).await.ok()["records"].clone();
    assert_eq!(records[0]["value"], "Ada");
    assert_eq!(
        records[1],
        json!({"token": "b", "valueType": "NONE", "value": "", "error": "Token Not Found"})
    );
}

#[tokio::test]
async fn transient_values_need_the_token_and_expire() {
    let clock = ManualClock::new();
    let vault = EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = Client::new(&vault);
    let (id, tokens) = client.insert_one("credit_cards", json!({"cvv": "123", "expiry_year": "2030"})).await;
    assert_eq!(client.fields("credit_cards", &id, "PLAIN_TEXT").await.get("cvv"), None);
    client.call(Method::DELETE, &format!("/credit_cards/{id}"), Value::Null).await.ok();
    assert_eq!(client.reveal(&tokens["cvv"], "PLAIN_TEXT").await, "123");
    let gone = |token: &Value| json!({"detokenizationParameters": [{"token": token}]});
    client.post("/detokenize", gone(&tokens["expiry_year"])).await.error(404);

    clock.advance(Duration::from_secs(60 * 60));
    client.post("/detokenize", gone(&tokens["cvv"])).await.error(404);
}

#[tokio::test]
async fn responses_have_request_id_and_one_error_shape() {
    let vault = EmbeddedVault::builder().body_limit(64).build().unwrap();
    let id = vault.vault_id().to_owned();
    let key = format!("Bearer {}", vault.api_key().expose());
    let request = |method: Method, path: &str, body: &'static str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", &key)
            .body(Body::from(body))
            .unwrap()
    };
    for (request, status) in [
        (request(Method::GET, "/", ""), 404),
        (request(Method::GET, "/nowhere/at/all", ""), 404),
        (request(Method::PATCH, &format!("/v1/vaults/{id}/table1"), ""), 405),
        (request(Method::GET, "/v1/vaults/other/table1", ""), 404),
        (request(Method::POST, &format!("/v1/vaults/{id}/table1"), "{"), 400),
        (request(Method::POST, &format!("/v1/vaults/{id}/table1"), "[]"), 400),
        (request(Method::POST, &format!("/v1/vaults/{id}/table1"), "\u{0}"), 400),
        (
            request(
                Method::POST,
                &format!("/v1/vaults/{id}/table1"),
                r#"{"records": [{"fields": {"name": "aaaaaaaaaaaaaaaaaaaaaaaa"}}]}"#,
            ),
            200,
        ),
        (
            request(
                Method::POST,
                &format!("/v1/vaults/{id}/table1"),
                r#"{"records": [{"fields": {"name": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}]}"#,
            ),
            413,
        ),
        (request(Method::POST, "/v1/auth/sa/oauth/token", ""), 400),
        (request(Method::GET, &format!("/v1/vaults/{id}/%FF"), ""), 404),
        (request(Method::GET, &format!("/v1/vaults/{id}/table1"), ""), 200),
    ] {
        let text = format!("{} {}", request.method(), request.uri());
        let response = send(&vault, request).await;
        assert_eq!(response.status.as_u16(), status, "{text}: {}", response.body);
        assert_eq!(response.headers["x-request-id"].len(), 36, "{text}");
        assert_eq!(response.headers["content-type"], "application/json", "{text}");
        assert_eq!(response.headers["x-emulator"], "true", "{text}");
        if status >= 400 {
            let error = response.body["error"].as_object().unwrap();
            let keys: Vec<&str> = error.keys().map(String::as_str).collect();
            assert_eq!(keys, ["details", "grpc_code", "http_code", "http_status", "message"], "{text}");
        }
    }
}

#[tokio::test]
async fn a_host_name_in_front_of_the_path_is_ignored() {
    let (vault, client) = vault();
    let request = Request::get(format!("/local.vault.skyflowapis.com/v1/vaults/{}/table1", vault.vault_id()))
        .header("authorization", format!("Bearer {}", client.bearer))
        .body(Body::empty())
        .unwrap();
    send(&vault, request).await.ok();
}

#[tokio::test]
async fn a_data_file_keeps_ids_keys_values_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let open = || EmbeddedVault::builder().data_file(&path).build().unwrap();
    let vault = open();
    let client = Client::new(&vault);
    let credentials = support::owner_credentials(&vault);
    let (id, tokens) = client.insert_one("table1", json!({"card_number": "4111"})).await;
    let vault_id = vault.vault_id().to_owned();
    let bearer = {
        let claims = support::claims(&credentials, &skyflow_http::SystemClock);
        support::exchange(&vault, &support::sign(&credentials, &claims), Value::Null).await.ok()["accessToken"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    drop((vault, client));

    let vault = open();
    assert_eq!(vault.vault_id(), vault_id);
    assert_eq!(support::owner_credentials(&vault), credentials);
    let client = Client::new(&vault).with_bearer(&bearer);
    assert_eq!(client.fields("table1", &id, "PLAIN_TEXT").await["card_number"], "4111");
    assert_eq!(client.reveal(&tokens["card_number"], "PLAIN_TEXT").await, "4111");
    let (_, again) = client.insert_one("table1", json!({"card_number": "4111"})).await;
    assert_eq!(again, tokens);
}

#[cfg(unix)]
#[test]
fn a_data_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let _vault = EmbeddedVault::builder().data_file(&path).build().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn data_file_takes_new_columns_not_changed_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let open = |table: Table| EmbeddedVault::builder().data_file(&path).table(table).build().map(drop);
    open(Table::new("t").column(Column::string("a"))).unwrap();
    open(Table::new("t").column(Column::string("a")).column(Column::string("b"))).unwrap();
    open(Table::new("t").column(Column::string("a"))).unwrap();
    open(Table::new("t").column(Column::string("a").unique())).unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_inserts_agree_on_one_token() {
    let (_, client) = vault();
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                client.insert_one("table1", json!({"name": "same", "notes": n.to_string()})).await
            })
        })
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for task in tasks {
        seen.insert(task.await.unwrap().1["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen.len(), 1);
}

#[test]
fn the_service_works_without_a_runtime() {
    let (_, client) = vault();
    let (_, tokens) =
        futures_util::FutureExt::now_or_never(client.insert_one("table1", json!({"name": "x"}))).unwrap();
    assert!(tokens["name"].is_string());
}

#[tokio::test]
async fn journal_lists_calls_without_values() {
    let vault = EmbeddedVault::builder().journal_limit(2).build().unwrap();
    let client = Client::new(&vault);
    client.get("/table1").await.ok();
    let (_, tokens) = client.insert_one("table1", json!({"name": "very secret"})).await;
    let body = json!({"detokenizationParameters": [{"token": tokens["name"]}, {"token": "no"}], "continueOnError": true});
    let response = client.post("/detokenize", body).await;

    let journal = vault.journal();
    let operations: Vec<_> = journal.iter().map(|entry| entry.operation.unwrap()).collect();
    assert_eq!(operations, [Operation::RecordsInsert.name(), Operation::TokensDetokenize.name()]);
    let last = &journal[1];
    assert_eq!((last.sequence, last.records, last.failed), (3, 1, 1));
    assert_eq!(last.status.unwrap(), 200);
    assert_eq!(last.request_id.as_str(), response.headers["x-request-id"]);
    let text = format!("{journal:?}");
    for hidden in ["very secret", client.bearer.as_str(), tokens["name"].as_str().unwrap()] {
        assert!(!text.contains(hidden));
    }
    vault.clear_journal();
    assert!(vault.journal().is_empty());
}

#[test]
fn debug_texts_hide_keys() {
    let (vault, client) = vault();
    let text = format!(
        "{vault:?} {:?} {:?} {:?}",
        vault.service(),
        vault.api_key(),
        vault.credentials_json("https://x")
    );
    assert!(!text.contains(&client.bearer) && !text.contains("PRIVATE KEY"));
}
