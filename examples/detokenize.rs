//! Detokenizes tokens, each with its redaction, and continues after an unknown one.

use std::error::Error;

use serde_json::json;
use skyflow::{DetokenizeRequest, InsertRequest, Redaction};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let row = json!({"card_number": "4111111111111111"});
    let inserted = vault.insert(InsertRequest::new("table1").record(row).return_tokens(true)).await?;
    let token = inserted.inserted_fields[0].token("card_number").ok_or("no token")?;

    let request = DetokenizeRequest::new()
        .token_with(&token, Redaction::PlainText)
        .token_with(&token, Redaction::Masked)
        .token_with(&token, Redaction::Redacted)
        .token("no-such-token")
        .continue_on_error(true);
    let response = vault.detokenize(request).await?;
    for field in &response.detokenized_fields {
        println!("{}: {}", field.request_index, field.value().unwrap_or_default());
    }
    for error in &response.errors {
        println!("{}: {}", error.request_index, error.error);
    }
    Ok(())
}
