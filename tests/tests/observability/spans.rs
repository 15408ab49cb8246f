use serde_json::json;
use skyflow::http::LogControl;
use skyflow::{DetokenizeRequest, GetRequest, InsertRequest, LogLevel, Redaction};
use skyflow_http::{BoxError, Error, ErrorKind, Response};
use skyflow_testkit::{Reply, Scripted};
use skyflow_tests::clients::{INSERTED, REQUEST_ID, over, service, vault_over};

use crate::fields::{Fields, Seen};

const CARD: &str = "4111111111111111";

fn inserting() -> Scripted {
    let reply = |status| {
        Reply::status(status).header("x-request-id", REQUEST_ID).header("content-type", "application/json")
    };
    Scripted::new([reply(429).body("{}"), reply(200).body(INSERTED)])
}

fn two_cards() -> InsertRequest {
    InsertRequest::new("cards").records([json!({"card_number": CARD}), json!({"card_number": CARD})])
}

#[track_caller]
fn assert_fields(found: &Fields, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(found.get(*name).map(String::as_str), Some(*value), "{name} of {found:#?}");
    }
}

#[tokio::test]
async fn insert_has_the_fields_of_a_database_client() {
    let (seen, _guard) = Seen::install();
    // The response has one row for two, which does not concern the span.
    let _ = vault_over(inserting().service()).insert(two_cards()).await;

    let database = [
        ("db.system.name", "skyflow"),
        ("db.operation.name", "records.insert"),
        ("db.collection.name", "cards"),
        ("db.namespace", "vault1"),
        ("skyflow.batch.rows", "2"),
        ("product", "skyflow"),
        ("operation", "records.insert"),
        ("level", "INFO"),
        ("attempts", "2"),
        ("request_id", REQUEST_ID),
    ];
    let spans = seen.spans("client.operation");
    assert_eq!(spans.len(), 1);
    assert_fields(&spans[0], &database);
    assert_fields(
        &spans[0],
        &[
            ("otel.name", "records.insert cards"),
            ("otel.kind", "client"),
            ("http.route", "/v1/vaults/{vault_id}/{table_name}"),
            ("http.request.method", "POST"),
            ("http.response.status_code", "200"),
            ("db.response.status_code", "200"),
        ],
    );
    assert!(!spans[0].contains_key("error.type") && !spans[0].contains_key("otel.status_code"));
    let events = seen.events("call finished");
    assert_eq!(events.len(), 1);
    assert_fields(&events[0], &database);
    assert!(!format!("{spans:?}{events:?}").contains(CARD));

    let attempts = seen.spans("client.attempt");
    assert_eq!(attempts.len(), 2);
    assert_fields(
        &attempts[0],
        &[("level", "DEBUG"), ("error.type", "429"), ("http.response.status_code", "429")],
    );
}

#[tokio::test]
async fn failures_have_an_error_type() {
    let (seen, _guard) = Seen::install();
    let vault = vault_over(Scripted::new([Reply::status(404)]).service());
    vault.get(GetRequest::new("cards").all_rows()).await.unwrap_err();
    let unreachable = service(|_| async {
        Err::<Response, BoxError>(Error::new(ErrorKind::Connect, Some(CARD.into())).into())
    });
    let vault = vault_over(unreachable);
    vault
        .detokenize(DetokenizeRequest::new().tokens(["a", "b", "c"], Redaction::PlainText))
        .await
        .unwrap_err();

    let expected = [
        [("error.type", "404"), ("db.collection.name", "cards"), ("db.operation.name", "records.list")],
        [("error.type", "connect"), ("skyflow.batch.rows", "3"), ("db.operation.name", "tokens.detokenize")],
    ];
    let (spans, events) = (seen.spans("client.operation"), seen.events("call failed"));
    assert_eq!((spans.len(), events.len()), (2, 2));
    for (index, fields) in expected.iter().enumerate() {
        assert_fields(&spans[index], fields);
        assert_fields(&spans[index], &[("otel.status_code", "ERROR")]);
        assert_fields(&events[index], fields);
        assert_fields(&events[index], &[("level", "ERROR")]);
    }
    // The rows of a query by column are unknown before it is sent.
    assert!(!spans[0].contains_key("skyflow.batch.rows"));
    assert!(!format!("{spans:?}{events:?}").contains(CARD));
}

#[tokio::test]
async fn event_alone_names_table_and_vault() {
    let (seen, _guard) = Seen::install();
    let client = over(Scripted::new([Reply::status(400)]).service())
        .vault(skyflow::VaultConfig::new("vault1", "cluster1"))
        .credentials(skyflow::Credentials::api_key(skyflow_testkit::API_KEY).unwrap())
        .log_level(LogLevel::Error)
        .build()
        .unwrap();
    client.default_vault().unwrap().insert(two_cards()).await.unwrap_err();
    assert_eq!(seen.spans("client.operation").len(), 0);
    let events = seen.events("call failed");
    let names = [("db.collection.name", "cards"), ("db.namespace", "vault1"), ("skyflow.batch.rows", "2")];
    assert_fields(&events[0], &names);
}

#[tokio::test]
async fn product_without_tables_has_no_database_fields() {
    let (seen, _guard) = Seen::install();
    let stack = skyflow_http::Stack::new(std::sync::Arc::new(skyflow_http::ManualClock::new()))
        .log_control(LogControl::default().product_name("acme").namespace("n"))
        .build(Scripted::new([Reply::status(200)]).service());
    let request = http::Request::get("https://api.example/").body(skyflow_http::Body::empty()).unwrap();
    stack.send(request).await.unwrap();
    let spans = seen.spans("client.operation");
    assert_fields(&spans[0], &[("product", "acme"), ("http.response.status_code", "200")]);
    assert!(spans[0].keys().all(|name| !name.starts_with("db.") && !name.starts_with("skyflow")));
}
