//! Turns one token back into its value, in a process of its own.
//!
//! `second-process data-file <path> <token>` opens a vault from its file; `second-process url <base url> <vault id>
//! <token>` talks to a vault in another process, with the credentials of the environment. The value is printed; a
//! failure is printed as kind, field and text, and ends the process with status 1.

use std::process::ExitCode;

use skyflow::{Credentials, DetokenizeRequest, Error, Redaction, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["data-file", path, token] => {
            let vault = EmbeddedVault::builder().data_file(path).build().unwrap();
            let server = vault.serve().await.unwrap();
            let credentials = Credentials::from_json(server.credentials_json().expose()).unwrap();
            let config = VaultConfig::with_base_url(vault.vault_id(), server.base_url());
            detokenize(config.credentials(credentials), token).await
        }
        ["url", base_url, vault_id, token] => {
            detokenize(VaultConfig::with_base_url(vault_id, base_url), token).await
        }
        _ => panic!("see the first lines of this file"),
    };
    match outcome {
        Ok(value) => {
            print!("{value}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            print!("{:?} {} {error}", error.kind(), error.field().unwrap_or("-"));
            ExitCode::FAILURE
        }
    }
}

async fn detokenize(config: VaultConfig, token: &str) -> Result<String, Error> {
    let vault = Skyflow::builder().vault(config).build()?.default_vault()?;
    let request = DetokenizeRequest::new().token_with(token, Redaction::PlainText);
    Ok(vault.detokenize(request).await?.detokenized_fields[0].value().unwrap_or_default())
}
