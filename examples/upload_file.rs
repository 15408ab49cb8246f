//! Uploads a file from disk to an existing row, reads it back by its link, checks its virus scan, and deletes it. Then
//! uploads bytes to a new row.

use std::error::Error;

use skyflow::http::{Body, Transport};
use skyflow::{FileSource, GetRequest, InsertRequest, UploadFileRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;

    let row = InsertRequest::new("table1").record(serde_json::json!({"name": "Ada Lovelace"}));
    let id = vault.insert(row).await?.single()?.skyflow_id;

    // The file is streamed; bytes, Base64 and readers are sources too.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("note.txt");
    std::fs::write(&path, "kept in the vault")?;
    let request = UploadFileRequest::new("table1", "file", FileSource::path(path))
        .skyflow_id(&id)
        .return_file_metadata(true);
    let stored = vault.upload_file(request).await?;
    println!("same row: {}, metadata: {}", stored.skyflow_id == id, stored.file_metadata.is_some());
    let scan = vault.file_scan_status("table1", &id, "file").await?;
    println!("scan: {}", scan.av_scan_status.as_ref().map_or("not started", |status| status.as_str()));

    let request = GetRequest::new("table1").ids([&id]).fields(["file"]).download_url(true);
    let link = vault.get(request).await?.data[0].text("file").ok_or("no link")?;
    let response = Transport::new().into_service().send(http::Request::get(link).body(Body::empty())?).await;
    let content = response.map_err(|error| error.to_string())?.into_body().collect(1_000_000).await?;
    println!("content: {}", String::from_utf8_lossy(&content));

    println!("deleted: {}", vault.delete_file("table1", &id, "file").await?);

    let file = FileSource::bytes("note.txt", "in a new row");
    let stored = vault.upload_file(UploadFileRequest::new("table1", "file", file)).await?;
    println!("new row: {}", stored.skyflow_id != id);
    Ok(())
}
