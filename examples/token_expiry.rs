//! Makes calls across expired and revoked tokens: the client refreshes a token before it expires, and replaces one that
//! the vault refuses.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use skyflow::http::ManualClock;
use skyflow::{Credentials, GetRequest, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Operation};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Tokens live for ten minutes here, by a clock that the example moves.
    let clock = ManualClock::new();
    let embedded = EmbeddedVault::builder()
        .clock(Arc::new(clock.clone()))
        .bearer_lifetime(Duration::from_secs(600))
        .build()?;
    let json = embedded.credentials_json("https://manage.skyflowapis.com/v1/auth/sa/oauth/token");
    let config = VaultConfig::new(embedded.vault_id(), embedded.cluster_id())
        .credentials(Credentials::from_json(json.expose())?);
    let client = Skyflow::builder()
        .vault(config)
        .clock(Arc::new(clock.clone()))
        .transport(embedded.service())
        .build()?;
    let vault = client.default_vault()?;
    let call = || vault.get(GetRequest::new("table1").all_rows());
    let minted = || {
        let exchange = Some(Operation::AuthenticationGetToken.name());
        embedded.journal().iter().filter(|entry| entry.operation == exchange).count()
    };

    call().await?;
    call().await?;
    println!("two calls: {} token", minted());
    clock.advance(Duration::from_secs(700));
    call().await?;
    println!("after it expired: {} tokens", minted());
    embedded.revoke_bearer_tokens()?;
    call().await?;
    println!("after it was revoked: {} tokens", minted());

    // A bearer token that was minted elsewhere cannot be replaced; the call fails, and nothing is retried.
    let fixed = skyflow::Secret::new(minted_elsewhere(&embedded, json.expose()).await?);
    let config = VaultConfig::new(embedded.vault_id(), embedded.cluster_id())
        .credentials(Credentials::bearer_token(fixed)?);
    let client = Skyflow::builder().vault(config).transport(embedded.service()).build()?;
    client.default_vault()?.get(GetRequest::new("table1").all_rows()).await?;
    embedded.revoke_bearer_tokens()?;
    if let Err(error) = client.default_vault()?.get(GetRequest::new("table1").all_rows()).await {
        println!(
            "a fixed token, revoked: {:?}, unauthorized: {}",
            error.http_code(),
            error.is_unauthorized()
        );
    }
    Ok(())
}

async fn minted_elsewhere(embedded: &EmbeddedVault, json: &str) -> Result<String, Box<dyn Error>> {
    use skyflow::auth::{ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenProvider};
    use skyflow::http::HttpService;

    let exchange = TokenExchange::new(HttpService::new(embedded.service()));
    let tokens = ServiceAccountTokens::new(ServiceAccountKey::from_json(json)?, exchange);
    Ok(tokens.token().await?.expose().to_owned())
}
