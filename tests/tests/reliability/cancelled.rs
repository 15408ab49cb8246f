//! R17: every public operation may be dropped at any poll.

use std::sync::Arc;
use std::task::Poll;

use skyflow::{ConnectionConfig, Credentials, Error, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{BoxError, HttpService, ManualClock, Request, Response};
use skyflow_testkit::polling::Stepped;
use skyflow_tests::clients::{TOKEN_URI, service};

use crate::operations::{self, Handles};

/// Makes a transport that yields before and after each request.
fn slow(vault: &EmbeddedVault) -> HttpService {
    let vault = HttpService::new(vault.service());
    service(move |request: Request| {
        let vault = vault.clone();
        async move {
            tokio::task::yield_now().await;
            let response = vault.send(request).await?;
            tokio::task::yield_now().await;
            Ok::<Response, BoxError>(response)
        }
    })
}

/// A client with one permit, whose first call has to mint a token.
fn handles(vault: &EmbeddedVault, file: &std::path::Path, clock: &ManualClock) -> Handles {
    let credentials = Credentials::from_json(vault.credentials_json(TOKEN_URI).expose()).unwrap();
    let client = Skyflow::builder()
        .transport(slow(vault))
        .clock(Arc::new(clock.clone()))
        .in_flight(std::num::NonZeroUsize::MIN)
        .credentials(credentials)
        .vault(VaultConfig::new(vault.vault_id(), vault.cluster_id()))
        .connection(ConnectionConfig::new("c1", "https://connections.example/charge"))
        .build()
        .unwrap();
    Handles {
        vault: client.default_vault().unwrap(),
        detect: client.default_detect().unwrap(),
        connection: client.default_connection().unwrap(),
        file: file.to_owned(),
    }
}

/// Polls until the call ends, moving the clock so that pauses pass. Files are read by other threads meanwhile.
fn finish(
    call: &mut Stepped<impl Future<Output = Result<(), Error>>>,
    clock: &ManualClock,
) -> Option<Result<(), Error>> {
    for _ in 0..100_000 {
        if let Poll::Ready(result) = call.step() {
            return Some(result);
        }
        clock.advance(std::time::Duration::from_micros(100));
        std::thread::yield_now();
    }
    None
}

/// The end of a call, as far as it does not differ between two calls.
fn shape(result: &Result<(), Error>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{:?} {:?}", error.kind(), error.http_code()),
    }
}

#[test]
fn rel_r17_every_operation_dropped_at_every_poll() {
    // Files are read on the threads of a runtime.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    std::fs::write(&file, vec![b'x'; 100_000]).unwrap();
    let vault = EmbeddedVault::builder().build().unwrap();
    let mut drops = 0;
    let operations = operations::all();
    for operation in &operations {
        let clock = ManualClock::new();
        let mut whole = Stepped::new((operation.run)(handles(&vault, &file, &clock)));
        let expected = shape(&finish(&mut whole, &clock).expect(operation.name));
        for polls in 0.. {
            let clock = ManualClock::new();
            let handles = handles(&vault, &file, &clock);
            let mut dropped = Stepped::new((operation.run)(handles.clone()));
            let ended = (0..polls).any(|_| {
                let is_ready = dropped.step().is_ready();
                std::thread::yield_now();
                is_ready
            });
            drop(dropped);
            // The only permit is free again, and the token can be had.
            let next = finish(&mut Stepped::new((operation.run)(handles)), &clock);
            let next = next.unwrap_or_else(|| panic!("{} hangs after {polls} polls", operation.name));
            assert_eq!(shape(&next), expected, "{} dropped after {polls} polls: {next:?}", operation.name);
            // A token exchange outlives the call that began it, and has ended with the next one.
            let is_idle = (0..1_000_000).any(|_| {
                std::thread::yield_now();
                clock.sleepers() == 0
            });
            assert!(is_idle, "{} dropped after {polls} polls", operation.name);
            drops += 1;
            if ended || polls > 60 {
                // The transport alone makes each call pend twice.
                assert!(polls >= 3, "{} ended after {polls} polls", operation.name);
                break;
            }
        }
    }
    println!("{drops} drops of {} operations", operations.len());
}
