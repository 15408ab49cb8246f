//! Inserts rows with tokens that were created elsewhere.

use std::error::Error;

use serde_json::json;
use skyflow::{DetokenizeRequest, InsertRequest, Redaction, TokenMode};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;

    let request = InsertRequest::new("table1")
        .record_with_tokens(
            json!({"name": "Grace Hopper", "state": "New York"}),
            json!({"name": "9d5e3a52-6f10-4c5b-8a55-2f3a1d0c7b11"}),
        )
        .token_mode(TokenMode::Enable)
        .return_tokens(true);
    let inserted = vault.insert(request).await?;
    let token = inserted.inserted_fields[0].token("name").ok_or("no token")?;
    println!("our token is the vault's: {}", token == "9d5e3a52-6f10-4c5b-8a55-2f3a1d0c7b11");

    let response = vault.detokenize(DetokenizeRequest::new().token_with(token, Redaction::PlainText)).await?;
    println!("its value is {}", response.detokenized_fields[0].value().unwrap_or_default());
    Ok(())
}
