//! Pays with a card that the program never sees: it sends a token through an outbound connection, and the payment
//! service receives the card number.
//!
//! The connection belongs to the embedded vault. The payment service is a few lines on a loopback port; it looks up the
//! card in the request as any third party would.

use std::error::Error;

use serde::Deserialize;
use serde_json::json;
use skyflow::{ConnectionConfig, Credentials, InsertRequest, InvokeConnectionRequest, Skyflow};
use skyflow_emulator::{ConnectionSpec, EmbeddedVault};
use skyflow_examples::{config, third_party};

#[derive(Deserialize)]
struct Charge {
    id: String,
    amount: u64,
    /// The payment service shows the last four digits only.
    card: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let payments = third_party::start(|path, body| {
        let Some(number) =
            body["card"]["number"].as_str().filter(|number| number.chars().all(|c| c.is_ascii_digit()))
        else {
            return (
                402,
                json!({"code": "invalid_card", "reason": "the card number has other characters than digits"}),
            );
        };
        println!("the payment service got card {number} at {path}");
        let last_four = number.get(number.len().saturating_sub(4)..);
        (200, json!({"id": "ch_1", "amount": body["amount"], "card": last_four}))
    })
    .await?;

    // The configuration in Skyflow Studio: one route, and which field of it is a token.
    let connection = ConnectionSpec::from_json(&json!({
        "name": "payments",
        "mode": "EGRESS",
        "routes": [{
            "path": "/orders/{order}/charges",
            "method": "POST",
            "contentType": "JSON",
            "requestBody": [{"action": "DETOKENIZATION", "fieldName": "card.number"}],
        }],
    }))?
    .with_id("payments")
    .with_target(&payments.url(""))?;
    let path = connection.path();
    let server = EmbeddedVault::builder().connection(connection).build()?.serve().await?;

    let url = format!("{}{path}/orders/{{order}}/charges", server.base_url());
    let client = Skyflow::builder()
        .vault(config(&server)?)
        .connection(ConnectionConfig::new("payments", url))
        .credentials(Credentials::from_json(server.credentials_json().expose())?)
        .build()?;

    let row =
        InsertRequest::new("table1").record(json!({"card_number": "4111111111111111"})).return_tokens(true);
    let inserted = client.default_vault()?.insert(row).await?;
    let token =
        inserted.inserted_fields.first().and_then(|row| row.token("card_number")).ok_or("no token")?;
    println!("this program has token {token}");

    let pay = |token: &str| {
        InvokeConnectionRequest::post()
            .path_param("order", "2026/7")
            .body(&json!({"card": {"number": token}, "amount": 1999}))
    };
    let connection = client.connection("payments")?;
    let charge: Charge = connection.invoke(pay(&token)).await?.decode()?;
    println!("charged {} to the card that ends in {}: {}", charge.amount, charge.card, charge.id);

    // Skyflow refuses a value that is not a token; the payment service receives no request.
    let error = connection.invoke(pay("4242-4242-4242-4242")).await.err().ok_or("a success")?;
    println!("refused: the payment service's fault: {:?}", error.error_from_client());
    server.shutdown().await;
    Ok(())
}
