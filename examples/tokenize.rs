//! Gets the tokens of values that the vault already stores.

use std::error::Error;

use serde_json::json;
use skyflow::{InsertRequest, TokenizeRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let row = json!({"card_number": "4111111111111111"});
    let inserted = vault.insert(InsertRequest::new("table1").record(row).return_tokens(true)).await?;

    // The group of a column without a named group is `table.column`.
    let request = TokenizeRequest::new().value("4111111111111111", "table1.card_number");
    let tokens = vault.tokenize(request).await?.tokenized_fields;
    println!(
        "the same token: {}",
        Some(&tokens[0].token) == inserted.inserted_fields[0].token("card_number").as_ref()
    );
    Ok(())
}
