//! Adds layers of `tower` and `tower-http` around every operation and every attempt, unchanged.
//!
//! Operation layers see a call once and sit outside the client's deadline and retries: what they wait is not limited by
//! them. Attempt layers see each try, before it carries a token. Both see URIs, which may hold row ids and column
//! values: in production, log the path template of `OperationInfo` and not the URI.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};
use skyflow::http::{OperationInfo, Request};
use skyflow::{InsertRequest, Skyflow};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::config;
use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
use tower::util::MapRequestLayer;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = EmbeddedVault::builder().build()?.serve().await?;
    let team = (HeaderName::from_static("x-team"), HeaderValue::from_static("payments"));
    let set_team = || SetRequestHeaderLayer::if_not_present(team.0.clone(), team.1.clone());
    let timeout = || TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(20));
    // A span with the operation's name, and no URI.
    let trace = || {
        TraceLayer::new_for_http().make_span_with(|request: &Request| {
            let name = OperationInfo::of(request.extensions()).map_or("unnamed", |info| info.name);
            tracing::info_span!("vault call", name)
        })
    };
    let (arrived, seen) = (Arc::new(AtomicBool::new(false)), HeaderName::from_static("x-team"));
    let noted = Arc::clone(&arrived);

    let client = Skyflow::builder()
        .vault(config(&server)?)
        .layer(RateLimitLayer::new(100, Duration::from_secs(1)))
        .layer(ConcurrencyLimitLayer::new(16))
        .layer(trace())
        .layer(timeout())
        .layer(set_team())
        .attempt_layer(RateLimitLayer::new(100, Duration::from_secs(1)))
        .attempt_layer(ConcurrencyLimitLayer::new(16))
        .attempt_layer(trace())
        .attempt_layer(timeout())
        .attempt_layer(set_team())
        .attempt_layer(MapRequestLayer::new(move |request: Request| {
            noted.store(request.headers().contains_key(&seen), Ordering::Relaxed);
            request
        }))
        .build()?;
    let vault = client.default_vault()?.with_layer(ConcurrencyLimitLayer::new(4));

    let row = || InsertRequest::new("persons").record(serde_json::json!({"name": "Ada Lovelace"}));
    let inserted = vault.insert(row()).await?.single()?;
    println!("the header arrived: {}", arrived.load(Ordering::Relaxed));
    println!("inserted with every layer: {}", inserted.skyflow_id);

    // A header alone needs no layer; those that the client manages are refused.
    vault.with_header("x-correlation-id", "order-17").insert(row()).await?;
    if let Err(error) = vault.with_header("host", "elsewhere.example").insert(row()).await {
        println!("refused: {}", error.message());
    }
    server.shutdown().await;
    Ok(())
}
