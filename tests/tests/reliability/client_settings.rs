//! Settings of the client that need no stack of the caller's.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use skyflow::{CallOptions, ConnectionConfig, Credentials, GetRequest, InvokeConnectionRequest, VaultConfig};
use skyflow_http::{ManualClock, Response};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::{in_time, until};
use skyflow_tests::clients::{over, service};
use tokio::sync::Semaphore;

#[tokio::test]
async fn rel_r20_attempts_of_client_vault_and_call() {
    let attempts = |n| NonZeroU32::new(n).unwrap();
    // (client, vault, call, requests)
    for (client, vault, call, expected) in [
        (None, None, None, 3),
        (Some(1), None, None, 1),
        (Some(5), None, None, 5),
        (Some(1), Some(2), None, 2),
        (Some(5), Some(1), None, 1),
        (Some(5), Some(4), Some(1), 1),
        (Some(1), Some(1), Some(2), 2),
        (None, None, Some(1), 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let transport = {
            let count = Arc::clone(&count);
            service(move |_| {
                count.fetch_add(1, Ordering::SeqCst);
                async {
                    let mut response = Response::default();
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    Ok(response)
                }
            })
        };
        let mut config = VaultConfig::new("v1", "c").credentials(Credentials::api_key(API_KEY).unwrap());
        let mut builder = over(transport).clock(Arc::new(ManualClock::auto_advancing()));
        match client {
            Some(1) => builder = builder.no_retry(),
            Some(n) => builder = builder.max_attempts(attempts(n)),
            None => {}
        }
        match vault {
            Some(1) => config = config.no_retry(),
            Some(n) => config = config.max_attempts(attempts(n)),
            None => {}
        }
        let mut handle = builder.vault(config).build().unwrap().default_vault().unwrap();
        if let Some(n) = call {
            handle = handle.with_options(CallOptions::new().max_attempts(attempts(n)));
        }
        let error = handle.get(GetRequest::new("t").all_rows()).await.unwrap_err();
        assert_eq!(count.load(Ordering::SeqCst), expected, "{client:?} {vault:?} {call:?}");
        assert_eq!(error.attempts() as usize, expected);
    }
}

#[tokio::test]
async fn in_flight_limits_all_vaults_and_connections() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::new(Semaphore::new(0));
    let transport = {
        let (under_way, most, gate) = (Arc::clone(&under_way), Arc::clone(&most), Arc::clone(&gate));
        service(move |_| {
            let (under_way, most, gate) = (Arc::clone(&under_way), Arc::clone(&most), Arc::clone(&gate));
            async move {
                most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                under_way.fetch_sub(1, Ordering::SeqCst);
                Ok(Response::new(r#"{"records":[]}"#.into()))
            }
        })
    };
    let client = over(transport)
        .in_flight(NonZeroUsize::new(3).unwrap())
        .credentials(Credentials::api_key(API_KEY).unwrap())
        .vault(VaultConfig::new("v1", "c"))
        .vault(VaultConfig::new("v2", "c"))
        .connection(ConnectionConfig::new("c1", "https://connections.example/charge"))
        .build()
        .unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..30 {
        let client = client.clone();
        calls.spawn(async move {
            match n % 3 {
                0 => client.vault("v1").unwrap().get(GetRequest::new("t").all_rows()).await.map(drop),
                1 => client.vault("v2").unwrap().get(GetRequest::new("t").all_rows()).await.map(drop),
                _ => client.connection("c1").unwrap().invoke(InvokeConnectionRequest::get()).await.map(drop),
            }
        });
    }
    until(|| under_way.load(Ordering::SeqCst) == 3).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(under_way.load(Ordering::SeqCst), 3);
    gate.add_permits(30);
    for result in in_time(calls.join_all()).await {
        result.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}
