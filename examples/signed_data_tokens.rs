//! Signs data tokens, and detokenizes the signed form with a bearer token of the same service account.
//!
//! A signed token proves that its holder got it from the account, and expires. An account can be set to detokenize
//! signed tokens only.

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use skyflow::auth::{DataTokenSigner, ServiceAccountKey};
use skyflow::{Credentials, DetokenizeRequest, InsertRequest, Redaction, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, NewServiceAccount, Role};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let account = NewServiceAccount::new("reader").role(Role::VaultOwner).require_signed_tokens();
    let json =
        server.vault().create_service_account(account)?.create_key()?.credentials_json(&server.token_uri());
    let credentials = Credentials::from_json(json.expose())?.context("user-7")?;
    let config =
        VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials);
    let vault = Skyflow::builder().vault(config).build()?.default_vault()?;

    let row =
        InsertRequest::new("table1").record(json!({"card_number": "4111111111111111"})).return_tokens(true);
    let token = vault.insert(row).await?.single()?.token("card_number").ok_or("no token")?;

    // The context of the signed token must be that of the bearer token.
    let key = ServiceAccountKey::from_json(json.expose())?;
    let signer = DataTokenSigner::new(key).time_to_live(Duration::from_secs(300))?.context("user-7")?;
    let signed = signer.sign(&token)?;
    println!("signed: {}", signed.signed_token().starts_with("signed_token_"));

    let detokenize =
        |token: &str| vault.detokenize(DetokenizeRequest::new().token_with(token, Redaction::PlainText));
    let response = detokenize(signed.signed_token()).await?;
    let field = response.detokenized_fields.first().ok_or("no value")?;
    println!("detokenized: {}", field.value().unwrap_or_default());
    if let Err(error) = detokenize(&token).await {
        println!("the unsigned token: {:?}", error.http_code());
    }
    server.shutdown().await;
    Ok(())
}
