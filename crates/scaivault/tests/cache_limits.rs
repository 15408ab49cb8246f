//! What a cache must not return, and how much it keeps: cases 25, 26 and 28 to 30.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use http::Method;
use scaivault::{CacheOptions, Error};
use scaivault_emulator::EmbeddedScaiVault;
use serde_json::json;
use skyflow_http::{Clock, ManualClock};
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::{in_time, until};
use support::{Bench, builder, gate, gated, settle, with_clock};

const TTL: Duration = Duration::from_secs(100);

fn still() -> Bench {
    with_clock(ManualClock::new(), |vault| vault.add_tenant("tnt_b"), |client| client.max_retries(0))
}

fn options() -> CacheOptions {
    CacheOptions::default().ttl(TTL).jitter(|| 0.5)
}

async fn write(bench: &Bench, path: &str, text: &str) {
    bench.client.secrets().write(path, &json!({ "password": text })).await.unwrap();
}

#[tokio::test]
async fn case_25_one_request_at_expiry_for_all_readers() {
    let bench = still();
    write(&bench, "app/db", "one").await;
    let cache = bench.client.secrets().cache(options());
    cache.get("app/db").await.unwrap();
    // Just expired: the old value is returned at once, and one request refreshes it.
    bench.clock.advance(TTL + Duration::from_secs(1));
    let reads = join_all((0..1000).map(|_| cache.get("app/db"))).await;
    assert!(reads.iter().all(Result::is_ok));
    settle().await;
    assert_eq!(bench.vault.calls_of("secrets.read"), 2);
    // Too old to be returned: all readers wait for one request.
    bench.clock.advance(3 * TTL);
    let reads = join_all((0..1000).map(|_| cache.get("app/db"))).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(bench.vault.calls_of("secrets.read"), 3);
}

#[tokio::test]
async fn case_25_refresh_window_may_be_zero() {
    let bench = still();
    write(&bench, "app/db", "one").await;
    let no_window = CacheOptions::default().refresh_window(Duration::ZERO).ttl(TTL).jitter(|| 0.5);
    let cache = bench.client.secrets().cache(no_window);
    for _ in 0..3 {
        cache.get("app/db").await.unwrap();
    }
    assert_eq!(bench.vault.calls_of("secrets.read"), 1, "fresh for its time to live");
    write(&bench, "app/other", "x").await;
    bench.clock.advance(TTL + Duration::from_secs(1));
    cache.get("app/db").await.unwrap();
    assert_eq!(bench.vault.calls_of("secrets.read"), 2, "not returned after it");
}

#[tokio::test]
async fn case_25_refreshes_of_many_clients_are_spread() {
    let bench = still();
    write(&bench, "app/db", "one").await;
    let caches: Vec<_> =
        (0..100).map(|_| bench.client.secrets().cache(CacheOptions::default().ttl(TTL))).collect();
    let read_all = async || {
        for cache in &caches {
            cache.get("app/db").await.unwrap();
        }
        settle().await;
    };
    read_all().await;
    bench.vault.clear_journal();
    bench.clock.advance(Duration::from_secs(89));
    read_all().await;
    assert_eq!(bench.vault.calls_of("secrets.read"), 0, "none is early by more than a tenth");
    let mut before = 0;
    let mut most = 0;
    for _ in 0..22 {
        bench.clock.advance(Duration::from_secs(1));
        read_all().await;
        let refreshed = bench.vault.calls_of("secrets.read");
        most = most.max(refreshed - before);
        before = refreshed;
    }
    assert_eq!(before, 100, "none is late by more than a tenth");
    assert!(most < 30, "{most} refreshes in one second");
}

#[tokio::test]
async fn case_26_expiry_is_judged_by_the_servers_clock() {
    const SKEW: Duration = Duration::from_secs(600);
    for is_ahead in [true, false] {
        let (server, local) = (ManualClock::new(), ManualClock::new());
        local.set_now(if is_ahead { server.now() + SKEW } else { server.now() - SKEW });
        let vault = EmbeddedScaiVault::builder().clock(Arc::new(server.clone())).build().unwrap();
        let client = builder(&vault, &local, &Recorder::new()).token(vault.token().clone()).build().unwrap();
        client.secrets().write("app/db", &json!({"a": "b"})).expires_in("50s").await.unwrap();
        let cache = client.secrets().cache(options());
        cache.get("app/db").await.unwrap();
        let pass = |seconds| {
            server.advance(Duration::from_secs(seconds));
            local.advance(Duration::from_secs(seconds));
        };
        pass(48);
        cache.get("app/db").await.unwrap();
        assert_eq!(vault.calls_of("secrets.read"), 1, "the local clock is ahead: {is_ahead}");
        pass(3);
        assert!(matches!(cache.get_stale_allowed("app/db").await, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn case_28_event_of_another_writer_invalidates() {
    let bench = still();
    write(&bench, "app/db", "one").await;
    let other = builder(&bench.vault, &bench.clock, &bench.wire).token(bench.vault.token().clone());
    let other = other.build().unwrap();
    let mut changes = bench.client.secrets().watch("app/db").changes();
    assert_eq!(changes.next().await.unwrap().unwrap().version, 1);
    let cache = bench.client.secrets().cache(options());
    cache.get("app/db").await.unwrap();
    let next = tokio::spawn(async move { changes.next().await.unwrap().unwrap().version });
    until(|| bench.vault.calls_of("subscriptions.create") == 1).await;
    other.secrets().write("app/db", &json!({"password": "two"})).await.unwrap();
    assert_eq!(in_time(next).await.unwrap(), 2);
    assert_eq!(cache.get("app/db").await.unwrap().version, 2);
}

#[tokio::test]
async fn case_28_late_refresh_restores_no_old_value() {
    for order in [[0, 1], [1, 0]] {
        let gate = gate(Method::GET, "app/db");
        let bench = gated(&gate);
        write(&bench, "app/db", "one").await;
        let cache = bench.client.secrets().cache(options());
        let old = tokio::spawn(cache.get("app/db"));
        until(|| gate.held() == 1).await;
        write(&bench, "app/db", "two").await;
        let new = tokio::spawn(cache.get("app/db"));
        until(|| gate.held() == 2).await;
        for at in order {
            gate.release(at);
            settle().await;
        }
        assert_eq!(in_time(old).await.unwrap().unwrap().version, 1, "it was asked before the write");
        assert_eq!(in_time(new).await.unwrap().unwrap().version, 2);
        assert_eq!(in_time(cache.get("app/db")).await.unwrap().version, 2, "{order:?}");
        assert_eq!(gate.held(), 2, "the new value is kept");
    }
}

#[tokio::test]
async fn case_29_entries_and_bytes_are_bounded() {
    let bench = still();
    for path in ["a", "b", "c"] {
        write(&bench, path, "0123456789").await;
    }
    let size = r#"{"password":"0123456789"}"#.len();
    for limited in [options().max_entries(2), options().max_bytes(2 * size)] {
        let cache = bench.client.secrets().cache(limited);
        for path in ["a", "b", "c"] {
            cache.get(path).await.unwrap();
        }
        bench.vault.clear_journal();
        for path in ["b", "c"] {
            cache.get(path).await.unwrap();
        }
        assert_eq!(bench.vault.journal().len(), 0, "the last two are kept");
        cache.get("a").await.unwrap();
        assert_eq!(bench.vault.journal().len(), 1, "the least recently used one has gone");
    }
    let cache = bench.client.secrets().cache(options().max_entries(2).cache_not_found(TTL));
    for path in ["none/a", "none/b", "none/c"] {
        assert!(matches!(cache.get(path).await, Err(Error::NotFound(_))));
    }
    bench.vault.clear_journal();
    assert!(matches!(cache.get("none/a").await, Err(Error::NotFound(_))));
    assert_eq!(bench.vault.journal().len(), 1, "absence counts as an entry");
}

#[tokio::test]
async fn case_30_tenants_have_separate_entries() {
    let bench = still();
    let cache = bench.client.secrets().cache(options());
    let other = cache.with_tenant("tnt_b").unwrap();
    write(&bench, "app/db", "a").await;
    let foreign = bench.client.with_tenant("tnt_b").unwrap();
    foreign.secrets().write("app/db", &json!({"password": "b"})).await.unwrap();
    for (cache, password) in [(&cache, "a"), (&other, "b"), (&cache, "a"), (&other, "b")] {
        let secret = cache.get("app/db").await.unwrap();
        assert_eq!(secret.data.get("password").unwrap().expose(), password);
    }
    assert_eq!(bench.vault.calls_of("secrets.read"), 2);
    // A write of one tenant drops its own entry only.
    foreign.secrets().write("app/db", &json!({"password": "c"})).await.unwrap();
    cache.get("app/db").await.unwrap();
    assert_eq!(bench.vault.calls_of("secrets.read"), 2);
    assert_eq!(other.get("app/db").await.unwrap().data.get("password").unwrap().expose(), "c");
}
