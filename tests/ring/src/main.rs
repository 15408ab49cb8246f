//! Mints a token, inserts a row over TLS and reads it back, in a program whose cryptography library is ring alone.
//!
//! The vault and the credentials come from the environment.

use std::error::Error;

use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction, Skyflow};

const NAME: &str = "Ada Lovelace";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let vault = Skyflow::from_env()?.default_vault()?;
    let row = vault.insert(InsertRequest::new("persons").record(json!({"name": NAME}))).await?.single()?;
    let request = GetRequest::new("persons").ids([row.skyflow_id]).redaction(Redaction::PlainText);
    let name = vault.get_one(request).await?.text("name");
    if name.as_deref() == Some(NAME) { Ok(()) } else { Err("another row was returned".into()) }
}
