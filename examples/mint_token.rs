//! Gets a bearer token with `skyflow-auth` alone.
//!
//! `cargo run --example mint_token -- credentials.json` signs with that service account. Without an argument it makes a
//! service account of the embedded vault.

use std::error::Error;

use skyflow_auth::{Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenProvider};
use skyflow_emulator::EmbeddedVault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let key = match std::env::args().nth(1) {
        Some(path) => ServiceAccountKey::from_path(path)?,
        None => ServiceAccountKey::from_json(server.credentials_json().expose())?,
    };
    let tokens = Cached::new(ServiceAccountTokens::new(key, TokenExchange::over_hyper()));

    let token = tokens.token().await?;
    // Printing a token is what this example is for; `Debug` would show nothing.
    println!("Authorization: {}", token.bearer_header().to_str()?);

    let again = tokens.token().await?;
    println!("the second call exchanged nothing: {}", token.is_same(&again));
    server.shutdown().await;
    Ok(())
}
