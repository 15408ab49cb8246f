use std::future::Future;

use serde_json::json;
use skyflow::{
    BatchOperation, BatchRequest, DeleteRequest, DetokenizeRequest, Error, ErrorKind, FileSource, GetRequest,
    InsertRequest, QueryRequest, Redaction, Skyflow, TokenMode, TokenizeRequest, UpdateRequest,
    UploadFileRequest, VaultConfig,
};

use crate::scripted_vault::{Clients, Scripted};

/// Runs a call that has to be refused before anything is sent, and returns the field it names.
async fn refused<T, F: Future<Output = Result<T, Error>>>(server: &Scripted, call: F) -> String {
    let Err(error) = call.await else { panic!("the call was not refused") };
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!((error.http_code(), error.http_status()), (Some(400), Some("Bad Request")));
    assert!(!error.may_have_been_applied());
    assert!(error.operation().is_some(), "{error}");
    assert!(server.requests().is_empty(), "something was sent");
    error.field().unwrap().to_owned()
}

fn row() -> serde_json::Value {
    json!({"card_number": "4111111111111111", "name": "canary"})
}

#[tokio::test]
async fn invalid_insert_names_its_field_before_sending() {
    let server = Scripted::default();
    let vault = server.vault();
    let cases = [
        ("table", InsertRequest::new("").record(row())),
        ("table", InsertRequest::new(" \t").record(row())),
        ("records", InsertRequest::new("t")),
        ("records[1]", InsertRequest::new("t").record(row()).record("text")),
        ("records[0]", InsertRequest::new("t").record(json!([1]))),
        ("records[0]", InsertRequest::new("t").record(json!(null))),
        ("records[0]", InsertRequest::new("t").record(std::collections::BTreeMap::from([((1, 2), 3)]))),
        ("upsert", InsertRequest::new("t").record(row()).upsert(" ")),
        ("upsert", InsertRequest::new("t").record(row()).upsert("name").homogeneous(true)),
        ("tokens", InsertRequest::new("t").record(row()).token_mode(TokenMode::Enable)),
        ("tokens", InsertRequest::new("t").record(row()).token_mode(TokenMode::EnableStrict)),
        ("tokens[0]", InsertRequest::new("t").record_with_tokens(row(), json!({"name": "t"}))),
        (
            "tokens[1]",
            InsertRequest::new("t")
                .token_mode(TokenMode::EnableStrict)
                .record_with_tokens(json!({"name": "a"}), json!({"name": "t"}))
                .record(json!({"name": "b"})),
        ),
        (
            "tokens[0]",
            InsertRequest::new("t")
                .token_mode(TokenMode::EnableStrict)
                .record_with_tokens(row(), json!({"name": "t"})),
        ),
        (
            "tokens[0]",
            InsertRequest::new("t")
                .token_mode(TokenMode::Enable)
                .record_with_tokens(row(), json!({"other": "t"})),
        ),
        (
            "tokens[0]",
            InsertRequest::new("t").token_mode(TokenMode::Enable).record_with_tokens(row(), json!({})),
        ),
        (
            "tokens[0]",
            InsertRequest::new("t").token_mode(TokenMode::Enable).record_with_tokens(row(), json!([])),
        ),
        (
            "records[1]",
            InsertRequest::new("t")
                .records([json!({"a": 1}), json!({"b": 1})])
                .homogeneous(true)
                .continue_on_error(true),
        ),
    ];
    for (field, request) in cases {
        for continue_on_error in [false, true] {
            if field == "records[1]"
                && !continue_on_error
                && format!("{request:?}").contains("homogeneous: true")
            {
                continue; // The insert endpoint has that option, so the server checks it.
            }
            let request = request.clone().continue_on_error(continue_on_error);
            let shown = format!("{request:?}");
            assert_eq!(refused(&server, vault.insert(request)).await, field, "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}

#[tokio::test]
async fn invalid_get_names_its_field_before_sending() {
    let server = Scripted::default();
    let vault = server.vault();
    let none: [&str; 0] = [];
    for (field, request) in [
        ("table", GetRequest::new("").ids(["a"])),
        ("ids", GetRequest::new("t")),
        ("ids", GetRequest::new("t").ids(none)),
        ("ids[1]", GetRequest::new("t").ids(["a", " "])),
        ("column_name", GetRequest::new("t").column("", ["a"])),
        ("column_values", GetRequest::new("t").column("c", none)),
        ("column_values[0]", GetRequest::new("t").column("c", [""])),
        ("ids", GetRequest::new("t").ids(["a"]).column("c", ["v"])),
        ("ids", GetRequest::new("t").ids(["a"]).all_rows()),
        ("fields", GetRequest::new("t").ids(["a"]).fields(none)),
        ("fields[0]", GetRequest::new("t").ids(["a"]).fields([""])),
        ("redaction", GetRequest::new("t").ids(["a"]).return_tokens(true).redaction(Redaction::Masked)),
        ("column_name", GetRequest::new("t").column("c", ["v"]).return_tokens(true)),
    ] {
        assert_eq!(refused(&server, vault.get(request.clone())).await, field, "{request:?}");
    }
}

#[tokio::test]
async fn the_other_calls_refuse_what_cannot_work() {
    let server = Scripted::default();
    let vault = server.vault();
    let none: [&str; 0] = [];
    let v = &vault;

    for (field, request) in [
        ("table", UpdateRequest::new("", "id", row())),
        ("skyflow_id", UpdateRequest::new("t", " ", row())),
        ("fields", UpdateRequest::new("t", "id", json!({}))),
        ("fields", UpdateRequest::new("t", "id", json!({"skyflow_id": "id"}))),
        ("fields", UpdateRequest::new("t", "id", "text")),
        ("fields.skyflow_id", UpdateRequest::new("t", "id", json!({"skyflow_id": "other", "a": 1}))),
        ("fields.skyflow_id", UpdateRequest::new("t", "id", json!({"skyflow_id": 7, "a": 1}))),
        ("tokens", UpdateRequest::new("t", "id", row()).tokens(json!({"name": "t"}))),
        ("tokens", UpdateRequest::new("t", "id", row()).token_mode(TokenMode::Enable)),
        (
            "tokens",
            UpdateRequest::new("t", "id", row())
                .token_mode(TokenMode::EnableStrict)
                .tokens(json!({"name": "t"})),
        ),
    ] {
        assert_eq!(refused(&server, v.update(request.clone())).await, field, "{request:?}");
    }

    assert_eq!(refused(&server, v.delete(DeleteRequest::new("", ["a"]))).await, "table");
    assert_eq!(refused(&server, v.delete(DeleteRequest::new("t", none))).await, "ids");
    assert_eq!(refused(&server, v.delete(DeleteRequest::new("t", ["a", ""]))).await, "ids[1]");
    assert_eq!(refused(&server, v.delete(DeleteRequest::new("t", ["a", "*"]))).await, "ids[1]");
    assert_eq!(refused(&server, v.delete_all_rows(" ")).await, "table");
    assert_eq!(refused(&server, v.query(QueryRequest::new(" \n"))).await, "query");
    assert_eq!(refused(&server, v.tokenize(TokenizeRequest::new())).await, "values");
    assert_eq!(refused(&server, v.tokenize(TokenizeRequest::new().value("", "g"))).await, "values[0].value");
    assert_eq!(
        refused(&server, v.tokenize(TokenizeRequest::new().value("v", "g").value("v", " "))).await,
        "values[1].column_group"
    );
    assert_eq!(refused(&server, v.detokenize(DetokenizeRequest::new())).await, "tokens");
    assert_eq!(
        refused(&server, v.detokenize(DetokenizeRequest::new().token("a").token(" "))).await,
        "tokens[1]"
    );
    assert_eq!(refused(&server, v.bin_lookup(Default::default())).await, "bin");

    assert_eq!(refused(&server, v.batch(BatchRequest::new([]))).await, "operations");
    for (field, operation) in [
        ("operations[0].table", BatchOperation::insert("", row())),
        ("operations[0].skyflow_id", BatchOperation::delete("t", "")),
        ("operations[0].fields", BatchOperation::insert("t", 7)),
        ("operations[0].tokens", BatchOperation::insert("t", row()).tokens(json!({"name": "t"}))),
        ("operations[0].tokens", BatchOperation::get("t", "id").tokens(json!({"name": "t"}))),
        ("operations[0].upsert", BatchOperation::update("t", "id", row()).upsert("name")),
    ] {
        assert_eq!(refused(&server, v.batch(BatchRequest::new([operation]))).await, field);
    }

    let file = || FileSource::bytes("a.txt", "x");
    for (field, request) in [
        ("table", UploadFileRequest::new("", "c", file())),
        ("column_name", UploadFileRequest::new("t", "", file())),
        ("skyflow_id", UploadFileRequest::new("t", "c", file()).skyflow_id("")),
        ("file_name", UploadFileRequest::new("t", "c", FileSource::bytes("", "x"))),
        ("file", UploadFileRequest::new("t", "c", FileSource::base64("a.txt", "***"))),
        ("file", UploadFileRequest::new("t", "c", FileSource::base64("a.txt", "YQ"))),
        ("file", UploadFileRequest::new("t", "c", FileSource::path("does/not/exist"))),
        ("file", UploadFileRequest::new("t", "c", FileSource::path("."))),
    ] {
        assert_eq!(refused(&server, v.upload_file(request)).await, field);
    }
    assert_eq!(refused(&server, v.delete_file("t", "", "c")).await, "skyflow_id");
    assert_eq!(refused(&server, v.file_scan_status("t", "id", " ")).await, "column_name");
}

#[test]
fn ids_that_would_be_another_path_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let server = Scripted::default();
        let vault = server.vault();
        let error = vault.update(UpdateRequest::new("..", "id", json!({"a": 1}))).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("table")));
        let error = vault.update(UpdateRequest::new("t", "..", json!({"a": 1}))).await.unwrap_err();
        assert_eq!(error.field(), Some("skyflow_id"));
        assert_eq!(error.to_string(), "records.update: skyflow_id must not be a dot segment");
        assert!(server.requests().is_empty());
    });
}

#[test]
fn invalid_configuration_names_its_field() {
    let build = |config: VaultConfig| {
        let key = skyflow::Credentials::api_key(skyflow_testkit::API_KEY).unwrap();
        Skyflow::builder().vault(config.credentials(key)).build().unwrap_err()
    };
    for (field, config) in [
        ("vault_id", VaultConfig::new("", "cluster")),
        ("vault_id", VaultConfig::new("a b", "cluster")),
        ("cluster_id", VaultConfig::new("v", "")),
        ("cluster_id", VaultConfig::new("v", "a.b")),
        ("cluster_id", VaultConfig::new("v", "evil.example/")),
        ("cluster_id", VaultConfig::new("v", "-a")),
        ("base_url", VaultConfig::with_base_url("v", "http://vault.example")),
        ("base_url", VaultConfig::with_base_url("v", "vault.example")),
        ("base_url", VaultConfig::with_base_url("v", "")),
        ("base_url", VaultConfig::with_base_url("v", "https://user:pw@vault.example")),
    ] {
        let error = build(config.clone());
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{config:?}");
    }
    let none = Skyflow::builder().build().unwrap_err();
    assert_eq!(none.field(), Some("vault"));
    let key = skyflow::Credentials::api_key(skyflow_testkit::API_KEY).unwrap();
    let twice = Skyflow::builder()
        .vault(VaultConfig::new("v", "a"))
        .vault(VaultConfig::new("v", "b"))
        .credentials(key)
        .build();
    assert_eq!(twice.unwrap_err().field(), Some("vault_id"));
}
