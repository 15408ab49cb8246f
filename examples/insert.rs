//! Inserts rows of your own type, and decodes the tokens into another type. The second insert updates the first row.

use std::error::Error;

use serde::{Deserialize, Serialize};
use skyflow::InsertRequest;
use skyflow_examples::embedded_vault;

#[derive(Serialize)]
struct Person<'a> {
    name: &'a str,
    email: &'a str,
    age: u8,
}

#[derive(Deserialize)]
struct Tokens {
    skyflow_id: String,
    name: String,
    email: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;

    let people = [
        Person { name: "Ada Lovelace", email: "ada@example.com", age: 36 },
        Person { name: "Alan Turing", email: "alan@example.com", age: 41 },
    ];
    let inserted = vault.insert(InsertRequest::new("table1").records(&people).return_tokens(true)).await?;
    for tokens in inserted.records::<Tokens>()? {
        println!("inserted {}: name {}, email {}", tokens.skyflow_id, tokens.name, tokens.email);
    }

    let older = Person { name: "Ada Lovelace", email: "ada@example.com", age: 37 };
    let updated = vault.insert(InsertRequest::new("table1").record(&older).upsert("email")).await?;
    println!(
        "the same row: {}",
        updated.inserted_fields[0].skyflow_id == inserted.inserted_fields[0].skyflow_id
    );
    Ok(())
}
