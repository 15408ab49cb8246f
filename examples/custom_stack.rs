//! Adds a custom tower layer around every operation, and another around every attempt.
//!
//! The outer one measures what a caller waits for; the inner one sees each try, before it carries a token. Both know
//! which operation it is, and neither has to parse a URL. The embedded vault refuses the first attempt with a 503, so
//! that there is a second one.

use std::error::Error;

use http::StatusCode;
use skyflow::http::{Clock, DynLayer, HttpService, OperationInfo, Progress, Request, SystemClock};
use skyflow::{Credentials, GetRequest, InsertRequest, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Fault};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let credentials = Credentials::from_json(server.credentials_json().expose())?;
    let config =
        VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials);
    let client = Skyflow::builder().vault(config).layer(timed()).attempt_layer(announced()).build()?;
    let vault = client.default_vault()?;

    let row = InsertRequest::new("table1").record(serde_json::json!({"cardholder_name": "John Doe"}));
    let inserted = vault.insert(row).await?;
    let ids = inserted.inserted_fields.iter().map(|row| &row.skyflow_id);

    server.vault().inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).times(1));
    vault.get(GetRequest::new("table1").ids(ids)).await?;
    server.shutdown().await;
    Ok(())
}

/// Sees each operation once, from the outside.
fn timed() -> DynLayer {
    DynLayer::from_fn(|inner: HttpService| {
        tower::service_fn(move |mut request: Request| {
            let inner = inner.clone();
            async move {
                let name = OperationInfo::of(request.extensions()).map_or("unnamed", |info| info.name);
                let started = SystemClock.monotonic();
                let progress = Progress::of(request.extensions_mut());
                let response = inner.send(request).await?;
                let attempts = progress.attempts();
                println!(
                    "{name}: {} after {attempts} attempt(s), {:?}",
                    response.status(),
                    SystemClock.monotonic() - started
                );
                Ok::<_, skyflow::http::BoxError>(response)
            }
        })
    })
}

/// Sees each attempt.
fn announced() -> DynLayer {
    DynLayer::from_fn(|inner: HttpService| {
        inner.map_request(|request: Request| {
            let path = OperationInfo::of(request.extensions()).map_or("", |info| info.path_template);
            let with_token = request.headers().contains_key("authorization");
            println!("  attempt: {} {path}, token attached yet: {with_token}", request.method());
            request
        })
    })
}
