//! Rows, files and their states: each member arrives, and missing ids are those of the request.

use serde_json::{Value, json};
use skyflow::api::types::FileScanStatus;
use skyflow::{
    ErrorKind, FileSource, GetByIdRequest, GetRequest, UpdateRequest, UploadFileRequest, UploadStatusRequest,
};

use crate::vault_responding;

#[tokio::test]
async fn get_keeps_fields_tokens_and_files_apart() {
    let row = json!({
        "fields": {"skyflow_id": "a", "name": "Jane"},
        "tokens": {"name": "t-name"},
        "fileMetadata": {"scan": {"fileName": "a.pdf", "fileSizeKB": 3, "fileType": "application/pdf"}},
    });
    let request = GetRequest::new("t").ids(["a"]).return_tokens(true).return_file_metadata(true);
    let rows = vault_responding(200, &json!({"records": [row]})).get(request).await.unwrap().data;
    assert_eq!(rows[0].text("name").as_deref(), Some("Jane"));
    assert_eq!(rows[0].tokens.as_ref().unwrap().text("name").as_deref(), Some("t-name"));
    let file: Value = rows[0].file_metadata.as_ref().unwrap().get("scan").unwrap().unwrap();
    assert_eq!(file["fileSizeKB"], 3);
    assert!(!format!("{:?}", rows[0]).contains("Jane"));
}

#[tokio::test]
async fn get_reads_rows_that_lack_members() {
    let records = json!([
        {"tokens": {"name": "t"}},
        {"fields": {"name": "t"}, "tokens": null, "fileMetadata": null},
        {},
    ]);
    let request = GetRequest::new("t").ids(["a", "b", "c"]);
    let rows = vault_responding(200, &json!({"records": records})).get(request).await.unwrap().data;
    let names: Vec<_> = rows.iter().map(|row| row.text("name")).collect();
    assert_eq!(names, [Some("t".to_owned()), Some("t".to_owned()), None]);
    let beside: Vec<_> = rows.iter().map(|row| row.tokens.is_some()).collect();
    assert_eq!(beside, [true, false, false]);
    assert!(rows.iter().all(|row| row.file_metadata.is_none()));
}

#[tokio::test]
async fn update_without_an_id_has_the_requested_id() {
    for (body, id) in [
        (json!({"skyflow_id": null, "tokens": {"name": "t"}}), "asked"),
        (json!({"tokens": {"name": "t"}}), "asked"),
        (json!({"skyflow_id": "told", "tokens": {"name": "t"}}), "told"),
    ] {
        let request = UpdateRequest::new("t", "asked", json!({"name": "x"})).return_tokens(true);
        let response = vault_responding(200, &body).update(request).await.unwrap();
        assert_eq!(response.skyflow_id, id);
        assert_eq!(response.token("name").as_deref(), Some("t"));
    }
}

#[tokio::test]
async fn upload_reads_both_spellings_of_the_id() {
    let request = || UploadFileRequest::new("t", "c", FileSource::bytes("a.txt", "a"));
    for (body, asked_for, id) in [
        (json!({"skyflowID": "a"}), None, Some("a")),
        (json!({"skyflow_id": "a"}), None, Some("a")),
        (json!({"skyflowID": null}), Some("b"), Some("b")),
        (json!({}), None, None),
    ] {
        let request = match asked_for {
            Some(id) => request().skyflow_id(id),
            None => request(),
        };
        let response = vault_responding(200, &body).upload_file(request).await;
        assert_eq!(response.as_ref().ok().map(|response| response.skyflow_id.as_str()), id, "{body}");
    }
}

#[tokio::test]
async fn scan_status_tells_the_state_of_the_upload_too() {
    let scan = async |body: Value| vault_responding(200, &body).file_scan_status("t", "a", "c").await;
    let both = scan(json!({"file_status": "UPLOADED", "av_scan_status": "SCAN_PENDING"})).await.unwrap();
    assert_eq!(both.file_status.as_deref(), Some("UPLOADED"));
    assert_eq!(both.av_scan_status, Some(FileScanStatus::ScanPending));
    let only = scan(json!({"file_status": "UPLOADED"})).await.unwrap();
    assert_eq!((only.file_status.as_deref(), only.av_scan_status), (Some("UPLOADED"), None));
    // The spelling of a published example.
    let example = scan(json!({"av_scan_status": "SCAN-CLEAN"})).await.unwrap();
    assert_eq!(example.av_scan_status, Some(FileScanStatus::ScanClean));
    assert_eq!(scan(json!({})).await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn get_by_id_reads_rows_that_lack_members() {
    for (body, name, has_tokens) in [
        (json!({"fields": {"name": "Jane"}, "tokens": {"name": "t"}}), Some("Jane"), true),
        (json!({"tokens": {"name": "t"}}), Some("t"), true),
        (json!({"fields": {"name": "Jane"}, "tokens": null, "fileMetadata": null}), Some("Jane"), false),
        (json!({}), None, false),
    ] {
        let row = vault_responding(200, &body).get_by_id(GetByIdRequest::new("t", "a")).await.unwrap();
        assert_eq!((row.text("name").as_deref(), row.tokens.is_some()), (name, has_tokens), "{body}");
        assert!(row.files().unwrap().is_empty());
    }
}

#[tokio::test]
async fn upload_status_reads_states_that_are_not_known() {
    let fields = json!({
        "skyflow_id": "a",
        "new": {"file_status": "UPLOADED", "av_scan_status": "", "mimetype_status": null},
        "old": {"av_scan_status": "SCAN-INFECTED"},
        "odd": "text",
    });
    let body = json!({"records": [{"fields": fields, "tableName": "t"}, {}, {"fields": null}]});
    let request = UploadStatusRequest::new().files("t", "a", ["new", "old", "odd"]);
    let rows = vault_responding(200, &body).upload_status(request).await.unwrap().rows;
    assert_eq!(
        (rows.len(), rows[0].skyflow_id.as_deref(), rows[0].table.as_deref()),
        (3, Some("a"), Some("t"))
    );
    let files = &rows[0].files;
    assert_eq!(files["new"].file_status.as_deref(), Some("UPLOADED"));
    assert_eq!((&files["new"].av_scan_status, &files["new"].mimetype_status), (&None, &None));
    assert_eq!(files["old"].av_scan_status, Some(FileScanStatus::ScanInfected));
    assert_eq!(files["odd"].file_status, None);
    assert!(rows[1].files.is_empty() && rows[2].files.is_empty());
}

#[tokio::test]
async fn file_metadata_is_read_in_both_shapes() {
    for (metadata, kilobytes, size) in [
        (json!({"c": {"fileName": "a", "fileSizeKB": 2, "fileType": "text/plain"}}), Some(2), None),
        (json!({"fileName": "a", "fileSize": 1024, "fileType": "text/plain"}), None, Some(1024)),
    ] {
        let body = json!({"skyflowID": "a", "fileMetadata": metadata});
        let request = UploadFileRequest::new("t", "c", FileSource::bytes("a.txt", "a"));
        let file = vault_responding(200, &body).upload_file(request).await.unwrap().file().unwrap().unwrap();
        assert_eq!((file.file_size_kb, file.file_size), (kilobytes, size));
        assert_eq!(file.file_type.as_deref(), Some("text/plain"));
    }
}
