//! Dynamic secrets: credentials for the time of a closure.

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
    use scaivault::dynamic::EngineConfig;

    let (server, client) = connect().await?;
    let config =
        EngineConfig::default().connection_url("postgres://{{username}}:{{password}}@db.example/support");
    client.dynamic().create_engine("support-db", "database", config).max_ttl("4h").await?;
    client.dynamic().create_role("support-db", "readonly").await?;

    let lease = client.dynamic().generate_credentials("support-db", "readonly").ttl("2h").await?;
    println!("credentials: {:?}", lease.data.as_ref().map(|data| data.keys()));
    client.dynamic().revoke_lease(&lease.lease_id).await?;

    let scoped = client
        .dynamic()
        .credentials("support-db", "readonly")
        .ttl("2h")
        .with(|credentials| async move { credentials.get("connection_url").is_some() })
        .await?;
    println!("inside: {}, revoked: {}", scoped.output, scoped.revocation.is_ok());
    println!("{} lease(s) left", server.vault().live_leases()?);
    Ok(())
}
