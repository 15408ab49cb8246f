//! R19: a vault that always fails does not slow another one down.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use skyflow::{Credentials, GetRequest, Skyflow, VaultConfig};
use skyflow_http::{Clock, ManualClock, Request, Response};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{over, service};

const CALLS: usize = 1_000;
const LATENCY: Duration = Duration::from_millis(20);

fn client(clock: &ManualClock) -> Skyflow {
    let server_clock = clock.clone();
    let transport = service(move |request: Request| {
        let clock = server_clock.clone();
        let is_down = request.uri().path().contains("/down/");
        async move {
            clock.sleep(LATENCY).await;
            let mut response = Response::new(r#"{"records":[]}"#.into());
            if is_down {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            Ok(response)
        }
    });
    let config = |id: &str| VaultConfig::new(id, "c").credentials(Credentials::api_key(API_KEY).unwrap());
    over(transport).clock(Arc::new(clock.clone())).vault(config("down")).vault(config("up")).build().unwrap()
}

/// Returns the 99th percentile of the time that a call to the vault that works takes, while others call the one that
/// fails.
async fn p99(callers_of_the_other: usize) -> Duration {
    let clock = ManualClock::new();
    let client = client(&clock);
    let others: Vec<_> = (0..callers_of_the_other)
        .map(|_| {
            let vault = client.vault("down").unwrap();
            tokio::spawn(async move {
                loop {
                    vault.get(GetRequest::new("t").all_rows()).await.unwrap_err();
                }
            })
        })
        .collect();
    let measured = {
        let (clock, vault) = (clock.clone(), client.vault("up").unwrap());
        tokio::spawn(async move {
            let mut times = Vec::with_capacity(CALLS);
            for _ in 0..CALLS {
                let began = clock.monotonic();
                let response = vault.get(GetRequest::new("t").all_rows()).await;
                response.expect("no call to the vault that works fails or is refused");
                times.push(clock.monotonic() - began);
            }
            times
        })
    };
    let driver = async {
        while !measured.is_finished() {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_millis(1));
        }
    };
    in_time(driver).await;
    others.iter().for_each(tokio::task::JoinHandle::abort);
    let mut times = measured.await.unwrap();
    times.sort();
    times[CALLS * 99 / 100]
}

#[tokio::test]
async fn rel_r19_p99_is_that_of_a_vault_alone() {
    let (alone, beside) = (p99(0).await, p99(16).await);
    println!("p99 alone {alone:?}, beside a vault that fails {beside:?}");
    assert!(beside <= alone.mul_f64(1.05), "{alone:?} {beside:?}");
}
