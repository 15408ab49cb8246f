//! Adds, changes and removes vaults, and changes credentials and log level, while a client is in use.

use std::error::Error;

use serde_json::json;
use skyflow::{InsertRequest, LogLevel, Skyflow};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::config;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (first, second) =
        (EmbeddedVault::builder().build()?.serve().await?, EmbeddedVault::builder().build()?.serve().await?);
    let client = Skyflow::builder().vault(config(&first)?).log_level(LogLevel::Warn).build()?;

    client.add_vault_config(config(&second)?)?;
    println!("{} vaults; the default is the first: {}", client.vault_ids().len(), {
        client.default_vault()?.id().as_str() == first.vault().vault_id()
    });
    let row = || InsertRequest::new("table1").record(json!({"name": "Ada Lovelace"}));
    client.vault(second.vault().vault_id())?.insert(row()).await?;

    // A handle keeps the configuration it was taken with.
    let handle = client.default_vault()?;
    client.remove_vault_config(first.vault().vault_id())?;
    handle.insert(row()).await?;
    println!(
        "{} vault left; unknown now: {}",
        client.vault_ids().len(),
        client.vault(first.vault().vault_id()).is_err()
    );

    client.set_log_level(LogLevel::Debug);
    println!("log level {}", client.log_level());
    Ok(())
}
