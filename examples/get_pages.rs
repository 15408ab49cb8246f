//! Reads a table row by row; pages of 25 are requested on demand.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let rows = (0..60).map(|n| json!({"name": format!("Person {n}"), "age": n}));
    vault.insert(InsertRequest::new("table1").records(rows)).await?;

    let request = GetRequest::new("table1").all_rows().redaction(Redaction::PlainText);
    let mut rows = pin!(vault.get_pages(request));
    let (mut count, mut ages) = (0, 0);
    while let Some(row) = rows.try_next().await? {
        count += 1;
        ages += row.get::<u32>("age")?.unwrap_or(0);
    }
    println!("{count} rows, mean age {}", ages / count);
    Ok(())
}
