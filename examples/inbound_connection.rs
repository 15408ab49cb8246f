//! Receives card data as tokens: a form of a website is sent to an inbound connection, and the shop's own server behind
//! it never sees a card number.

use std::error::Error;

use serde_json::json;
use skyflow::{
    ConnectionConfig, Credentials, DetokenizeRequest, InvokeConnectionRequest, Redaction, Skyflow,
};
use skyflow_emulator::{ConnectionSpec, EmbeddedVault};
use skyflow_examples::{config, third_party};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = third_party::start(|_, order| {
        println!("the shop got card {} of {}", order["card"]["number"], order["card"]["name"]);
        (201, json!({"order": "o-7", "stored_card": order["card"]["number"]}))
    })
    .await?;

    let connection = ConnectionSpec::from_json(&json!({
        "name": "checkout",
        "mode": "INGRESS",
        "routes": [{
            "path": "/checkout",
            "method": "POST",
            "contentType": "JSON",
            "requestBody": [
                {"action": "TOKENIZATION", "fieldName": "card.number", "table": "table1", "column": "card_number"},
                {"action": "TOKENIZATION", "fieldName": "card.name", "table": "table1", "column": "cardholder_name"},
            ],
        }],
    }))?
    .with_target(&shop.url(""))?;
    let path = connection.path();
    let server = EmbeddedVault::builder().connection(connection).build()?.serve().await?;
    let client = Skyflow::builder()
        .vault(config(&server)?)
        .connection(ConnectionConfig::new("checkout", format!("{}{path}/checkout", server.base_url())))
        .credentials(Credentials::from_json(server.credentials_json().expose())?)
        .build()?;

    let order = json!({"card": {"number": "4111111111111111", "name": "John Doe"}, "items": 3});
    let response = client.default_connection()?.invoke(InvokeConnectionRequest::post().body(&order)).await?;
    let stored: serde_json::Value = response.decode()?;
    println!("the shop responded with {}: {}", response.metadata.status, stored["stored_card"]);

    let token = stored["stored_card"].as_str().ok_or("no token")?;
    let request = DetokenizeRequest::new().token_with(token, Redaction::PlainText);
    let plain = client.default_vault()?.detokenize(request).await?;
    println!(
        "in the vault: {}",
        plain.detokenized_fields.first().and_then(|field| field.value()).unwrap_or_default()
    );
    server.shutdown().await;
    Ok(())
}
