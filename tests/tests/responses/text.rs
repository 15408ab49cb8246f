//! Elements and text that are not what they should be: each is an error of its own, and says so.

use serde_json::{Value, json};
use skyflow::{
    DetokenizeRequest, Error, ErrorKind, GetRequest, InsertRequest, QueryRequest, TokenizeRequest, Vault,
};
use skyflow_tests::clients::{REQUEST_ID, responding, vault_over};

use crate::vault_responding;

fn vault(body: &str) -> Vault {
    vault_over(responding(200, Some("application/json"), body.to_owned()))
}

/// Asserts that an error of reading says which response it is about.
fn assert_complete(error: &Error, operation: &str) {
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(error.operation(), Some(operation));
    assert_eq!(error.status().unwrap().as_u16(), 200);
    assert_eq!(error.request_id().unwrap().as_str(), REQUEST_ID);
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn text_that_rust_lacks_is_told_as_such() {
    let row = r#"{"records":[{"fields":{"skyflow_id":"a","name":"x\ud800"}}]}"#;
    let response = vault(row).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    let row = &response.data[0];
    assert_eq!(row.text("name").as_deref(), Some(r#""x\ud800""#));
    assert_eq!(row.skyflow_id().as_deref(), Some("a"));
    assert!(row.raw().contains(r"\ud800"));
    for error in [
        row.try_text("name").unwrap_err(),
        row.get::<String>("name").unwrap_err(),
        response.records::<Value>().unwrap_err(),
    ] {
        assert_complete(&error, "records.list");
        assert!(error.message().contains("unpaired surrogate"), "{error}");
    }

    let values = r#"{"records":[{"token":"a","value":"x\udc00"},{"token":"b","value":"y"}]}"#;
    let response = vault(values).detokenize(DetokenizeRequest::new().token("a").token("b")).await.unwrap();
    let [first, second] = response.detokenized_fields.as_slice() else { panic!("{response:?}") };
    assert_eq!((first.value().as_deref(), first.raw()), (Some(r#""x\udc00""#), Some(r#""x\udc00""#)));
    assert_eq!(second.try_value().unwrap().as_deref(), Some("y"));
    for error in [first.try_value().unwrap_err(), first.decode::<String>().unwrap_err()] {
        assert_complete(&error, "tokens.detokenize");
    }
}

#[tokio::test]
async fn errors_of_rows_name_their_response() {
    #[derive(Debug, serde::Deserialize)]
    struct Row {
        #[allow(dead_code)]
        age: u8,
    }
    let rows = json!({"records": [{"fields": {"age": 7}}, 7, {"fields": {"age": "x"}}, {"fields": [1]}]});
    let get = vault_responding(200, &rows).get(GetRequest::new("t").ids(["a"])).await.unwrap();
    assert_eq!((get.data.len(), get.errors.len(), get.errors[0].index, get.errors[0].raw()), (2, 2, 1, "7"));
    let read: Vec<_> = get.each_record::<Row>().collect();
    assert_eq!(read.iter().filter(|row| row.is_ok()).count(), 1);
    for error in read.iter().filter_map(|row| row.as_ref().err()) {
        assert_complete(error, "records.list");
    }
    assert!(get.errors[0].to_string().contains("element 1 of the response"), "{}", get.errors[0]);
    assert_complete(&get.records::<Row>().unwrap_err(), "records.list");

    let query = vault_responding(200, &rows).query(QueryRequest::new("SELECT 1")).await.unwrap();
    assert_eq!((query.fields.len(), query.errors.len()), (2, 2));
    assert_complete(&query.records::<Row>().unwrap_err(), "query.execute");

    let inserted = json!({"records": [{"skyflow_id": "a", "tokens": null}, {"skyflow_id": "b"}]});
    let request = || InsertRequest::new("t").record(json!({"n": 1})).record(json!({"n": 2}));
    let insert = vault_responding(200, &inserted).insert(request()).await.unwrap();
    for error in [insert.records::<Row>().unwrap_err(), insert.clone().single().unwrap_err()] {
        assert_complete(&error, "records.insert");
        assert!(error.may_have_been_applied());
    }
}

#[tokio::test]
async fn tokenize_with_one_error_keeps_the_others() {
    let body = json!({"records": [{"token": "t1"}, {"token": null, "error": {"message": "no such value", "http_code": 404}}, {"token": "t3"}, 7, {"error": "no"}]});
    let request = (0..5).fold(TokenizeRequest::new(), |request, _| request.value("v", "g"));
    for status in [200, 207] {
        let response = vault_responding(status, &body).tokenize(request.clone()).await.unwrap();
        let tokens: Vec<_> = response
            .tokenized_fields
            .iter()
            .map(|field| (field.request_index, field.token.as_str()))
            .collect();
        assert_eq!(tokens, [(0, "t1"), (2, "t3")]);
        let errors: Vec<_> =
            response.errors.iter().map(|error| (error.request_index, error.error.as_str())).collect();
        assert_eq!(
            errors,
            [(1, "no such value"), (3, "the response has no token for this value"), (4, "no")]
        );
    }
    let error =
        vault_responding(200, &json!({"records": [{"token": "t1"}]})).tokenize(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "a token without a place cannot be assigned");
}

#[tokio::test]
async fn body_cannot_replace_the_status() {
    for (status, code, expected) in
        [(500, 200, 500), (500, 404, 404), (404, 0, 404), (503, -1, 503), (429, 99999, 429)]
    {
        let body = json!({"error": {"http_code": code, "message": "x"}});
        let vault = vault_responding(status, &body).with_options(skyflow::CallOptions::new().no_retry());
        let error = vault.query(QueryRequest::new("SELECT 1")).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(error.http_code(), Some(expected), "{status} {code}");
    }
}
