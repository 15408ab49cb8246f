use serde_json::json;
use skyflow::{Credentials, FileSource, Skyflow, UploadFileRequest, VaultConfig};
use skyflow_testkit::API_KEY;

use crate::scripted_vault::script;

/// Sends an upload and returns what was on the wire: content type, whether it was a stream, and the body.
async fn upload(request: UploadFileRequest) -> (String, bool, String) {
    let server = script(&[(200, json!({"skyflowID": "row-1", "fileMetadata": {"photo": {"fileSize": 3}}}))]);
    // With the system's clock: a file is read while the call is under way, and time must not jump meanwhile.
    let client = Skyflow::builder()
        .vault(VaultConfig::new("v1", "c").credentials(Credentials::api_key(API_KEY).unwrap()))
        .transport(server.clone())
        .build()
        .unwrap();
    let response = client.default_vault().unwrap().upload_file(request).await.unwrap();
    assert_eq!(response.skyflow_id, "row-1");
    assert!(response.file_metadata.is_some());
    let sent = server.requests().remove(0);
    (sent.header("content-type").to_owned(), sent.is_stream, sent.text().to_owned())
}

fn parts((content_type, _, body): &(String, bool, String)) -> Vec<String> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let delimiter = format!("--{boundary}");
    body.split(delimiter.as_str())
        .map(|part| part.trim_matches(['\r', '\n']).to_owned())
        .filter(|part| !part.is_empty() && part != "--")
        .collect()
}

#[tokio::test]
async fn upload_form_has_the_official_parts_in_order() {
    let file = FileSource::bytes("Ünï \"code\".PDF", "abc");
    let sent = upload(UploadFileRequest::new("persons", "photo", file).skyflow_id("row-1")).await;
    let expected = [
        "Content-Disposition: form-data; name=\"tableName\"\r\n\r\npersons",
        "Content-Disposition: form-data; name=\"columnName\"\r\n\r\nphoto",
        "Content-Disposition: form-data; name=\"skyflowID\"\r\n\r\nrow-1",
        "Content-Disposition: form-data; name=\"returnFileMetadata\"\r\n\r\nfalse",
        "Content-Disposition: form-data; name=\"file\"; filename=\"Ünï %22code%22.PDF\"\r\n\
         Content-Type: application/pdf\r\n\r\nabc",
    ];
    let found = parts(&sent);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.to_ascii_lowercase(), expected.to_ascii_lowercase());
    }
    assert!(!sent.1, "bytes in memory can be sent again");
}

#[tokio::test]
async fn without_an_id_there_is_no_empty_part() {
    let sent = upload(
        UploadFileRequest::new("t", "c", FileSource::base64("a.bin", "YWJj")).return_file_metadata(true),
    )
    .await;
    assert!(!sent.2.contains("skyflowID"));
    assert!(parts(&sent)[2].ends_with("true"));
    assert!(parts(&sent)[3].ends_with("abc"));
}

#[tokio::test]
async fn upload_streams_paths_and_accepts_empty_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.txt");
    let content = "x".repeat(1_000_000);
    std::fs::write(&path, &content).unwrap();
    let sent = upload(UploadFileRequest::new("t", "c", FileSource::path(&path))).await;
    assert!(sent.1, "a file of the disk is a stream");
    let file = parts(&sent).pop().unwrap();
    assert!(file.contains("filename=\"big.txt\"") && file.ends_with(&content));
    assert!(!sent.2.contains(folder.path().to_str().unwrap()), "the folder is nobody's business");

    std::fs::write(&path, "").unwrap();
    let sent = upload(UploadFileRequest::new("t", "c", FileSource::path(&path).file_name("other.csv"))).await;
    assert!(parts(&sent).pop().unwrap().contains("filename=\"other.csv\""));
}

#[tokio::test]
async fn a_reader_is_read_to_its_end() {
    let sent =
        upload(UploadFileRequest::new("t", "c", FileSource::reader("r.txt", &b"from a reader"[..]))).await;
    assert!(sent.1 && parts(&sent).pop().unwrap().ends_with("from a reader"));
}
