//! Makes calls for end users on one client: each has a token with a context, which the vault's policies see.
//!
//! The tokens are cached, so that a user's second call mints nothing. Set [`SkyflowBuilder::end_user_tokens`] to the
//! number of users that are active within an hour.
//!
//! [`SkyflowBuilder::end_user_tokens`]: skyflow::SkyflowBuilder::end_user_tokens

use std::error::Error;
use std::num::NonZeroUsize;

use serde_json::json;
use skyflow::{CallOptions, Credentials, GetRequest, InsertRequest, Skyflow};
use skyflow_emulator::{EmbeddedVault, Operation};
use skyflow_examples::config;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    // The account must be allowed to inject a context: a setting of the service account in Skyflow Studio.
    let users = NonZeroUsize::new(1_000).ok_or("zero users")?;
    let client = Skyflow::builder().vault(config(&server)?).end_user_tokens(users).build()?;
    let vault = client.default_vault()?;

    let minted = || {
        let exchange = Some(Operation::AuthenticationGetToken.name());
        server.vault().journal().iter().filter(|entry| entry.operation == exchange).count()
    };
    let row = InsertRequest::new("persons").record(json!({"name": "Ada Lovelace"}));
    let id = vault.insert(row).await?.single()?.skyflow_id;
    let before = minted();

    // A web server does this per request: the handle is cheap, the token is shared.
    for _ in 0..2 {
        for user in ["user-1", "user-2"] {
            vault.with_context(user).get_one(GetRequest::new("persons").ids([&id])).await?;
        }
        // A context may be an object, which policies see as request.context.role and request.context.ward.
        let nurse = CallOptions::new().context(json!({"role": "nurse", "ward": 7}));
        vault.with_options(nurse).get_one(GetRequest::new("persons").ids([&id])).await?;
    }
    println!("user-1 read its row");
    println!("a nurse read its row");
    println!("3 end users, 2 calls each, {} tokens", minted() - before);

    // An API key has no context.
    let api_key = Credentials::api_key(server.vault().api_key().clone())?;
    let with_key =
        Skyflow::builder().vault(config(&server)?.credentials(api_key)).build()?.default_vault()?;
    let request = GetRequest::new("persons").ids([&id]);
    if let Err(error) = with_key.with_context("user-1").get_one(request).await {
        println!("refused: {}", error.message());
    }
    server.shutdown().await;
    Ok(())
}
