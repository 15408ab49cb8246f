//! Lists audit events, page after page.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::json;
use skyflow::api::audit::ListEvents;
use skyflow::{InsertRequest, QueryRequest};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (server, vault) = embedded_vault().await?;
    vault.insert(InsertRequest::new("table1").record(json!({"name": "Ada Lovelace"}))).await?;
    vault.query(QueryRequest::new("SELECT name FROM table1")).await?;

    // One event a page, to show that the pages are followed.
    let request = ListEvents::new(server.vault().account_id()).limit(1);
    let mut events = pin!(vault.audit_events(request));
    while let Some(event) = events.try_next().await? {
        let event = event.into_event();
        let request = event.request.unwrap_or_default();
        let code = event.response.and_then(|response| response.code);
        println!("{}: {}", request.api_name.unwrap_or_default(), code.unwrap_or_default());
    }
    Ok(())
}
