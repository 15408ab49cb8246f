//! Queries rows in SQL.

use std::error::Error;

use serde::Deserialize;
use serde_json::json;
use skyflow::{InsertRequest, QueryRequest};
use skyflow_examples::embedded_vault;

#[derive(Deserialize)]
struct Row {
    state: String,
    age: u8,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let rows = [json!({"state": "London", "age": 36}), json!({"state": "Cambridge", "age": 41})];
    vault.insert(InsertRequest::new("table1").records(rows)).await?;

    let response =
        vault.query(QueryRequest::new("SELECT state, age FROM table1 WHERE age > 40 LIMIT 5")).await?;
    for row in response.records::<Row>()? {
        println!("{}: {}", row.state, row.age);
    }

    let refused = vault.query(QueryRequest::new("DELETE FROM table1")).await;
    println!("a DELETE is refused with {:?}", refused.err().and_then(|error| error.http_code()));
    Ok(())
}
