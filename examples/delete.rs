//! Deletes rows by id, and then all others.

use std::error::Error;

use serde_json::json;
use skyflow::{DeleteRequest, GetRequest, InsertRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let rows = (0..3).map(|n| json!({"name": format!("Person {n}")}));
    let inserted = vault.insert(InsertRequest::new("table1").records(rows)).await?;
    let first = &inserted.inserted_fields[0].skyflow_id;

    let deleted = vault.delete(DeleteRequest::new("table1", [first])).await?;
    println!("deleted {}", deleted.deleted_ids.len());
    match vault.get(GetRequest::new("table1").ids([first])).await {
        Ok(_) => println!("still there"),
        Err(error) => println!("gone: {:?}, {}", error.http_code(), error.message()),
    }
    println!("deleted {}", vault.delete_all_rows("table1").await?.deleted_ids.join(", "));
    Ok(())
}
