//! No word of another product, and no secret, in what the client sends, logs and reports. A separate binary, like every
//! test that listens to call sites.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;

use http::StatusCode;
use scaivault::Client;
use scaivault_emulator::{EmbeddedScaiVault, Fault};
use serde_json::json;
use skyflow_http::ManualClock;
use skyflow_testkit::{Canaries, Output, Recorder};
use tracing_subscriber::fmt::format::FmtSpan;

#[tokio::test]
async fn output_names_no_other_product_and_no_secret() {
    let output = Output::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(output.writer())
        .init();
    let clock = ManualClock::new();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let wire = Recorder::new();
    let client = Client::builder()
        .base_url("https://scaivault.example")
        .environment(|_| None)
        .client_credentials(vault.client_id(), vault.client_secret().clone())
        .token_url("https://scaivault.example/oauth/token")
        .transport(wire.around(vault.service()))
        .clock(Arc::new(clock))
        .max_retries(0)
        .build()
        .unwrap();
    let mut shown = Vec::new();
    shown.push(format!("{client:?}"));
    let secrets = client.secrets();
    secrets.write("app/db", &json!({"password": "canary-password-1"})).await.unwrap();
    let secret = secrets.read("app/db").await.unwrap();
    shown.push(format!("{secret:?} {secret:#?}"));
    shown.push(format!("{:?}", secrets.batch_read(["app/db"]).await.unwrap()));
    shown.push(format!("{:?}", secrets.environment(["app/db"]).await.unwrap()));
    let ca = client.pki().create_ca("c", "C", "root").key_type("ec").key_size(256).await.unwrap();
    client
        .pki()
        .create_role("r", &ca.id)
        .allowed_domains(["a.example"])
        .key_type("ec")
        .key_bits(256)
        .await
        .unwrap();
    let issued = client.pki().issue("r", "a.example").await.unwrap();
    shown.push(format!("{issued:?}"));
    let config =
        scaivault::dynamic::EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
    client.dynamic().create_engine("e", "database", config).await.unwrap();
    client.dynamic().create_role("e", "r").await.unwrap();
    let lease = client.dynamic().generate_credentials("e", "r").await.unwrap();
    shown.push(format!("{lease:?}"));
    for status in [401, 403, 404, 409, 422, 429, 500, 503, 418] {
        vault.clear_faults();
        vault.inject(Fault::status(StatusCode::from_u16(status).unwrap()).operation("secrets.read"));
        let error = secrets.read("app/db").await.unwrap_err();
        shown.push(format!("{error} {error:?} {error:#?}"));
    }
    vault.clear_faults();
    vault.inject(Fault::commit_then_close().operation("secrets.write"));
    let error = secrets.write("app/db", &json!({"password": "canary-password-1"})).await.unwrap_err();
    shown.push(format!("{error} {error:?}"));
    for exchange in wire.exchanges() {
        // Bodies of requests hold what is written; headers but the token's are looked at.
        for (name, value) in &exchange.headers {
            if name != "authorization" {
                shown.push(format!("{name}: {value:?}"));
            }
        }
    }
    let log = output.take();
    assert!(log.contains("client.operation") && log.contains("scaivault"), "something was logged");
    // The names of crates are paths, and not what the product says.
    let text =
        format!("{log}\n{}", shown.join("\n")).replace("skyflow_http", "").replace("skyflow_types", "");
    assert!(!text.to_lowercase().contains("skyflow"), "another product is named");
    let mut canaries = Canaries::new();
    canaries.forbid("secret value", "canary-password-1");
    canaries.forbid("client secret", vault.client_secret().expose());
    let url = lease.data.as_ref().unwrap().get("connection_url").unwrap();
    canaries.forbid("connection url", url.expose());
    canaries.forbid("generated password", lease.data.as_ref().unwrap().get("password").unwrap().expose());
    for line in issued.private_key_pem.as_ref().unwrap().expose().lines().filter(|line| line.len() > 40) {
        canaries.forbid("private key", line);
    }
    canaries.assert_absent("the log, a Debug or an error", &text);
}
