//! Rows by their own address, files and their states, and tokens by column, over the embedded vault.

use serde_json::json;
use skyflow::api::types::FileScanStatus;
use skyflow::{
    BatchOperation, BatchRequest, DetokenizeRequest, ErrorKind, FileSource, GetByIdRequest, GetRequest,
    InsertRequest, QueryRequest, Redaction, TokenizeRequest, UploadFileRequest, UploadStatusRequest,
    ValueType, Vault,
};
use skyflow_emulator::{Column, DataType, EmbeddedVault, Table, TokenPolicy};
use skyflow_tests::clients::{in_process, responding, vault_over};

fn vault() -> Vault {
    let shifts = Table::new("shifts")
        .column(Column::new("start", DataType::Time).tokens(TokenPolicy::DeterministicUuid))
        .column(Column::new("exact", DataType::Json));
    in_process(&EmbeddedVault::builder().table(shifts).build().unwrap())
}

async fn insert(vault: &Vault, table: &str, fields: serde_json::Value) -> (String, skyflow::Record) {
    let request = InsertRequest::new(table).record(fields).return_tokens(true);
    let row = vault.insert(request).await.unwrap().inserted_fields.remove(0);
    (row.skyflow_id, row.tokens.unwrap())
}

#[tokio::test]
async fn a_row_is_read_from_its_own_address() {
    let vault = vault();
    let (id, tokens) =
        insert(&vault, "table1", json!({"name": "Ada", "card_number": "4111111111111111"})).await;
    let row = vault.get_by_id(GetByIdRequest::new("table1", &id)).await.unwrap();
    assert_eq!(row.text("card_number").as_deref(), Some("XXXXXXXXXXXX1111"));
    let plain = GetByIdRequest::new("table1", &id).redaction(Redaction::PlainText).fields(["card_number"]);
    let row = vault.get_by_id(plain).await.unwrap();
    assert_eq!(row.text("card_number").as_deref(), Some("4111111111111111"));
    assert_eq!((row.text("name"), row.skyflow_id()), (None, Some(id.clone())));
    let row = vault.get_by_id(GetByIdRequest::new("table1", &id).return_tokens(true)).await.unwrap();
    assert_eq!(row.text("name"), tokens.text("name"));
    let unknown = vault.get_by_id(GetByIdRequest::new("table1", "no")).await.unwrap_err();
    assert_eq!(unknown.http_code(), Some(404));
    for (request, field) in [
        (GetByIdRequest::new("", &id), "table"),
        (GetByIdRequest::new("table1", " "), "skyflow_id"),
        (GetByIdRequest::new("table1", &id).fields([""]), "fields[0]"),
        (GetByIdRequest::new("table1", &id).return_tokens(true).redaction(Redaction::Masked), "redaction"),
    ] {
        let error = vault.get_by_id(request).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidInput, false));
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn file_metadata_is_typed_wherever_it_is_shown() {
    let vault = vault();
    let file = FileSource::bytes("a.txt", vec![b'x'; 1025]);
    let upload = UploadFileRequest::new("table1", "file", file).return_file_metadata(true);
    let uploaded = vault.upload_file(upload).await.unwrap();
    let of_upload = uploaded.file().unwrap().unwrap();
    assert_eq!(of_upload.file_name.as_deref(), Some("a.txt"));
    assert_eq!((of_upload.file_size_kb, of_upload.file_type.as_deref()), (Some(2), Some("text/plain")));

    let id = &uploaded.skyflow_id;
    let by_id = vault.get_by_id(GetByIdRequest::new("table1", id).return_file_metadata(true)).await.unwrap();
    let listed = vault.get_one(GetRequest::new("table1").ids([id]).return_file_metadata(true)).await.unwrap();
    let batch = BatchRequest::new([BatchOperation::get("table1", id.as_str()).return_file_metadata(true)]);
    let output = vault.batch(batch).await.unwrap().outcomes.remove(0).result.unwrap();
    for files in [by_id.files(), listed.files(), output.files()] {
        assert_eq!(files.unwrap()["file"], of_upload);
    }
    let without = vault.get_by_id(GetByIdRequest::new("table1", id)).await.unwrap();
    assert!(without.files().unwrap().is_empty());
}

#[tokio::test]
async fn metadata_of_the_published_sample_is_read() {
    let body = json!({
        "skyflowID": "id-1",
        "fileMetadata": {"fileName": "a", "fileSize": 1024, "fileType": "image/png"},
    });
    let vault = vault_over(responding(200, Some("application/json"), body.to_string()));
    let request = UploadFileRequest::new("t", "c", FileSource::bytes("a", "x")).return_file_metadata(true);
    let file = vault.upload_file(request).await.unwrap().file().unwrap().unwrap();
    assert_eq!(
        (file.file_size, file.file_size_kb, file.file_type.as_deref()),
        (Some(1024), None, Some("image/png"))
    );
}

#[tokio::test]
async fn upload_states_of_several_rows_are_read() {
    let vault = vault();
    let mut ids = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let upload = UploadFileRequest::new("table1", "file", FileSource::bytes(name, "hello"));
        ids.push(vault.upload_file(upload).await.unwrap().skyflow_id);
    }
    let request =
        ids.iter().fold(UploadStatusRequest::new(), |request, id| request.files("table1", id, ["file"]));
    let response = vault.upload_status(request).await.unwrap();
    assert!(response.request_id.is_some());
    for (row, id) in response.rows.iter().zip(&ids) {
        assert_eq!((row.table.as_deref(), row.skyflow_id.as_ref()), (Some("table1"), Some(id)));
        let status = &row.files["file"];
        assert_eq!(status.file_status.as_deref(), Some("UPLOADED"));
        assert_eq!(status.av_scan_status, Some(FileScanStatus::ScanClean));
        assert_eq!(status.mimetype_status, None);
    }
    for (request, field) in [
        (UploadStatusRequest::new(), "files"),
        (UploadStatusRequest::new().files("", "x", ["c"]), "files[0].table"),
        (UploadStatusRequest::new().files("t", "", ["c"]), "files[0].skyflow_id"),
        (UploadStatusRequest::new().files("t", "x", Vec::<String>::new()), "files[0].columns"),
    ] {
        let error = vault.upload_status(request).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn tokens_are_looked_up_by_group_or_column() {
    let vault = vault();
    let (_, tokens) = insert(&vault, "table1", json!({"name": "Ada", "state": "CA"})).await;
    let request = TokenizeRequest::new().value("Ada", "table1.name").column_value("CA", "table1", "state");
    let found = vault.tokenize(request).await.unwrap().tokenized_fields;
    assert_eq!(Some(found[0].token.as_str()), tokens.text("name").as_deref());
    assert_eq!(Some(found[1].token.as_str()), tokens.text("state").as_deref());
    for (request, field) in [
        (TokenizeRequest::new().column_value("x", "", "c"), "values[0].table"),
        (TokenizeRequest::new().column_value("x", "t", " "), "values[0].column"),
        (TokenizeRequest::new().column_value("", "t", "c"), "values[0].value"),
    ] {
        let error = vault.tokenize(request).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().contains(field), "{error}");
    }
}

#[tokio::test]
async fn times_digits_and_counts_return_as_published() {
    let vault = vault();
    let (_, tokens) = insert(&vault, "shifts", json!({"start": "09:30:00"})).await;
    let request = DetokenizeRequest::new().token(tokens.text("start").unwrap());
    let field = vault.detokenize(request).await.unwrap().detokenized_fields.remove(0);
    assert_eq!(field.value_type, Some(ValueType::Time));

    let digits: Box<serde_json::value::RawValue> =
        serde_json::from_str(r#"{"exact":{"n":[18446744073709551616,1.10]}}"#).unwrap();
    let inserted = vault.insert(InsertRequest::new("shifts").record(digits)).await.unwrap();
    let id = &inserted.inserted_fields[0].skyflow_id;
    let row =
        vault.get_by_id(GetByIdRequest::new("shifts", id).redaction(Redaction::PlainText)).await.unwrap();
    assert_eq!(row.text("exact").as_deref(), Some(r#"{"n":[18446744073709551616,1.10]}"#));

    let counted = vault.query(QueryRequest::new("select count(*) from shifts")).await.unwrap();
    assert_eq!(counted.fields[0].record.text("count(*)").as_deref(), Some("2"));
}
