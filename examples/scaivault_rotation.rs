//! Rotation policies: create, assign, trigger, history.

use scaivault::Client;
use scaivault_emulator::EmbeddedScaiVault;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects to an embedded server. Against a real one, `Client::from_env()` is all there is.
async fn connect() -> Result<(scaivault_emulator::Server, Client), Failure> {
    let server = EmbeddedScaiVault::builder().build()?.serve().await?;
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build()?;
    Ok((server, client))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (_server, client) = connect().await?;
    let path = "environments/production/salesforce/oauth";
    client.secrets().write(path, &serde_json::json!({"client_secret": "first"})).await?;
    let policy = client
        .rotation()
        .create("quarterly", "90d")
        .grace_period("48h")
        .warn_before("7d,1d")
        .auto_generate(false)
        .await?;
    client.rotation().assign_secret(&policy.id, path).await?;
    client.rotation().trigger_rotation(&policy.id).secret_paths([path]).await?;
    for item in client.rotation().get_history(&policy.id).limit(100).await?.data {
        println!(
            "{} ended with {}",
            item.secret_path,
            item.status.map_or_else(String::new, |s| s.to_string())
        );
    }
    let due = client.rotation().get_secrets_due().within_hours(90 * 24).await?;
    println!("{} secret(s) due within 90 days", due.data.len());
    Ok(())
}
