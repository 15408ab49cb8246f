//! The FlowVault description, version 2026.06, and the prose guide published beside it.

use serde_json::{Value, json};
use skyflow_api::{Json, flow_query, flow_records, flow_tokens, flow_vaults, types};

use crate::{keeps, sends};

fn object(value: &Value) -> Json {
    Json::from_serialize(value).unwrap()
}

#[test]
fn flow_inserts_name_the_table_on_either_level() {
    let upsert = types::FlowUpsert::new(["email"]);
    let row = types::FlowInsertRecord::new(object(&json!({"email": "a@b.test"})))
        .table_name("persons")
        .upsert(upsert.clone());
    let body = types::FlowInsertRequest::new("v1", vec![row]).table_name("others").upsert(upsert);
    sends(
        "insert",
        flow_records::Insert::new(body),
        "POST /v2/records/insert",
        &json!({
            "vaultID": "v1", "tableName": "others", "upsert": {"uniqueColumns": ["email"]},
            "records": [{"data": {"email": "a@b.test"}, "tableName": "persons", "upsert": {"uniqueColumns": ["email"]}}],
        }),
    );
}

#[test]
fn flow_rows_hold_tokens_by_path_and_failures() {
    let tokens = json!({
        "name": [{"token": "t1", "tokenGroupName": "names"}],
        "profile": [
            {"token": "t2", "tokenGroupName": "whole"},
            {"token": "t3", "tokenGroupName": "streets", "path": "street"},
            {"token": "t4", "tokenGroupName": "numbers", "path": "phone_numbers[1].number[0]"},
        ],
    });
    let row = json!({"skyflowID": "r1", "tokens": tokens, "data": {"name": "Ada"}, "httpCode": 200,
        "hashedData": {"name": [{"hashName": "h", "hashValue": "00"}]}});
    let failed = json!({"skyflowID": "", "error": "Database rate limit exceeded.", "httpCode": 429});
    let failed_sdk = json!({"skyflowID": null, "error": "no", "httpCode": 400, "tableName": "persons"});
    let body = json!({"records": [row, failed, failed_sdk]});
    keeps::<flow_records::Insert>("insert", &body);
    keeps::<flow_records::Get>("get", &body);
    keeps::<flow_records::Update>("update", &body);
    let deleted = json!({"records": [{"skyflowID": "r1", "httpCode": 200}, {"skyflowID": "", "error": "no", "httpCode": 404}]});
    keeps::<flow_records::Delete>("delete", &deleted);
}

#[test]
fn flow_redactions_are_lowercase_names() {
    let mut body = types::FlowGetRequest::new("v1").table_name("persons");
    body.column_redactions = Some(vec![types::FlowColumnRedaction::new("name", "plain_text")]);
    sends(
        "get",
        flow_records::Get::new(body),
        "POST /v2/records/get",
        &json!({"vaultID": "v1", "tableName": "persons",
            "columnRedactions": [{"columnName": "name", "redaction": "plain_text"}]}),
    );
    let mut body = types::FlowDetokenizeRequest::new("v1", ["t1"]);
    let redaction = types::FlowTokenGroupRedaction::default().token_group_name("names").redaction("redacted");
    body.token_group_redactions = Some(vec![redaction]);
    sends(
        "detokenize",
        flow_tokens::Detokenize::new(body),
        "POST /v2/tokens/detokenize",
        &json!({"vaultID": "v1", "tokens": ["t1"],
            "tokenGroupRedactions": [{"tokenGroupName": "names", "redaction": "redacted"}]}),
    );
}

#[test]
fn flow_tokens_are_read_with_their_errors() {
    for metadata in [json!({"table": "persons", "skyflowID": "r1"}), json!({"tableName": "persons"})] {
        keeps::<flow_tokens::Detokenize>(
            "detokenize, example and text",
            &json!({"response": [
                {"token": "t1", "value": "Ada", "tokenGroupName": "names", "httpCode": 200, "metadata": metadata},
                {"token": "t2", "error": "Token not found.", "httpCode": 404},
            ]}),
        );
    }
    let lookup = types::FlowTokenLookup::new(object(&json!("Ada")), "names");
    sends(
        "getTokens",
        flow_tokens::Get::new(types::FlowGetTokensRequest::new("v1", vec![lookup])),
        "POST /v2/records/getTokens",
        &json!({"vaultID": "v1", "records": [{"value": "Ada", "tokenGroupName": "names"}]}),
    );
    let rows = json!([
        {"token": "t1", "value": "Ada", "tokenGroupName": "names"},
        {"value": "Bob", "tokenGroupName": "names", "error": "no token", "httpCode": 404},
    ]);
    keeps::<flow_tokens::Get>("getTokens", &json!({"records": rows}));
    let nested = json!([{"value": "Ada", "tokens": [{"tokenGroupName": "names", "token": "t1"}]}]);
    for response in [rows, nested] {
        keeps::<flow_tokens::Tokenize>("tokenize of SDKs, flat and nested", &json!({"response": response}));
    }
}

#[test]
fn flow_metrics_secrets_and_queries_are_bound() {
    let tables = json!({"persons": {"recordsCount": 12}});
    keeps::<flow_vaults::Metrics>("metrics", &json!({"data": {"tables": tables}, "error": null}));
    let mut body = types::FlowUploadSecretsRequest::default().vault_id("v1");
    body.secrets = Some(vec![types::FlowSecret::default().hash_name("h").secret("")]);
    sends(
        "uploadSecrets",
        flow_vaults::UploadSecrets::new(body),
        "POST /v2/uploadSecrets",
        &json!({"vaultID": "v1", "secrets": [{"hashName": "h", "secret": ""}]}),
    );
    keeps::<flow_vaults::UploadSecrets>("uploadSecrets", &json!({"vaultID": "v1"}));
    keeps::<flow_query::Execute>(
        "query",
        &json!({"records": [{"data": {"name": "Ada", "n": 2}}], "metadata": {"columns": ["name", "n"]}}),
    );
}
