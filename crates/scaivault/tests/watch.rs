//! The watch, and polls that wait for the server: cases 31 and 32.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use scaivault::{Client, Error};
use scaivault_emulator::{EmbeddedScaiVault, Fault, Identity};
use serde_json::{Value, json};
use skyflow_http::ManualClock;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::{Recorder, Reply, Scripted};
use support::{BASE, Bench, builder, scripted_client, settle, with_clock};

async fn write(bench: &Bench, text: &str) {
    bench.client.secrets().write("app/db", &json!({ "password": text })).await.unwrap();
}

#[tokio::test]
async fn case_31_watch_reports_rising_versions() {
    let bench = with_clock(ManualClock::auto_advancing(), |vault| vault, |client| client);
    write(&bench, "one").await;
    let mut changes = bench.client.secrets().watch("app/db").changes();
    assert_eq!(changes.next().await.unwrap().unwrap().version, 1);
    bench
        .vault
        .inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).operation("subscriptions.poll").times(5));
    write(&bench, "two").await;
    write(&bench, "three").await;
    let mut last = 1;
    while last < 3 {
        let change = in_time(changes.next()).await.unwrap().unwrap();
        assert!(change.version > last);
        last = change.version;
    }
    bench.client.secrets().delete("app/db").permanent(true).await.unwrap();
    assert!(matches!(in_time(changes.next()).await, Some(Err(Error::NotFound(_)))));
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn case_31_watch_without_subscriptions_reads_metadata() {
    let bench = with_clock(ManualClock::auto_advancing(), |vault| vault, |client| client);
    write(&bench, "one").await;
    let reader = Identity::new("sa:reader").scopes(["secrets:list"]).administrator();
    let mut changes = bench.client_of(reader).secrets().watch("app/db").changes();
    assert_eq!(changes.next().await.unwrap().unwrap().version, 1);
    write(&bench, "two").await;
    assert_eq!(in_time(changes.next()).await.unwrap().unwrap().version, 2);
    assert_eq!(bench.vault.calls_of("subscriptions.poll"), 0);
}

#[tokio::test]
async fn case_31_watch_survives_an_expired_token() {
    let clock = ManualClock::auto_advancing();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = builder(&vault, &clock, &Recorder::new())
        .client_credentials(vault.client_id(), vault.client_secret().clone())
        .token_url(format!("{BASE}/oauth/token"))
        .build()
        .unwrap();
    client.secrets().write("app/db", &json!({"a": "b"})).await.unwrap();
    let mut changes = client.secrets().watch("app/db").changes();
    for version in 1..4 {
        assert_eq!(in_time(changes.next()).await.unwrap().unwrap().version, version);
        vault.expire_exchanged_tokens().unwrap();
        client.secrets().write("app/db", &json!({"a": "b"})).await.unwrap();
    }
    assert!(vault.calls_of("scaikey.create_token") >= 3);
}

/// A server whose polls are scripted, and whose metadata names the version 1 at first and 5 later.
fn scripted(polls: Vec<Reply>) -> (Scripted, Client) {
    let (next_poll, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let service = Scripted::from_fn(move |request| match request.uri.path() {
        "/v1/secrets/app/db/metadata" => {
            let version = if reads.fetch_add(1, Ordering::Relaxed) < 2 { 1 } else { 5 };
            Reply::json(200, &json!({"path": "app/db", "version": version}))
        }
        "/v1/subscriptions" => Reply::json(201, &json!({"id": "sub_1"})),
        "/v1/subscriptions/sub_1/poll" => {
            let at = next_poll.fetch_add(1, Ordering::Relaxed);
            let forbidden = json!({"error": {"code": "access_denied", "message": "m", "request_id": "r"}});
            polls.get(at).cloned().unwrap_or_else(|| Reply::json(403, &forbidden))
        }
        _ => Reply::status(204),
    });
    let client = scripted_client(&service);
    (service, client)
}

fn events(events: &[(&str, u64)]) -> Reply {
    let event = |(id, version): &(&str, u64)| -> Value {
        json!({"event_id": id, "event_type": "secret.updated", "path": "app/db", "data": {"new_version": version}})
    };
    Reply::json(200, &json!({"events": events.iter().map(event).collect::<Vec<_>>(), "has_more": false}))
}

async fn versions(client: &Client) -> (Vec<u64>, Error) {
    let mut changes = client.secrets().watch("app/db").changes();
    let mut versions = Vec::new();
    loop {
        match in_time(changes.next()).await.unwrap() {
            Ok(change) => versions.push(change.version),
            Err(error) => {
                assert!(changes.next().await.is_none(), "an error ends the watch");
                return (versions, error);
            }
        }
    }
}

#[tokio::test]
async fn case_31_repeated_and_late_events_report_nothing() {
    let polls = vec![
        events(&[("evt_2", 2)]),
        events(&[("evt_2", 2), ("evt_1", 1)]),
        events(&[("evt_4", 4), ("evt_3", 3)]),
        events(&[]),
    ];
    let (service, client) = scripted(polls);
    let (versions, error) = versions(&client).await;
    assert_eq!(versions, [1, 2, 4]);
    assert!(matches!(error, Error::AccessDenied(_)), "a right that is lost ends the watch: {error}");
    until(|| service.requests().iter().any(|request| request.method == "DELETE")).await;
    let requests = service.requests();
    let polled = |text: &str| requests.iter().any(|request| request.target().contains(text));
    assert!(polled("timeout=30") && polled("since_event_id=evt_2") && polled("since_event_id=evt_3"));
}

#[tokio::test]
async fn case_31_lost_events_are_made_up_by_metadata() {
    let lost = json!({"error": {"code": "invalid_request", "message": "unknown event", "request_id": "r"}});
    let gone = json!({"error": {"code": "subscription_not_found", "message": "m", "request_id": "r"}});
    for (status, body) in [(400, &lost), (404, &gone)] {
        let (service, client) = scripted(vec![events(&[("evt_2", 2)]), Reply::json(status, body)]);
        let (versions, _) = versions(&client).await;
        assert_eq!(versions, [1, 2, 5]);
        let subscribed = |request: &&skyflow_testkit::Exchange| {
            request.method == "POST" && request.uri.path() == "/v1/subscriptions"
        };
        assert_eq!(service.requests().iter().filter(subscribed).count(), 2);
    }
}

#[tokio::test]
async fn case_32_poll_outlasts_the_timeout_of_the_client() {
    let short = Duration::from_secs(10);
    let bench = with_clock(ManualClock::new(), |vault| vault, |client| client.timeout(short).max_retries(0));
    write(&bench, "one").await;
    let subscriptions = bench.client.subscriptions();
    let id = subscriptions.create("s", ["app/db"], ["secret.updated"]).await.unwrap().id;
    let poll = tokio::spawn(subscriptions.poll(&id).send());
    settle().await;
    bench.pass(29, Duration::from_secs(1)).await;
    assert!(!poll.is_finished());
    bench.pass(1, Duration::from_secs(1)).await;
    assert!(in_time(poll).await.unwrap().unwrap().data.is_empty());

    // The limit is that of the poll and 10 s.
    bench.vault.inject(Fault::latency(Duration::from_secs(60)).operation("subscriptions.poll").times(1));
    let poll = tokio::spawn(subscriptions.poll(&id).send());
    settle().await;
    bench.pass(39, Duration::from_secs(1)).await;
    assert!(!poll.is_finished());
    bench.pass(1, Duration::from_secs(1)).await;
    assert!(matches!(in_time(poll).await.unwrap(), Err(Error::Timeout(_))));

    let poll = tokio::spawn(subscriptions.poll(&id).wait(Duration::from_secs(5)).send());
    settle().await;
    bench.pass(5, Duration::from_secs(1)).await;
    assert!(in_time(poll).await.unwrap().unwrap().data.is_empty());
}

#[tokio::test]
async fn case_32_watch_outlasts_the_timeout_of_the_client() {
    let short = Duration::from_secs(10);
    let bench = with_clock(ManualClock::new(), |vault| vault, |client| client.timeout(short).max_retries(0));
    write(&bench, "one").await;
    let mut changes = bench.client.secrets().watch("app/db").changes();
    assert_eq!(changes.next().await.unwrap().unwrap().version, 1);
    let next = tokio::spawn(async move { changes.next().await.unwrap() });
    // The server waits for events by the clock as soon as it has the poll.
    until(|| bench.vault.calls_of("subscriptions.create") == 1 && bench.clock.sleepers() > 0).await;
    settle().await;
    bench.pass(28, Duration::from_secs(1)).await;
    assert!(!next.is_finished());
    write(&bench, "two").await;
    assert_eq!(in_time(next).await.unwrap().unwrap().version, 2);
    assert_eq!(bench.vault.calls_of("subscriptions.poll"), 1, "one poll has waited all the time");
}
