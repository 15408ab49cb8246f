//! A program of this project in another build, against the embedded vault over TLS.

use std::error::Error;
use std::path::Path;

use skyflow_emulator::EmbeddedVault;
use tokio::process::Command;

/// Runs the program with the vault and a service account in its environment; tells whether it succeeded.
pub async fn run(program: &Path, directory: &Path) -> Result<bool, Box<dyn Error>> {
    let vault = EmbeddedVault::builder().build()?;
    let server = vault.serve_tls().await?;
    let ca = directory.join("ca.pem");
    std::fs::write(&ca, server.ca_pem().ok_or("the server has no certificate")?)?;
    let status = Command::new(program)
        .env_clear()
        .env("SKYFLOW_VAULT_ID", vault.vault_id())
        .env("SKYFLOW_VAULT_URL", server.base_url())
        .env("SKYFLOW_CREDENTIALS", server.credentials_json().expose())
        .env("SKYFLOW_CA_FILE", &ca)
        .status()
        .await?;
    let operations: Vec<_> = vault.journal().iter().filter_map(|entry| entry.operation).collect();
    println!("{}: {status}, {}", program.display(), operations.join(", "));
    Ok(status.success() && operations == ["authentication_get_token", "records_insert", "records_list"])
}
