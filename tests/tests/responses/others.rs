//! The operations whose responses have one form, with what servers leave out of it or write as null.

use serde_json::{Value, json};
use skyflow::api::types::BinLookupRequest;
use skyflow::{
    DeleteRequest, DetokenizeRequest, ErrorKind, GuardrailsRequest, InsertRequest, QueryRequest,
    ReidentifyTextRequest, TokenizeRequest,
};

use crate::vault_responding;

#[tokio::test]
async fn insert_reads_ids_and_nested_tokens() {
    let records = json!([
        {"skyflow_id": "a", "tokens": {"name": "t", "address": {"city": "t-city"}}},
        {"skyflow_id": "b", "tokens": null},
        {"skyflow_id": "c"},
        {"tokens": {"name": "t"}},
        null,
        "text",
        {"skyflow_id": 7, "tokens": {}},
    ]);
    let request = InsertRequest::new("t").records((0..7).map(|n| json!({"n": n})));
    let response = vault_responding(201, &json!({"records": records})).insert(request).await.unwrap();
    let ids: Vec<_> = response.inserted_fields.iter().map(|row| row.skyflow_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "7"]);
    let nested: Value = response.inserted_fields[0].tokens.as_ref().unwrap().get("address").unwrap().unwrap();
    assert_eq!(nested["city"], "t-city");
    let unknown: Vec<_> = response.errors.iter().map(|row| (row.request_index, row.http_code)).collect();
    assert_eq!(unknown, [(3, None), (4, None), (5, None)]);
}

#[tokio::test]
async fn delete_reads_lists_and_null() {
    for (body, ids) in [
        (json!({"RecordIDResponse": ["a", "b"]}), Some(vec!["a", "b"])),
        (json!({"RecordIDResponse": ["*"]}), Some(vec!["*"])),
        (json!({"RecordIDResponse": null}), Some(vec![])),
        (json!({}), None),
    ] {
        let response = vault_responding(200, &body).delete(DeleteRequest::new("t", ["a", "b"])).await;
        match ids {
            Some(ids) => assert_eq!(response.unwrap().deleted_ids, ids),
            None => assert!(response.unwrap_err().may_have_been_applied()),
        }
    }
}

#[tokio::test]
async fn query_reads_fields_and_tokens() {
    let records = json!([{"fields": {"n": 1}, "tokens": {"n": "t"}}, {"fields": {"n": 2}}, {"tokens": null}]);
    let vault = vault_responding(200, &json!({"records": records}));
    let rows = vault.query(QueryRequest::new("SELECT n FROM t")).await.unwrap().fields;
    let shown: Vec<_> = rows.iter().map(|row| (row.record.text("n"), row.tokenized_data.text("n"))).collect();
    assert_eq!(shown, [(Some("1".into()), Some("t".into())), (Some("2".into()), None), (None, None)]);
}

#[tokio::test]
async fn tokenize_reads_one_token_each() {
    let vault = vault_responding(200, &json!({"records": [{"token": "t"}]}));
    let response = vault.tokenize(TokenizeRequest::new().value("v", "g")).await.unwrap();
    assert_eq!(response.tokenized_fields[0].token, "t");
}

#[tokio::test]
async fn detokenize_reads_success_without_error_key() {
    let records = json!([
        {"token": "a", "valueType": "STRING", "value": "x"},
        {"token": "b", "valueType": "INTEGER", "value": 7, "error": null},
        {"token": "c", "value": {"n": [1]}, "error": ""},
        {"token": "d", "valueType": "NONE", "value": "", "error": "Token Not Found"},
    ]);
    for http in [200, 207] {
        let tokens = ["a", "b", "c", "d"];
        let request = tokens.into_iter().fold(DetokenizeRequest::new(), DetokenizeRequest::token);
        let vault = vault_responding(http, &json!({"records": records}));
        let response = vault.detokenize(request.continue_on_error(true)).await.unwrap();
        let values: Vec<_> = response.detokenized_fields.iter().map(|field| field.value().unwrap()).collect();
        assert_eq!(values, ["x", "7", r#"{"n":[1]}"#]);
        assert_eq!(
            (response.errors[0].token.as_str(), response.errors[0].error.as_str()),
            ("d", "Token Not Found")
        );
    }
}

#[tokio::test]
async fn delete_file_reads_the_flag() {
    for (body, deleted) in [
        (json!({"skyflow_id": "a", "deleted": true}), true),
        (json!({"skyflow_id": "a", "deleted": false}), false),
        (json!({"skyflow_id": "a", "deleted": null}), false),
    ] {
        assert_eq!(vault_responding(200, &body).delete_file("t", "a", "c").await.unwrap(), deleted, "{body}");
    }
}

#[tokio::test]
async fn bin_lookup_reads_each_card() {
    let cards = json!({"cards_data": [{"card_scheme": "VISA", "issuer_name": "Bank"}, {}]});
    let request = BinLookupRequest::default().bin("411111");
    let cards = vault_responding(200, &cards).bin_lookup(request).await.unwrap();
    assert_eq!(cards.len(), 2);
    assert_eq!(cards[0].card_scheme.as_deref(), Some("VISA"));
}

#[tokio::test]
async fn guardrails_read_both_generations() {
    let check = async |body: Value| {
        vault_responding(200, &body).detect().check_guardrails(GuardrailsRequest::new("x")).await
    };
    for body in [
        json!({"text": "x", "toxic": true, "denied_topic": false, "validation": "failed"}),
        json!({"toxicity": true, "denied_topics": false, "validation": "FAILED"}),
    ] {
        let response = check(body).await.unwrap();
        assert_eq!(
            (response.passed, response.toxic, response.denied_topic),
            (false, Some(true), Some(false))
        );
    }
    assert!(check(json!({"validation": "passed"})).await.unwrap().passed);
    assert_eq!(check(json!({"text": "x"})).await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn restored_text_reaches_the_caller() {
    let detect = vault_responding(200, &json!({"text": "Dear Jane"})).detect();
    let response = detect.reidentify_text(ReidentifyTextRequest::new("Dear [NAME_1]")).await.unwrap();
    assert_eq!(response.processed_text, "Dear Jane");
}
