//! Dynamic secrets: cases 9 and 33 to 38.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use scaivault::Error;
use scaivault::dynamic::EngineConfig;
use scaivault_emulator::Fault;
use skyflow_http::{Clock, ManualClock};
use skyflow_testkit::polling::{Stepped, in_time, until};
use support::{Bench, with_clock};

/// A clock that is moved by the test only, and no retries: nothing waits for a pause.
fn bench() -> Bench {
    with_clock(ManualClock::new(), |vault| vault, |client| client.max_retries(0))
}

async fn with_engine(bench: &Bench) {
    let config =
        EngineConfig::default().connection_url("postgres://{{username}}:{{password}}@db.example/support");
    bench.client.dynamic().create_engine("support-db", "database", config).max_ttl("4h").await.unwrap();
    bench.client.dynamic().create_role("support-db", "readonly").await.unwrap();
}

#[tokio::test]
async fn case_33_lease_ends_with_its_closure() {
    let bench = bench();
    with_engine(&bench).await;
    let dynamic = bench.client.dynamic();
    let scoped = || dynamic.credentials("support-db", "readonly").ttl("2h");
    let ok = scoped()
        .with(|credentials| async move {
            assert!(
                credentials.get("connection_url").unwrap().expose().starts_with("postgres://v-readonly-")
            );
            7
        })
        .await
        .unwrap();
    assert_eq!((ok.output, ok.revocation.is_ok()), (7, true));
    let failed = scoped().with(|_| async { Err::<(), _>("no rows") }).await.unwrap();
    assert_eq!(failed.output, Err("no rows"));
    let caught = AssertUnwindSafe(scoped().with(|_| async { assert_eq!(1, 2) })).catch_unwind().await;
    assert!(caught.is_err());
    bench.client.drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(bench.vault.live_leases().unwrap(), 0);
    assert_eq!(bench.vault.calls_of("dynamic_leases.revoke"), 3, "once each");

    bench.vault.inject(Fault::close_before_response().operation("dynamic_leases.revoke").times(1));
    let lost = scoped().with(|_| async { 1 }).await.unwrap();
    assert!(lost.revocation.is_err());
    bench.client.drain(Duration::from_secs(600)).await.unwrap();
    assert_eq!(bench.vault.live_leases().unwrap(), 0, "it was tried again");
}

#[tokio::test]
async fn case_33_cancelled_closure_revokes_its_lease() {
    let bench = bench();
    with_engine(&bench).await;
    let scoped = bench.client.dynamic().credentials("support-db", "readonly");
    let call = tokio::spawn(scoped.with(|_| std::future::pending::<()>()));
    until(|| bench.vault.live_leases().unwrap() == 1).await;
    call.abort();
    assert!(in_time(call).await.unwrap_err().is_cancelled());
    in_time(bench.client.drain(Duration::from_secs(10))).await.unwrap();
    assert_eq!(bench.vault.live_leases().unwrap(), 0);
    assert_eq!(bench.vault.calls_of("dynamic_leases.revoke"), 1);
}

#[tokio::test]
async fn case_09_repeated_revocation_of_a_lease_succeeds() {
    let bench = with_clock(ManualClock::auto_advancing(), |vault| vault, |client| client);
    with_engine(&bench).await;
    let dynamic = bench.client.dynamic();
    let lease = dynamic.generate_credentials("support-db", "readonly").await.unwrap();
    bench.vault.inject(Fault::commit_then_close().operation("dynamic_leases.revoke").times(1));
    dynamic.revoke_lease(&lease.lease_id).await.unwrap();
    assert_eq!(bench.vault.calls_of("dynamic_leases.revoke"), 2);
    assert!(matches!(dynamic.revoke_lease(&lease.lease_id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn case_34_cancelled_calls_leave_no_lease() {
    let bench = bench();
    with_engine(&bench).await;
    let mut random = fastrand::Rng::with_seed(34);
    let entered = Arc::new(AtomicUsize::new(0));
    for _ in 0..1000 {
        let scoped = bench.client.dynamic().credentials("support-db", "readonly");
        let entered = Arc::clone(&entered);
        let mut call = Stepped::new(scoped.with(|_| {
            entered.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<()>()
        }));
        for _ in 0..random.usize(0..12) {
            let _ = call.step();
            for _ in 0..random.usize(0..3) {
                tokio::task::yield_now().await;
            }
        }
        drop(call);
    }
    in_time(bench.client.drain(Duration::from_secs(3600))).await.unwrap();
    assert_eq!(bench.vault.live_leases().unwrap(), 0);
    let (entered, generated) =
        (entered.load(Ordering::Relaxed), bench.vault.calls_of("dynamic_leases.generate_credentials"));
    assert!(entered > 100, "some are cancelled in the closure: {entered}");
    assert!(generated > entered + 100, "some are cancelled in flight: {generated} and {entered}");
    assert!(generated < 950, "some are cancelled before a request: {generated}");
}

#[tokio::test]
async fn case_35_lost_credentials_name_engine_and_role() {
    let bench = bench();
    with_engine(&bench).await;
    bench.vault.inject(Fault::commit_then_close().operation("dynamic_leases.generate_credentials").times(1));
    let error = bench.client.dynamic().generate_credentials("support-db", "readonly").await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)));
    let text = error.to_string();
    assert!(text.contains("support-db") && text.contains("readonly") && text.contains("may exist"), "{text}");
    assert_eq!(bench.vault.calls_of("dynamic_leases.generate_credentials"), 1);
}

#[tokio::test]
async fn case_36_leases_are_renewed_until_their_maximum() {
    let clock = ManualClock::new();
    let bench = with_clock(clock.clone(), |vault| vault, |client| client);
    with_engine(&bench).await;
    let dynamic = bench.client.dynamic();
    let call = tokio::spawn(async move {
        dynamic
            .credentials("support-db", "readonly")
            .ttl("1h")
            .renewing()
            .with(|credentials| async move { credentials.ending().await })
            .await
    });
    let minute = Duration::from_secs(60);
    for _ in 0..5 * 60 {
        if call.is_finished() {
            break;
        }
        clock.advance(minute);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    let scoped = in_time(call).await.unwrap().unwrap();
    assert!(scoped.output.remaining < Duration::from_secs(3600));
    let renewals = bench.vault.calls_of("dynamic_leases.renew");
    assert!((4..=7).contains(&renewals), "{renewals}");
}

#[tokio::test]
async fn case_36_renewal_begins_at_two_thirds_and_stops() {
    let bench = with_clock(ManualClock::new(), |vault| vault, |client| client);
    with_engine(&bench).await;
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let scoped = bench.client.dynamic().credentials("support-db", "readonly").ttl("1h").renewing();
    let call = tokio::spawn(scoped.with(|_| finished));
    until(|| bench.vault.live_leases().unwrap() == 1).await;
    let started = bench.clock.now();
    bench.pass(45, Duration::from_secs(60)).await;
    let renewals: Vec<_> = bench
        .vault
        .journal()
        .iter()
        .filter(|entry| entry.operation == Some("dynamic_leases.renew"))
        .map(|entry| entry.at.duration_since(started).unwrap().as_secs())
        .collect();
    // Two thirds of an hour, give or take a twentieth and the step of the clock.
    assert!(matches!(renewals[..], [2_280..=2_580]), "{renewals:?}");
    finish.send(()).unwrap();
    assert!(in_time(call).await.unwrap().unwrap().revocation.is_ok());
    bench.pass(120, Duration::from_secs(60)).await;
    assert_eq!(bench.vault.calls_of("dynamic_leases.renew"), 1, "nothing is renewed after the closure");
}

#[tokio::test]
async fn case_36_outage_of_one_lifetime_costs_few_renewals() {
    let clock = ManualClock::new();
    let bench = with_clock(clock.clone(), |vault| vault, |client| client);
    with_engine(&bench).await;
    bench.vault.inject(Fault::close_before_response().operation("dynamic_leases.renew"));
    let dynamic = bench.client.dynamic();
    let call = tokio::spawn(async move {
        let scoped = dynamic.credentials("support-db", "readonly").ttl("1h").renewing();
        scoped.with(|credentials| async move { credentials.ending().await }).await
    });
    for _ in 0..120 {
        clock.advance(Duration::from_secs(60));
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    in_time(call).await.unwrap().unwrap();
    let renewals = bench.vault.calls_of("dynamic_leases.renew");
    assert!((2..=8).contains(&renewals), "{renewals}");
}

#[tokio::test]
async fn case_37_guards_revoke_and_drain_waits() {
    let bench = bench();
    with_engine(&bench).await;
    let dynamic = bench.client.dynamic();
    let guard = dynamic.lease_guard(dynamic.generate_credentials("support-db", "readonly")).await.unwrap();
    assert!(guard.data.as_ref().unwrap().get("password").is_some());
    assert_eq!(bench.vault.live_leases().unwrap(), 1);
    drop(guard);
    bench.client.drain(Duration::from_secs(10)).await.unwrap();
    assert_eq!(bench.vault.live_leases().unwrap(), 0);
    let guard = dynamic.lease_guard(dynamic.generate_credentials("support-db", "readonly")).await.unwrap();
    guard.revoke().await.unwrap();
    let lease =
        dynamic.lease_guard(dynamic.generate_credentials("support-db", "readonly")).await.unwrap().keep();
    assert_eq!(bench.vault.live_leases().unwrap(), 1);
    dynamic.revoke_lease(&lease.lease_id).await.unwrap();
    assert!(matches!(dynamic.revoke_lease(&lease.lease_id).await, Err(Error::NotFound(_))));
    until(|| bench.vault.live_leases().unwrap() == 0).await;
}

#[tokio::test]
async fn case_37_renewed_lease_is_revoked_in_the_end() {
    let bench = bench();
    with_engine(&bench).await;
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let scoped = bench.client.dynamic().credentials("support-db", "readonly").ttl("1h").renewing();
    let call = tokio::spawn(scoped.with(|_| finished));
    until(|| bench.vault.live_leases().unwrap() == 1).await;
    bench.pass(90, Duration::from_secs(60)).await;
    assert!(bench.vault.calls_of("dynamic_leases.renew") >= 1);
    // The first lifetime is over; the call and the first try in the background fail.
    bench.vault.inject(Fault::close_before_response().operation("dynamic_leases.revoke").times(2));
    finish.send(()).unwrap();
    assert!(in_time(call).await.unwrap().unwrap().revocation.is_err());
    bench.pass(5, Duration::from_secs(60)).await;
    until(|| bench.vault.live_leases().unwrap() == 0).await;
    assert_eq!(bench.vault.calls_of("dynamic_leases.revoke"), 3);
}

#[tokio::test]
async fn case_38_lifetimes_are_capped_and_checked() {
    let bench = bench();
    with_engine(&bench).await;
    let dynamic = bench.client.dynamic();
    let lease = dynamic.generate_credentials("support-db", "readonly").ttl("99h").await.unwrap();
    assert_eq!(lease.ttl_seconds, Some(4 * 3600));
    let end = lease.expires_at.unwrap().time().unwrap();
    let left = end.duration_since(bench.clock.now()).unwrap();
    assert!((3 * 3600..=4 * 3600).contains(&left.as_secs()), "the response says when it ends");
    let before = bench.wire.count();
    for ttl in ["0s", "7x", "-1h", "1h30m", "PT1H"] {
        let error = dynamic.generate_credentials("support-db", "readonly").ttl(ttl).await.unwrap_err();
        assert_eq!(error.field(), Some("ttl"), "{ttl}");
    }
    assert_eq!(bench.wire.count(), before);
}
