//! Stores a file in a file column, reads it back by its link, looks at its virus scan, and deletes it.

use std::error::Error;

use skyflow::http::{Body, Transport};
use skyflow::{FileSource, GetRequest, UploadFileRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;

    // `FileSource::path` streams a file of the disk; bytes, Base64 and readers are sources too.
    let file = FileSource::bytes("note.txt", "kept in the vault");
    let request = UploadFileRequest::new("table1", "file", file).return_file_metadata(true);
    let stored = vault.upload_file(request).await?;
    let id = stored.skyflow_id;
    println!("metadata: {}", stored.file_metadata.is_some());
    let scan = vault.file_scan_status("table1", &id, "file").await?;
    println!("scan: {}", scan.av_scan_status.as_ref().map_or("not started", |status| status.as_str()));

    let request = GetRequest::new("table1").ids([&id]).fields(["file"]).download_url(true);
    let link = vault.get(request).await?.data[0].text("file").ok_or("no link")?;
    let answer = Transport::new().into_service().send(http::Request::get(link).body(Body::empty())?).await;
    let content = answer.map_err(|error| error.to_string())?.into_body().collect(1_000_000).await?;
    println!("content: {}", String::from_utf8_lossy(&content));

    println!("deleted: {}", vault.delete_file("table1", &id, "file").await?);
    Ok(())
}
