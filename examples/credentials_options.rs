//! Calls one vault with each kind of credentials.
//!
//! In production use a service account, whose tokens expire, and keep its `credentials.json` out of the code. An API
//! key does not expire: protect and rotate it.

use std::error::Error;

use skyflow::auth::{Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange};
use skyflow::{Credentials, InsertRequest, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("credentials.json");
    std::fs::write(&path, server.credentials_json().expose())?;

    let token = skyflow::auth::mint(&path).await?;
    println!("minted a {} token", token.token_type());

    // Any other source of tokens, such as STS, a command or a closure, is a provider too.
    let key = ServiceAccountKey::from_path(&path)?;
    let tokens = Cached::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper()));

    let json = server.credentials_json();
    let variable = |name: &str| (name == "SKYFLOW_CREDENTIALS").then(|| json.expose().to_owned());
    for credentials in [
        Credentials::api_key(server.vault().api_key().clone())?,
        Credentials::bearer_token(token.expose())?,
        Credentials::from_path(&path),
        // `ctx` of the tokens, which policies see as `request.context`.
        Credentials::from_json(json.expose())?.context("user-7")?,
        // `Credentials::from_env()` reads the environment of the process.
        Credentials::from_env_with(variable)?,
        Credentials::provider(tokens),
    ] {
        let kind = credentials.kind();
        let config = VaultConfig::with_base_url(server.vault().vault_id(), server.base_url());
        let client = Skyflow::builder().vault(config.credentials(credentials)).build()?;
        let row = serde_json::json!({"name": "Ada Lovelace"});
        let inserted = client.default_vault()?.insert(InsertRequest::new("table1").record(row)).await?;
        println!("{kind:?}: inserted {}", inserted.inserted_fields.len());
    }
    server.shutdown().await;
    Ok(())
}
