//! The cache: cases 23 to 29.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use scaivault::{CacheOptions, Error, SecretPath};
use scaivault_emulator::Fault;
use serde_json::json;
use skyflow_http::ManualClock;
use skyflow_testkit::polling::{in_time, until};
use support::{Bench, with_clock};

const TTL: Duration = Duration::from_secs(100);

/// A clock that moves only when it is told to, and no retries.
fn still() -> Bench {
    with_clock(ManualClock::new(), |vault| vault, |client| client.max_retries(0))
}

fn options() -> CacheOptions {
    CacheOptions::default().ttl(TTL).max_stale(Duration::from_secs(1000)).jitter(|| 0.5)
}

async fn write(bench: &Bench, text: &str) {
    bench.client.secrets().write("app/db", &json!({ "password": text })).await.unwrap();
}

#[tokio::test]
async fn case_23_values_age_from_fresh_to_stale_to_gone() {
    let bench = still();
    write(&bench, "one").await;
    let cache = bench.client.secrets().cache(options());
    assert_eq!(cache.get("app/db").await.unwrap().version, 1);
    cache.get("app/db").await.unwrap();
    assert_eq!(bench.vault.calls_of("secrets.read"), 1);
    bench.clock.advance(TTL + Duration::from_secs(1));
    assert_eq!(cache.get("app/db").await.unwrap().version, 1);
    until(|| bench.vault.calls_of("secrets.read") == 2).await;
    bench.vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE));
    bench.clock.advance(3 * TTL);
    assert!(matches!(cache.get("app/db").await, Err(Error::Unavailable(_))));
    let stale = cache.get_stale_allowed("app/db").await.unwrap();
    assert!(stale.is_stale());
    bench.clock.advance(10 * TTL);
    assert!(matches!(cache.get_stale_allowed("app/db").await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn case_24_refusals_drop_the_value() {
    let bench = still();
    write(&bench, "one").await;
    let cache = bench.client.secrets().cache(options());
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
        cache.get("app/db").await.unwrap();
        bench.clock.advance(3 * TTL);
        bench.vault.inject(Fault::status(status).operation("secrets.read"));
        assert_eq!(cache.get_stale_allowed("app/db").await.unwrap_err().status(), Some(status));
        bench.vault.clear_faults();
        bench.vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).operation("secrets.read"));
        assert!(cache.get_stale_allowed("app/db").await.is_err(), "{status}: the value is gone");
        bench.vault.clear_faults();
    }
}

#[tokio::test]
async fn case_25_one_request_serves_a_thousand_readers() {
    let bench = still();
    write(&bench, "one").await;
    let cache = bench.client.secrets().cache(options());
    let reads = join_all((0..1000).map(|_| cache.get("app/db"))).await;
    assert!(reads.iter().all(|read| read.as_ref().unwrap().version == 1));
    assert_eq!(bench.vault.calls_of("secrets.read"), 1);
}

#[tokio::test]
async fn case_26_secrets_are_not_served_after_their_end() {
    let bench = still();
    bench.client.secrets().write("app/db", &json!({"a": "b"})).expires_in("50s").await.unwrap();
    let cache = bench.client.secrets().cache(options());
    cache.get("app/db").await.unwrap();
    bench.clock.advance(Duration::from_secs(51));
    assert!(matches!(cache.get_stale_allowed("app/db").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn case_27_newer_version_is_polled_for_all_callers() {
    let bench = still();
    write(&bench, "one").await;
    let cache = bench.client.secrets().cache(options());
    cache.get("app/db").await.unwrap();
    let wait = Duration::from_secs(60);
    let callers = join_all((0..10).map(|_| cache.newer_than("app/db", 1, wait)));
    let callers = tokio::spawn(callers);
    for _ in 0..70 {
        bench.clock.advance(Duration::from_secs(1));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    for outcome in in_time(callers).await.unwrap() {
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains("no version after 1"), "{error}");
    }
    let polls = bench.vault.calls_of("secrets.read");
    assert!((2..=61).contains(&polls), "{polls}");
    write(&bench, "two").await;
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(in_time(cache.newer_than("app/db", 1, wait)).await.unwrap().version, 2);
}

#[tokio::test]
async fn case_28_changes_by_this_client_invalidate() {
    let bench = still();
    write(&bench, "one").await;
    let cache = bench.client.secrets().cache(options());
    cache.get("app/db").await.unwrap();
    write(&bench, "two").await;
    assert_eq!(cache.get("app/db").await.unwrap().version, 2);
    bench.client.secrets().rotate("app/db").new_value(&json!({"password": "three"})).await.unwrap();
    assert_eq!(cache.get("app/db").await.unwrap().version, 3);
    cache.invalidate(&SecretPath::new("app/db").unwrap());
    let before = bench.vault.calls_of("secrets.read");
    cache.get("app/db").await.unwrap();
    assert_eq!(bench.vault.calls_of("secrets.read"), before + 1);
}

#[tokio::test]
async fn case_29_absence_is_cached_on_request_only() {
    let bench = still();
    let plain = bench.client.secrets().cache(options());
    let remembering = bench.client.secrets().cache(options().cache_not_found(TTL));
    for (cache, requests) in [(plain, 2), (remembering, 1)] {
        bench.vault.clear_journal();
        for _ in 0..2 {
            assert!(matches!(cache.get("app/none").await, Err(Error::NotFound(_))));
        }
        assert_eq!(bench.vault.journal().len(), requests);
    }
}
