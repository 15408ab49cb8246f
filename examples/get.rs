//! Gets rows by id and by a unique column: as values, as your own type, and as tokens.

use std::error::Error;

use serde::Deserialize;
use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction};
use skyflow_examples::embedded_vault;

#[derive(Deserialize)]
struct Person {
    name: String,
    age: u8,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let row = json!({"name": "Ada Lovelace", "email": "ada@example.com", "age": 36});
    let inserted = vault.insert(InsertRequest::new("table1").record(row)).await?;
    let id = &inserted.inserted_fields[0].skyflow_id;

    let by_id = GetRequest::new("table1").ids([id]).redaction(Redaction::PlainText);
    for person in vault.get(by_id).await?.records::<Person>()? {
        println!("{} is {}", person.name, person.age);
    }

    let by_column = GetRequest::new("table1").column("email", ["ada@example.com"]).fields(["name"]);
    for record in vault.get(by_column.redaction(Redaction::PlainText)).await?.data {
        println!("found by e-mail: {}", record.text("name").unwrap_or_default());
    }

    for record in vault.get(GetRequest::new("table1").ids([id]).return_tokens(true)).await?.data {
        println!("a token: {}", record.text("name").unwrap_or_default());
    }
    Ok(())
}
