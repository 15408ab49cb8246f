//! Webhooks that the server really sends: case 47, beside the table in `src/webhooks/signature.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;

use scaivault::webhooks::{SignatureError, Verifier};
use serde_json::{Value, json};
use skyflow_http::ManualClock;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::RawServer;
use support::{Bench, bench};

/// A receiver that fails the first two deliveries.
async fn receiver() -> RawServer {
    let failures = Arc::new(std::sync::atomic::AtomicUsize::new(2));
    RawServer::start(move |mut connection| {
        let failures = Arc::clone(&failures);
        async move {
            while connection.request().await.is_some() {
                let order = std::sync::atomic::Ordering::SeqCst;
                let fails = failures.fetch_update(order, order, |left| left.checked_sub(1)).is_ok();
                let status = if fails { "500 Internal Server Error" } else { "204 No Content" };
                connection.send(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
            }
        }
    })
    .await
    .unwrap()
}

fn verifier(secret: &str, clock: &ManualClock) -> Verifier {
    Verifier::new(secret).clock(Arc::new(clock.clone()))
}

async fn write(bench: &Bench) {
    bench.client.secrets().write("app/db", &json!({"password": "p"})).await.unwrap();
}

#[tokio::test]
async fn case_47_each_retry_of_a_delivery_is_signed() {
    let receiver = receiver().await;
    let bench = bench();
    let webhooks = bench.client.webhooks();
    let hook = webhooks.create("h", receiver.url("/hook"), "old", ["secret.created", "secret.updated"]);
    let hook = hook.await.unwrap();
    write(&bench).await;
    in_time(receiver.received(3)).await;
    let tries = receiver.requests();
    let shared = verifier("old", &bench.clock);
    let mut repeats = Vec::new();
    for delivery in &tries {
        repeats.push(shared.verify(&delivery.headers, &delivery.body).unwrap().is_repeat);
    }
    assert_eq!(repeats, [false, true, true], "one event, which a receiver acts on once");
    let of = |name: &str| tries.iter().map(|one| one.headers[name].clone()).collect::<Vec<_>>();
    let (times, signatures) = (of("x-scaivault-timestamp"), of("x-scaivault-signature"));
    assert!(times[0] < times[1] && times[1] < times[2] && signatures[0] != signatures[2], "{times:?}");
    assert!(
        tries.iter().all(|one| one.body == tries[0].body && one.method == "POST" && one.target == "/hook")
    );
    assert_eq!(tries[0].headers["user-agent"], "ScaiVault-Webhook/1.0");
    let event: Value = serde_json::from_slice(&tries[0].body).unwrap();
    assert_eq!((&event["event_type"], &event["path"]), (&json!("secret.created"), &json!("app/db")));
    assert!(!String::from_utf8_lossy(&tries[0].body).contains("\"p\""), "no value is delivered");

    webhooks.update(&hook.id).secret("new").previous_secret_ttl("1h").await.unwrap();
    write(&bench).await;
    in_time(receiver.received(4)).await;
    let newest = receiver.requests().pop().unwrap();
    let verify = |verifier: Verifier| verifier.verify(&newest.headers, &newest.body);
    assert!(verify(verifier("new", &bench.clock)).is_ok(), "the new secret signs at once");
    assert!(verify(verifier("old", &bench.clock).or_secret("new")).is_ok());
    assert_eq!(verify(verifier("old", &bench.clock)), Err(SignatureError::Mismatch));
}
