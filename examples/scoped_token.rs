//! Limits tokens to one role of a service account: for a whole client, and for one call.
//!
//! A service account may have several roles. A token with fewer of them can do less when it leaks.

use std::error::Error;

use serde_json::json;
use skyflow::{
    CallOptions, Credentials, DeleteRequest, DetokenizeRequest, InsertRequest, Redaction, Skyflow,
    VaultConfig,
};
use skyflow_emulator::{EmbeddedVault, NewServiceAccount, Role};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let account = NewServiceAccount::new("shop").role(Role::VaultOwner).role(Role::VaultViewer);
    let key = server.vault().create_service_account(account)?.create_key()?;
    let credentials = Credentials::from_json(key.credentials_json(&server.token_uri()).expose())?;
    // Role ids are shown in Skyflow Studio.
    let viewer = server.vault().role_id(Role::VaultViewer).to_owned();

    let config = VaultConfig::with_base_url(server.vault().vault_id(), server.base_url());
    let all_roles = Skyflow::builder().vault(config.clone().credentials(credentials.clone())).build()?;
    let row =
        InsertRequest::new("table1").record(json!({"card_number": "4111111111111111"})).return_tokens(true);
    let inserted = all_roles.default_vault()?.insert(row).await?.single()?;
    let token = inserted.token("card_number").ok_or("no token")?;
    let detokenize = || DetokenizeRequest::new().token_with(&token, Redaction::PlainText);

    let read_only = Skyflow::builder().vault(config.credentials(credentials.roles([&viewer])?)).build()?;
    let response = read_only.default_vault()?.detokenize(detokenize()).await?;
    println!("as a viewer: {:?}", response.detokenized_fields.first().and_then(|field| field.value()));
    let delete = DeleteRequest::new("table1", [&inserted.skyflow_id]);
    if let Err(error) = read_only.default_vault()?.delete(delete).await {
        println!("delete as a viewer: {:?}", error.http_code());
    }

    let as_viewer = all_roles.default_vault()?.with_options(CallOptions::new().roles([&viewer]));
    let response = as_viewer.detokenize(detokenize()).await?;
    println!(
        "one call as a viewer: {:?}",
        response.detokenized_fields.first().and_then(|field| field.value())
    );
    let response = all_roles.default_vault()?.detokenize(detokenize()).await?;
    println!("with all roles: {:?}", response.detokenized_fields.first().and_then(|field| field.value()));
    server.shutdown().await;
    Ok(())
}
