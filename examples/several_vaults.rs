//! Uses several vaults with one client: one with an API key, one with a service account, one with the client's
//! credentials.

use std::error::Error;

use serde_json::json;
use skyflow::{Credentials, InsertRequest, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let start = async || EmbeddedVault::builder().build()?.serve().await.map_err(Box::<dyn Error>::from);
    let (cards, persons, orders) = (start().await?, start().await?, start().await?);
    let at = |server: &Server| VaultConfig::with_base_url(server.vault().vault_id(), server.base_url());

    let api_key = Credentials::api_key(cards.vault().api_key().clone())?;
    let account = Credentials::from_json(persons.credentials_json().expose())?;
    let client = Skyflow::builder()
        .vault(at(&cards).credentials(api_key))
        .vault(at(&persons).credentials(account).no_retry())
        .vault(at(&orders))
        // For the vaults without their own.
        .credentials(Credentials::from_json(orders.credentials_json().expose())?)
        .build()?;

    for id in client.vault_ids() {
        let kind = client.vault_config(&id).and_then(|config| config.get_credentials_kind());
        let row = InsertRequest::new("table1").record(json!({"name": "Ada Lovelace"}));
        let inserted = client.vault(&id)?.insert(row).await?.inserted_fields.len();
        println!("own credentials: {kind:?}, inserted {inserted}");
    }
    Ok(())
}
