//! Secrets: write, read, list, rotate, delete, and batches.

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
    use futures_util::TryStreamExt;
    use scaivault::SecretMetadata;
    use serde_json::json;

    let (_server, client) = connect().await?;
    let secrets = client.secrets();
    let path = "environments/production/salesforce/oauth";
    let written = secrets
        .write(path, &json!({"client_id": "id-1", "client_secret": "secret-1"}))
        .secret_type("json")
        .metadata(SecretMetadata::default().tags(["salesforce"]))
        .max_versions(10)
        .await?;
    println!("wrote version {}", written.version);

    let secret = secrets.read(path).await?;
    println!("read version {} with {:?}", secret.version, secret.data.keys());

    secrets.update_metadata(path, SecretMetadata::default().tags(["critical"])).await?;

    let rotated = secrets
        .rotate(path)
        .reason("compromise")
        .new_value(&json!({"client_id": "id-1", "client_secret": "secret-2"}))
        .grace_period("1h")
        .await?;
    println!("rotated to version {}", rotated.new_version.unwrap_or_default());
    let old = secrets.read(path).version(1).await?;
    println!("version {} is still readable", old.version);

    let page = secrets.list().prefix("environments/production/").limit(50).await?;
    for item in &page.data {
        println!("{} has version {:?}", item.path, item.version);
    }
    let all: Vec<_> = secrets.list().items().try_collect().await?;
    println!("{} secret(s) in all", all.len());

    let batch = secrets.batch_read([path, "integrations/stripe/api-key"]).await?;
    println!("batch: {} read, {} failed", batch.secrets.len(), batch.errors.len());

    secrets.delete(path).await?;
    secrets.delete(path).permanent(true).await?;
    println!("deleted for good");
    Ok(())
}
