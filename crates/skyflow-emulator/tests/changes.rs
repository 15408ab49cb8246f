//! Update, delete, tokenize, upsert, bring-your-own-token, mixed batches.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use http::Method;
use serde_json::{Value, json};
use skyflow_emulator::{Column, EmbeddedVault, Table, TokenPolicy};
use support::Client;

fn client() -> Client {
    Client::new(&EmbeddedVault::builder().build().unwrap())
}

async fn put(client: &Client, id: &str, body: Value) -> support::Response {
    client.call(Method::PUT, &format!("/table1/{id}"), body).await
}

fn lookup(token: &Value) -> Value {
    json!({"detokenizationParameters": [{"token": token, "redaction": "PLAIN_TEXT"}]})
}

#[tokio::test]
async fn update_changes_only_given_fields_and_tokens() {
    let client = client();
    let (id, old) = client.insert_one("table1", json!({"name": "Ada", "state": "CA"})).await;
    let body = json!({"record": {"fields": {"name": "Grace"}, "tokens": null}, "tokenization": true, "byot": "DISABLE"});
    let updated = put(&client, &id, body).await.ok();
    assert_eq!(updated["skyflow_id"], id.as_str());
    assert_ne!(updated["tokens"]["name"], old["name"]);
    assert_eq!(client.reveal(&updated["tokens"]["name"], "PLAIN_TEXT").await, "Grace");
    assert_eq!(client.reveal(&old["state"], "PLAIN_TEXT").await, "CA");
    client.post("/detokenize", lookup(&old["name"])).await.error(404);

    put(&client, &id, json!({"record": {"fields": {"state": null}}})).await.ok();
    client.post("/detokenize", lookup(&old["state"])).await.error(404);
    let expected = json!({"skyflow_id": id, "name": "Grace"});
    assert_eq!(client.fields("table1", &id, "PLAIN_TEXT").await, expected);

    let unknown = put(&client, "None", json!({"record": {"fields": {"name": "x"}}})).await;
    assert_eq!(
        unknown.error(404),
        "Update failed. [None] isn't a valid Skyflow ID. Specify a valid Skyflow ID."
    );
}

#[tokio::test]
async fn shared_token_works_until_last_record_is_gone() {
    let client = client();
    let (first, tokens) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let (second, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let deleted = client.call(Method::DELETE, &format!("/table1/{first}"), Value::Null).await.ok();
    assert_eq!(deleted, json!({"skyflow_id": first, "deleted": true}));
    assert_eq!(client.reveal(&tokens["name"], "PLAIN_TEXT").await, "Ada");
    client.call(Method::DELETE, &format!("/table1/{second}"), Value::Null).await.ok();
    client.post("/detokenize", lookup(&tokens["name"])).await.error(404);
    client.call(Method::DELETE, &format!("/table1/{second}"), Value::Null).await.error(404);
}

#[tokio::test]
async fn bulk_delete_takes_ids_or_a_star_for_all() {
    let client = client();
    let fields: Vec<Value> = (0..4).map(|n| json!({"name": n.to_string()})).collect();
    let ids: Vec<Value> =
        client.insert("table1", &fields).await.iter().map(|r| r["skyflow_id"].clone()).collect();
    let bulk = |ids: Value| {
        let client = client.clone();
        async move { client.call(Method::DELETE, "/table1", json!({"skyflow_ids": ids})).await }
    };
    assert_eq!(bulk(json!([ids[0], ids[1]])).await.ok(), json!({"RecordIDResponse": [ids[0], ids[1]]}));
    assert_eq!(bulk(json!(["*"])).await.ok(), json!({"RecordIDResponse": ["*"]}));
    assert_eq!(client.get("/table1").await.ok()["records"], json!([]));
    bulk(json!([])).await.error(400);
    bulk(Value::Null).await.error(400);
}

#[tokio::test]
async fn tokenize_finds_existing_tokens_and_makes_none() {
    let client = client();
    let (_, tokens) = client.insert_one("table1", json!({"name": "Ada", "phone": "1"})).await;
    let tokenize = |parameters: Value| {
        let client = client.clone();
        async move { client.post("/tokenize", json!({"tokenizationParameters": parameters})).await }
    };
    let found = tokenize(json!([
        {"value": "Ada", "columnGroup": "table1.name"},
        {"value": "Ada", "table": "table1", "column": "name"},
    ]))
    .await
    .ok();
    assert_eq!(found, json!({"records": [{"token": tokens["name"]}, {"token": tokens["name"]}]}));
    assert_eq!(
        tokenize(json!([{"value": "Ada", "columnGroup": "group_name"}])).await.error(400),
        "Tokenization failed. Column group group_name is invalid. Specify a valid column group."
    );
    tokenize(json!([{"value": "1", "columnGroup": "table1.phone"}])).await.error(400);
    tokenize(json!([{"value": "Grace", "columnGroup": "table1.name"}])).await.error(404);
    tokenize(json!([])).await.error(400);
}

#[tokio::test]
async fn columns_of_one_group_share_their_tokens() {
    let uuid =
        |name: &str| Column::string(name).column_group("people").tokens(TokenPolicy::DeterministicUuid);
    let vault = EmbeddedVault::builder()
        .table(Table::new("a").column(uuid("owner")))
        .table(Table::new("b").column(uuid("member")))
        .build()
        .unwrap();
    let client = Client::new(&vault);
    let (_, a) = client.insert_one("a", json!({"owner": "Ada"})).await;
    let (_, b) = client.insert_one("b", json!({"member": "Ada"})).await;
    assert_eq!(a["owner"], b["member"]);
    let body = json!({"tokenizationParameters": [{"value": "Ada", "columnGroup": "people"}]});
    assert_eq!(client.post("/tokenize", body).await.ok()["records"][0]["token"], a["owner"]);
}

#[tokio::test]
async fn upsert_updates_record_with_same_unique_value() {
    let client = client();
    let upsert = |fields: Value, column: &'static str| {
        let client = client.clone();
        async move {
            let body = json!({"records": [{"fields": fields}], "upsert": column, "tokenization": true});
            client.post("/table1", body).await
        }
    };
    let first = upsert(json!({"email": "a@b.com", "name": "Ada"}), "email").await.ok();
    let second = upsert(json!({"email": "a@b.com", "state": "CA"}), "email").await.ok();
    let id = first["records"][0]["skyflow_id"].as_str().unwrap();
    assert_eq!(second["records"][0]["skyflow_id"], id);
    assert_eq!(second["records"][0]["tokens"]["email"], first["records"][0]["tokens"]["email"]);
    let expected = json!({"skyflow_id": id, "email": "a@b.com", "name": "Ada", "state": "CA"});
    assert_eq!(client.fields("table1", id, "PLAIN_TEXT").await, expected);
    upsert(json!({"email": "a@b.com", "state": null}), "email").await.ok();
    let cleared = json!({"skyflow_id": id, "email": "a@b.com", "name": "Ada"});
    assert_eq!(client.fields("table1", id, "PLAIN_TEXT").await, cleared);
    let other = upsert(json!({"email": "c@d.com"}), "email").await.ok();
    assert_ne!(other["records"][0]["skyflow_id"], id);
    upsert(json!({"name": "x"}), "name").await.error(400);
    upsert(json!({"name": "x"}), "nmae").await.error(404);
    upsert(json!({"name": "x"}), "").await.ok();
}

#[tokio::test]
async fn homogeneous_needs_equal_fields_and_no_upsert() {
    let client = client();
    let insert = |records: Value, upsert: Value| {
        let client = client.clone();
        let body = json!({"records": records, "homogeneous": true, "upsert": upsert});
        async move { client.post("/table1", body).await }
    };
    let same = json!([{"fields": {"name": "a", "state": "b"}}, {"fields": {"state": "c", "name": "d"}}]);
    insert(same.clone(), Value::Null).await.ok();
    insert(same, json!("email")).await.error(400);
    let different = json!([{"fields": {"name": "a"}}, {"fields": {"name": "a", "state": "c"}}]);
    insert(different, Value::Null).await.error(400);
}

#[tokio::test]
async fn the_rules_of_bring_your_own_token_hold() {
    let client = client();
    let insert = |mode: &'static str, fields: Value, tokens: Value| {
        let client = client.clone();
        let body =
            json!({"records": [{"fields": fields, "tokens": tokens}], "byot": mode, "tokenization": true});
        async move { client.post("/table1", body).await }
    };
    let fields = || json!({"name": "Ada", "state": "CA"});
    insert("DISABLE", fields(), json!({"name": "t1"})).await.error(400);
    insert("DISABLE", fields(), json!({})).await.ok();

    let enabled = insert("ENABLE", json!({"name": "Grace", "state": "CA"}), json!({"name": "t1"})).await.ok();
    assert_eq!(enabled["records"][0]["tokens"]["name"], "t1");
    assert_eq!(enabled["records"][0]["tokens"]["state"].as_str().unwrap().len(), 36);
    assert_eq!(client.reveal(&json!("t1"), "PLAIN_TEXT").await, "Grace");
    let again = insert("ENABLE", json!({"name": "Grace"}), Value::Null).await.ok();
    assert_eq!(again["records"][0]["tokens"]["name"], "t1", "the value keeps the token it was given");

    for (reason, fields, tokens) in [
        ("the token belongs to another value", json!({"name": "Joan"}), json!({"name": "t1"})),
        ("the token belongs to a value of another group", json!({"state": "Grace"}), json!({"state": "t1"})),
        ("the value has another token", json!({"name": "Grace"}), json!({"name": "t2"})),
        ("there is no value", json!({"name": "Joan"}), json!({"state": "t3"})),
        ("the column has no tokens", json!({"notes": "x"}), json!({"notes": "t4"})),
        ("the token is no text", json!({"name": "Joan"}), json!({"name": 5})),
    ] {
        let response = insert("ENABLE", fields, tokens).await;
        assert_eq!(response.status, 400, "{reason}: {}", response.body);
    }
    insert("ENABLE", json!({"name": "Joan"}), json!({"nmae": "t5"})).await.error(404);

    insert("ENABLE_STRICT", fields(), json!({"name": "t6"})).await.error(400);
    insert("ENABLE_STRICT", fields(), Value::Null).await.error(400);
    let strict =
        insert("ENABLE_STRICT", json!({"name": "Joan", "state": "NY"}), json!({"name": "t7", "state": "t8"}));
    assert_eq!(strict.await.ok()["records"][0]["tokens"], json!({"name": "t7", "state": "t8"}));
    let unknown_mode = insert("SOMETIMES", fields(), Value::Null).await;
    unknown_mode.error(400);
}

#[tokio::test]
async fn a_batch_mixes_methods_and_keeps_their_order() {
    let client = client();
    let (id, _) = client.insert_one("table1", json!({"name": "Ada"})).await;
    let (gone, _) = client.insert_one("table1", json!({"name": "old"})).await;
    let body = json!({"continueOnError": true, "records": [
        {"method": "PUT", "tableName": "table1", "ID": id, "fields": {"name": "Grace"}, "batchID": "1"},
        {"method": "GET", "tableName": "table1", "ID": id, "redaction": "PLAIN_TEXT", "batchID": "1"},
        {"method": "DELETE", "tableName": "table1", "ID": gone},
        {"method": "GET", "tableName": "table1", "ID": gone},
        {"method": "POST", "tableName": "table1", "fields": {"email": "a@b.com"}, "upsert": "email", "tokenization": true},
        {"method": "GET", "tableName": "table1"},
        {"method": "NONE", "tableName": "table1"},
    ]});
    let responses = client.post("", body).await.ok()["responses"].clone();
    let status: Vec<_> = responses.as_array().unwrap().iter().map(|r| r["Status"].clone()).collect();
    assert_eq!(status, [200, 200, 200, 400, 200, 400, 400]);
    assert_eq!(responses[0]["Body"]["skyflow_id"], id.as_str());
    assert_eq!(responses[1]["Body"]["fields"]["name"], "Grace");
    assert_eq!(responses[2]["Body"], json!({"skyflow_id": gone, "deleted": true}));
    assert_eq!(
        responses[3]["Body"]["error"],
        format!("Get failed. [{gone}] isn't a valid Skyflow ID. Specify a valid Skyflow ID.")
    );
    assert!(responses[4]["Body"]["records"][0]["tokens"]["email"].is_string());
}

#[tokio::test]
async fn nested_columns_round_trip_as_objects() {
    let schema = json!({"schemas": [{"name": "people", "fields": [], "childrenSchemas": [{
        "name": "address",
        "fields": [{"name": "city", "datatype": "DT_STRING", "tags": [
            {"name": "skyflow.options.default_token_policy", "values": ["DETERMINISTIC_UUID"]},
            {"name": "skyflow.options.default_dlp_policy", "values": ["PLAIN_TEXT"]},
        ]}],
    }]}]});
    let vault = EmbeddedVault::builder().schema_json(schema).build().unwrap();
    let client = Client::new(&vault);
    let (id, tokens) = client.insert_one("people", json!({"address": {"city": "Rome"}})).await;
    assert_eq!(client.reveal(&tokens["address"]["city"], "DEFAULT").await, "Rome");
    let fields = client.fields("people", &id, "DEFAULT").await;
    assert_eq!(fields, json!({"skyflow_id": id, "address": {"city": "Rome"}}));
    let wrong = json!({"records": [{"fields": {"address": {"town": "Rome"}}}]});
    assert!(client.post("/people", wrong).await.error(404).contains("address.town"));
    let body = json!({"query": "SELECT people.address.city FROM people WHERE address.city = 'Rome'"});
    assert_eq!(client.post("/query", body).await.ok()["records"][0]["fields"]["address"]["city"], "Rome");
}

#[tokio::test]
async fn arrays_are_checked_element_by_element() {
    let table = Table::new("t").column(Column::string("tags").array().one_of(["a", "b"]));
    let vault = EmbeddedVault::builder().table(table).build().unwrap();
    let client = Client::new(&vault);
    let (id, _) = client.insert_one("t", json!({"tags": ["a", "b"]})).await;
    assert_eq!(client.fields("t", &id, "DEFAULT").await["tags"], json!(["a", "b"]));
    for wrong in [json!(["a", "c"]), json!(["a", 1]), json!("a")] {
        client.post("/t", json!({"records": [{"fields": {"tags": wrong}}]})).await.error(400);
    }
}
