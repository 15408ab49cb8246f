//! ACME: an account, an order, and a poll until the certificate is there.

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
    let account = client
        .acme()
        .create_account("letsencrypt-production", "letsencrypt", "certs@acme.example")
        .environment("production")
        .await?;
    let order = client.acme().issue(&account.id, ["api.acme.example"], "dns-01").auto_renew(true).await?;
    println!("the order is {}", order.status.map_or_else(String::new, |status| status.to_string()));
    let pause = std::time::Duration::from_millis(10);
    let order = client.acme().wait_for(&order.id).first_pause(pause).await?;
    let pem = client.pki().get_certificate_pem(order.certificate_id.unwrap_or_default()).await?;
    println!("{}", pem.lines().next().unwrap_or_default());
    Ok(())
}
