//! `data.openapi.json`, version 2026.04.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use skyflow_api::{ApiErrorBody, ErrorBody, audit, query, record_files, records, tokens, types};

use crate::{keeps, read, sends};

#[test]
fn upload_status_asks_for_columns_of_rows() {
    let row = types::UploadStatusParameter::new("persons", "r1", ["passport", "photo"]);
    let body = types::UploadStatusRequest::new(vec![row]);
    sends(
        "uploadStatus",
        record_files::GetUploadStatus::new("v1", body),
        "POST /v2/vaults/v1/files/uploadStatus",
        &json!({"records": [{"tableName": "persons", "skyflowID": "r1", "fileFields": ["passport", "photo"]}]}),
    );
    let states = json!({"file_status": "UPLOADED", "av_scan_status": "", "mimetype_status": ""});
    keeps::<record_files::GetUploadStatus>(
        "uploadStatus",
        &json!({"records": [{"fields": {"skyflow_id": "r1", "passport": states}, "tableName": "persons"}]}),
    );
}

#[test]
fn uploads_show_metadata_in_both_forms() {
    let by_column = json!({"passport": {"fileName": "scan", "fileSizeKB": 2, "fileType": "pdf"}});
    let flat = json!({"fileName": "scan.pdf", "fileSize": 1024, "fileType": "pdf"});
    for (source, metadata) in [("upload v2, schema", by_column), ("upload v2, example", flat)] {
        keeps::<record_files::Upload>(source, &json!({"skyflowID": "r1", "fileMetadata": metadata}));
    }
    #[expect(deprecated, reason = "it is published still")]
    keeps::<record_files::UploadToRecord>("v1 upload", &json!({"skyflow_id": "r1", "tokens": null}));
}

#[test]
fn scan_states_survive_in_any_spelling() {
    #[expect(deprecated, reason = "it is published still")]
    for status in ["SCAN_CLEAN", "SCAN-CLEAN"] {
        let body = json!({"file_status": "UPLOADED", "av_scan_status": status});
        keeps::<record_files::GetScanStatus>("scan status, example and enumeration", &body);
    }
}

#[test]
fn values_are_tokenized_by_column_or_by_group() {
    let by_column = types::TokenizeParameter::new("31/12/1999").table("persons").column("date_of_birth");
    let by_group = types::TokenizeParameter::new("31/12/1999").column_group("dates");
    let body = types::TokenizeRequest::new(vec![by_column, by_group]);
    sends(
        "tokenize",
        tokens::Tokenize::new("v1", body),
        "POST /v1/vaults/v1/tokenize",
        &json!({"tokenizationParameters": [
            {"value": "31/12/1999", "table": "persons", "column": "date_of_birth"},
            {"value": "31/12/1999", "columnGroup": "dates"},
        ]}),
    );
    keeps::<tokens::Tokenize>("tokenize", &json!({"records": [{"token": "07/44/8123"}]}));
    let time = json!({"records": [{"token": "t", "valueType": "TIME", "value": "3:04PM"}]});
    keeps::<tokens::Detokenize>("detokenize, value types", &time);
}

#[test]
fn rows_hold_fields_tokens_and_file_metadata() {
    let row = json!({
        "fields": {"skyflow_id": "r1", "name": "Ada", "passport": "scan"},
        "tokens": {"name": "1f0a"},
        "fileMetadata": {"passport": {"fileName": "scan", "fileSizeKB": 2, "fileType": "pdf"}},
    });
    keeps::<records::Get>("get", &row);
    keeps::<records::List>("list", &json!({"records": [row]}));
    let entry = json!({"records": [{"fields": {"skyflow_id": "r1", "name": "Ada"}, "skyflow_id": "r1"}]});
    keeps::<records::Batch>("batch", &json!({"vaultID": "v1", "responses": [entry]}));
}

#[test]
fn query_rows_keep_types_and_lack_null_columns() {
    let body = json!({"records": [
        {"fields": {"name": "Ada", "age": 36, "address": {"city": "London"}}},
        {"fields": {"name": "Grace", "count(*)": 2}},
    ]});
    keeps::<query::Execute>("query", &body);
}

/// The context and the request of the published event of a query.
fn event(response: &Value) -> Value {
    json!({
        "context": {
            "changeID": "c1", "requestID": "q1", "traceID": "t1", "sessionID": "", "actor": "s1",
            "actorType": "SERVICE_ACCOUNT", "accessType": "API", "ipAddress": "192.0.2.1", "origin": "",
            "authMode": "API_KEY", "jwtID": "", "bearerTokenContextID": "", "keyID": "k1", "subject": "s2",
        },
        "request": {
            "data": {"content": "select name from persons"},
            "apiName": "/v1.QueryService/ExecuteQuery", "workspaceID": "w1", "vaultID": "v1", "tags": ["dml"],
            "timestamp": "2023-06-27 14:01:14.264739714", "actionType": "READ", "resourceType": "RECORD",
        },
        "response": response,
        "parentAccountID": "", "accountID": "a1",
        "resourceIDs": ["ACCOUNT/a1", "TABLE/persons", "VAULT/v1"],
    })
}

#[test]
fn audit_events_keep_every_member() {
    let query =
        json!({"code": 200, "message": "success", "data": null, "timestamp": "2023-06-27 14:01:14.3"});
    let batch = json!({"code": 200, "message": "success", "timestamp": "2023-06-27 14:01:14.3", "nestedResponse": [
        {"code": 200, "message": "", "identifier": "RECORD/r1"},
        {"code": 404, "message": "no such record", "identifier": ""},
    ]});
    let next = json!({"timestamp": "2023-06-27 14:01:14.264739714", "changeID": "c1"});
    let body = json!({"event": [event(&query), event(&batch)], "nextOps": next});
    keeps::<audit::ListEvents>("audit, query and batch", &body);

    let mut known = event(&query);
    for (actor, auth) in
        [("GROUP", "STS"), ("SQL_SERVICE_ACCOUNT", "SERVICE_ACCOUNT_JWT"), ("USER", "PAT_JWT")]
    {
        known["context"]["actorType"] = actor.into();
        known["context"]["authMode"] = auth.into();
        let read = read::<audit::ListEvents>("audit, enumerations", &json!({"event": [known]}));
        let context = read.events.first().unwrap().context.clone().unwrap();
        assert!(
            !format!("{:?}{:?}", context.actor_type, context.auth_mode).contains("Other"),
            "{actor} {auth}"
        );
    }
}

#[test]
fn token_endpoint_errors_are_read() {
    for (status, grpc, message) in [
        (400, 3, "Scopes in request token in wrong format"),
        (401, 16, "Error: Key expired, consider rotating."),
    ] {
        let body = json!({"error": {"grpc_code": grpc, "http_code": status, "http_status": "Bad Request",
            "message": message, "details": []}});
        let status = StatusCode::from_u16(status).unwrap();
        let error = ApiErrorBody::read(status, &HeaderMap::new(), &Bytes::from(body.to_string()));
        assert_eq!((error.message(), error.grpc_code), (Some(message), Some(grpc)), "token endpoint");
    }
}
