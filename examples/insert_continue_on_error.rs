//! Inserts the valid rows, and reports the others: every row is in exactly one of the two lists.

use std::error::Error;

use serde_json::json;
use skyflow::InsertRequest;
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;

    let rows = [
        json!({"name": "Ada Lovelace", "email": "ada@example.com"}),
        json!({"name": "Somebody", "no_such_column": 1}),
        json!({"name": "Ada's double", "email": "ada@example.com"}),
    ];
    let response = vault.insert(InsertRequest::new("table1").records(rows).continue_on_error(true)).await?;
    for row in &response.inserted_fields {
        println!("row {}: inserted as {}", row.request_index, row.skyflow_id);
    }
    for row in &response.errors {
        println!("row {}: refused with {:?}: {}", row.request_index, row.http_code, row.error);
    }
    Ok(())
}
