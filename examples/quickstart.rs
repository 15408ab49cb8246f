//! Inserts a card into a vault, gets tokens, and detokenizes them.
//!
//! `cargo run --example quickstart` needs no account and no network: it starts the embedded vault on a loopback port.
//! With `SKYFLOW_VAULT_ID` set it talks to the vault of the environment instead (see `Skyflow::from_env`); its `table1`
//! needs the columns `card_number` and `cardholder_name`. `cargo run -p skyflow-emulator` prints the variables of its
//! vault.
//!
//! `--data-file <path>` keeps the embedded vault in a file. `--detokenize <token>` only turns one token back: with the
//! same file, in another process, the value is still there.

use std::env;
use std::error::Error;

use serde::{Deserialize, Serialize};
use skyflow::{
    Credentials, DetokenizeRequest, GetRequest, InsertRequest, Redaction, Skyflow, Vault, VaultConfig,
};
use skyflow_emulator::EmbeddedVault;

#[derive(Serialize)]
struct NewCard<'a> {
    card_number: &'a str,
    cardholder_name: &'a str,
}

#[derive(Deserialize)]
struct Card {
    skyflow_id: String,
    card_number: String,
    cardholder_name: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::from_args()?;
    if env::var_os("SKYFLOW_VAULT_ID").is_some() {
        return run(&Skyflow::from_env()?.default_vault()?, &options).await;
    }

    let mut builder = EmbeddedVault::builder();
    if let Some(path) = &options.data_file {
        builder = builder.data_file(path);
    }
    let server = builder.build()?.serve().await?;
    // A service account with a key made when the vault was: the client signs with it, the vault verifies.
    let credentials = Credentials::from_json(server.credentials_json().expose())?;
    let config =
        VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials);
    let client = Skyflow::builder().vault(config).build()?;
    println!("embedded vault {} at {}", server.vault().vault_id(), server.base_url());
    let outcome = run(&client.default_vault()?, &options).await;
    server.shutdown().await;
    outcome
}

async fn run(vault: &Vault, options: &Options) -> Result<(), Box<dyn Error>> {
    if let Some(token) = &options.detokenize {
        let request = DetokenizeRequest::new().token_with(token, Redaction::PlainText);
        for field in vault.detokenize(request).await?.detokenized_fields {
            println!("{} -> {}", field.token, field.value().unwrap_or_default());
        }
        return Ok(());
    }

    let card = NewCard { card_number: "4111111111111111", cardholder_name: "John Doe" };
    let inserted = vault.insert(InsertRequest::new("table1").record(&card).return_tokens(true)).await?;
    let row = inserted.inserted_fields.first().ok_or("the vault inserted nothing")?;
    println!("inserted       {}", row.skyflow_id);
    let mut tokens = Vec::new();
    for column in ["card_number", "cardholder_name"] {
        let token = row.token(column).ok_or("the vault returned no token")?;
        println!("token          {column:<16} {token}");
        tokens.push(token);
    }

    for redaction in [Redaction::PlainText, Redaction::Masked] {
        let response = vault.detokenize(DetokenizeRequest::new().tokens(&tokens, redaction)).await?;
        for field in response.detokenized_fields {
            println!("{redaction:<14} {} -> {}", field.token, field.value().unwrap_or_default());
        }
    }

    let request = GetRequest::new("table1").ids([&row.skyflow_id]).redaction(Redaction::PlainText);
    for card in vault.get(request).await?.records::<Card>()? {
        println!("got            {} {} {}", card.skyflow_id, card.card_number, card.cardholder_name);
    }
    Ok(())
}

#[derive(Default)]
struct Options {
    data_file: Option<String>,
    detokenize: Option<String>,
}

impl Options {
    fn from_args() -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            let value = args.next().ok_or(format!("{arg} needs a value"))?;
            match arg.as_str() {
                "--data-file" => options.data_file = Some(value),
                "--detokenize" => options.detokenize = Some(value),
                _ => return Err(format!("unknown option {arg}; there are --data-file and --detokenize")),
            }
        }
        Ok(options)
    }
}
