//! Leases whose revocation no runtime carries out: case 37. A separate binary, like every test that listens to call
//! sites.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::time::Duration;

use http::Method;
use scaivault::LogLevel;
use scaivault::dynamic::{EngineConfig, LeaseGuard};
use skyflow_http::ManualClock;
use skyflow_testkit::polling::until;
use skyflow_testkit::{Canaries, Output};
use support::{Bench, gate, gated, with_clock};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn guard(bench: &Bench) -> LeaseGuard {
    let dynamic = bench.client.dynamic();
    dynamic.lease_guard(dynamic.generate_credentials("e", "r")).await.unwrap()
}

#[test]
fn case_37_abandoned_leases_are_logged_and_named() {
    let output = Output::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(output.writer())
        .init();
    refused_revocation_is_named_by_drain();
    let log = output.take();
    assert!(!log.contains("was not revoked"), "the client logs nothing: {log}");

    let gate = gate(Method::POST, "/revoke");
    let bench = gated(&gate);
    let first = runtime();
    let (without_runtime, in_shutdown) = first.block_on(async {
        let config = EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
        bench.client.dynamic().create_engine("e", "database", config).await.unwrap();
        bench.client.dynamic().create_role("e", "r").await.unwrap();
        (guard(&bench).await, guard(&bench).await)
    });
    let ids = [without_runtime.lease_id.clone(), in_shutdown.lease_id.clone()];
    let mut canaries = Canaries::new();
    for guard in [&without_runtime, &in_shutdown] {
        for member in ["connection_url", "password"] {
            canaries.forbid(member, guard.data.as_ref().unwrap().get(member).unwrap().expose());
        }
    }

    output.take();
    drop(without_runtime);
    let log = output.take();
    assert!(log.contains("ERROR") && log.contains(&ids[0]) && log.contains("was not revoked"), "{log}");
    canaries.assert_absent("the log of a guard without a runtime", &log);

    // The response to the revocation never arrives, and the runtime shuts down.
    first.block_on(async {
        drop(in_shutdown);
        until(|| gate.held() == 1).await;
    });
    output.take();
    drop(first);
    let log = output.take();
    assert!(log.contains("ERROR") && log.contains(&ids[1]) && !log.contains(&ids[0]), "{log}");
    canaries.assert_absent("the log of a shutdown", &log);

    let drained = runtime().block_on(bench.client.drain(Duration::from_secs(10))).unwrap_err().to_string();
    assert!(ids.iter().all(|id| drained.contains(id)), "{drained}");
    canaries.assert_absent("the error of drain", &drained);
}

/// A client that logs nothing.
fn refused_revocation_is_named_by_drain() {
    let bench = with_clock(ManualClock::new(), |vault| vault, |client| client.log_level(LogLevel::Off));
    runtime().block_on(async {
        let config = EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
        bench.client.dynamic().create_engine("e", "database", config).await.unwrap();
        bench.client.dynamic().create_role("e", "r").await.unwrap();
        let guard = guard(&bench).await;
        let id = guard.lease_id.clone();
        let fault = scaivault_emulator::Fault::status(http::StatusCode::FORBIDDEN);
        bench.vault.inject(fault.operation("dynamic_leases.revoke"));
        drop(guard);
        let error = bench.client.drain(Duration::from_secs(10)).await.unwrap_err();
        assert!(error.to_string().contains(&id), "{error}");
    });
}
