//! The examples of the Skyflow SDK for Rust: one file per task, beside this crate's `Cargo.toml`.
//!
//! `cargo run --example <name>` runs one; the tests of this crate run them all. They share this start: an embedded vault
//! on a loopback port, and a client of it.

#[cfg(doctest)]
mod guide;
pub mod metrics_bridge;
pub mod third_party;

/// The README of the repository, so that its code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fs, io};

use skyflow::{Credentials, Skyflow, SkyflowBuilder, Vault, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Server};

/// Starts an embedded vault and connects to it. The vault lives as long as the server that comes with it.
///
/// # Errors
///
/// Fails when no loopback port can be opened.
pub async fn embedded_vault() -> Result<(Server, Vault), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let client = Skyflow::builder().vault(config(&server)?).build()?;
    Ok((server, client.default_vault()?))
}

/// Describes the vault of a server: its URL, and the credentials of a service account.
///
/// # Errors
///
/// Fails when the credentials cannot be used.
pub fn config(server: &Server) -> Result<VaultConfig, Box<dyn Error>> {
    let credentials = Credentials::from_json(server.credentials_json().expose())?;
    Ok(VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials))
}

/// Configures a client of a vault in this process, without a socket, with the credentials of a service account.
///
/// # Errors
///
/// Fails when the credentials cannot be used.
pub fn in_process(embedded: &EmbeddedVault) -> Result<SkyflowBuilder, Box<dyn Error>> {
    let json = embedded.credentials_json("https://manage.skyflowapis.com/v1/auth/sa/oauth/token");
    let config = VaultConfig::new(embedded.vault_id(), embedded.cluster_id())
        .credentials(Credentials::from_json(json.expose())?);
    Ok(Skyflow::builder().vault(config).transport(embedded.service()))
}

/// Returns the files of `examples/files`: a letter, lists and slides about people who do not exist.
///
/// # Errors
///
/// Fails when the directory cannot be read.
pub fn sample_files() -> io::Result<Vec<PathBuf>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("files");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}
