//! Calls that share one request, and of which the first is cancelled: case 22.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;

use http::Method;
use scaivault::CacheOptions;
use scaivault_emulator::EmbeddedScaiVault;
use serde_json::json;
use skyflow_http::ManualClock;
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::{in_time, until};
use support::{BASE, builder, gate, gated, settle};

#[tokio::test]
async fn case_22_cancelled_reader_leaves_its_fetch() {
    let gate = gate(Method::GET, "app/db");
    let bench = gated(&gate);
    bench.client.secrets().write("app/db", &json!({"password": "one"})).await.unwrap();
    let cache = bench.client.secrets().cache(CacheOptions::default());
    let first = tokio::spawn(cache.get("app/db"));
    until(|| gate.held() == 1).await;
    let second = tokio::spawn(cache.get("app/db"));
    settle().await;
    first.abort();
    assert!(in_time(first).await.unwrap_err().is_cancelled());
    gate.release(0);
    assert_eq!(in_time(second).await.unwrap().unwrap().version, 1);
    assert_eq!(in_time(cache.get("app/db")).await.unwrap().version, 1, "the fetch has filled the cache");
    assert_eq!(bench.vault.calls_of("secrets.read"), 1);
}

#[tokio::test]
async fn case_22_cancelled_caller_leaves_its_exchange() {
    let gate = gate(Method::POST, "/oauth/token");
    let clock = ManualClock::new();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = builder(&vault, &clock, &Recorder::new())
        .transport(gate.around(vault.service()))
        .client_credentials(vault.client_id(), vault.client_secret().clone())
        .token_url(format!("{BASE}/oauth/token"))
        .build()
        .unwrap();
    let first = tokio::spawn(client.auth().whoami().send());
    until(|| gate.held() == 1).await;
    let others: Vec<_> = (0..20).map(|_| tokio::spawn(client.auth().whoami().send())).collect();
    settle().await;
    first.abort();
    assert!(in_time(first).await.unwrap_err().is_cancelled());
    gate.release(0);
    for other in others {
        in_time(other).await.unwrap().unwrap();
    }
    assert_eq!(vault.calls_of("scaikey.create_token"), 1);
}
