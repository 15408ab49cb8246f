//! The client for programs that are not asynchronous.

use scaivault::blocking::Client;
use scaivault_emulator::EmbeddedScaiVault;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let vault = EmbeddedScaiVault::builder().build()?;
    let client = Client::builder()
        .base_url("https://scaivault.example")
        .token(vault.token().clone())
        .transport(vault.service())
        .build()?;
    client.secrets().write("app/db/password", &serde_json::json!({"password": "p"})).send()?;
    let secret = client.secrets().read("app/db/password").send()?;
    println!("version {}", secret.version);
    for item in client.secrets().list().prefix("app/").items() {
        println!("{}", item?.path);
    }
    Ok(())
}
