//! Changes columns of a row; the others stay as they are.

use std::error::Error;

use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction, UpdateRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let row = json!({"name": "Ada Byron", "state": "London"});
    let inserted = vault.insert(InsertRequest::new("table1").record(row)).await?;
    let id = &inserted.inserted_fields[0].skyflow_id;

    let change = UpdateRequest::new("table1", id, json!({"name": "Ada Lovelace"})).return_tokens(true);
    let updated = vault.update(change).await?;
    println!("updated, new token: {}", updated.token("name").is_some());

    let record =
        vault.get(GetRequest::new("table1").ids([id]).redaction(Redaction::PlainText)).await?.data.remove(0);
    println!("{} of {}", record.text("name").unwrap_or_default(), record.text("state").unwrap_or_default());
    Ok(())
}
