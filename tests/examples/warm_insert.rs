//! One warm insert, for `cargo xtask path insert`: a profiler collects only what [`warm_insert`] runs.

use std::error::Error;
use std::hint::black_box;

use serde_json::json;
use skyflow::{Credentials, InsertRequest, InsertResponse, Skyflow, Vault, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use tokio::runtime::{Builder, Runtime};

fn main() -> Result<(), Box<dyn Error>> {
    // One thread, so that the profile is the whole path of the call and the same on every machine.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let embedded = EmbeddedVault::builder().build()?;
    let server = runtime.block_on(async { embedded.serve().await })?;
    let credentials = Credentials::from_json(server.credentials_json().expose())?;
    let config = VaultConfig::with_base_url(server.vault().vault_id(), server.base_url());
    let client = Skyflow::builder().vault(config.credentials(credentials)).build()?;
    let vault = client.default_vault()?;
    // The first call opens the connection and mints the token.
    runtime.block_on(insert(&vault))?;
    let inserted = warm_insert(&runtime, &vault)?;
    if inserted.inserted_fields.len() == 1 { Ok(()) } else { Err("the row was not inserted".into()) }
}

#[inline(never)]
fn warm_insert(runtime: &Runtime, vault: &Vault) -> Result<InsertResponse, skyflow::Error> {
    black_box(runtime.block_on(insert(vault)))
}

async fn insert(vault: &Vault) -> Result<InsertResponse, skyflow::Error> {
    let row = json!({"card_number": "4111111111111111", "cardholder_name": "John Doe"});
    vault.insert(InsertRequest::new("table1").record(row).return_tokens(true)).await
}
