//! Inserts, changes, gets and deletes rows in one request, each with a separate outcome.

use std::error::Error;

use serde_json::json;
use skyflow::{BatchOperation, BatchRequest, InsertRequest, Redaction};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let rows = [json!({"name": "Ada Lovelace"}), json!({"name": "Alan Turing"})];
    let inserted = vault.insert(InsertRequest::new("table1").records(rows)).await?;
    let ids: Vec<&str> = inserted.inserted_fields.iter().map(|row| row.skyflow_id.as_str()).collect();

    let request = BatchRequest::new([
        BatchOperation::insert("persons", json!({"name": "Grace Hopper"})).return_tokens(true),
        BatchOperation::update("table1", ids[0], json!({"state": "London"})),
        BatchOperation::get("table1", ids[0]).redaction(Redaction::PlainText),
        BatchOperation::delete("table1", ids[1]),
        BatchOperation::get("table1", "00000000-0000-4000-8000-000000000000"),
    ]);
    for outcome in vault.batch(request.continue_on_error(true)).await?.outcomes {
        match outcome.result {
            Ok(row) => {
                let state = row.fields.and_then(|fields| fields.text("state"));
                println!("{}: done with {:?}, state {state:?}", outcome.request_index, outcome.http_code);
            }
            Err(error) => println!("{}: failed with {:?}: {error}", outcome.request_index, outcome.http_code),
        }
    }
    Ok(())
}
