//! R19: a vault that fails does not use up what another vault needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use skyflow::{Credentials, DetokenizeRequest, ErrorKind, RetryStop, Skyflow, Vault, VaultConfig};
use skyflow_http::{ManualClock, Request, Response};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{over, service};

type Counts = Arc<Mutex<HashMap<String, usize>>>;

/// A server whose vault "down" always fails and whose vault "shaky" fails every other time, and how often each was
/// asked.
fn two_vaults() -> (Skyflow, Counts) {
    let counts = Counts::default();
    let transport = {
        let counts = Arc::clone(&counts);
        service(move |request: Request| {
            let vault = request.uri().path().split('/').nth(3).unwrap().to_owned();
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(vault.clone()).or_default();
            *count += 1;
            let fails = vault == "down" || *count % 2 == 1;
            let body = r#"{"records":[{"token":"t","valueType":"STRING","value":"v"}]}"#;
            let mut response = Response::new(body.into());
            if fails {
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            async move { Ok(response) }
        })
    };
    let config =
        |id: &str| VaultConfig::new(id, "cluster1").credentials(Credentials::api_key(API_KEY).unwrap());
    let client = over(transport)
        .clock(Arc::new(ManualClock::auto_advancing()))
        .vault(config("down"))
        .vault(config("shaky"))
        .build()
        .unwrap();
    (client, counts)
}

async fn call(vault: &Vault) -> Result<(), skyflow::Error> {
    in_time(vault.detokenize(DetokenizeRequest::new().token("t"))).await.map(drop)
}

#[tokio::test]
async fn rel_r19_vaults_do_not_share_a_retry_budget() {
    const CALLS: usize = 4_000;
    let (client, counts) = two_vaults();
    let (down, shaky) = (client.vault("down").unwrap(), client.vault("shaky").unwrap());
    let mut refused_by_budget = 0;
    for _ in 0..CALLS {
        let error = call(&down).await.unwrap_err();
        assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(503)));
        refused_by_budget += usize::from(error.retry_stop() == Some(RetryStop::Budget));
    }
    assert!(refused_by_budget > CALLS - 50, "the failing vault has used its own budget up");
    for n in 0..30 {
        call(&shaky).await.unwrap_or_else(|error| panic!("call {n} needs one retry and gets it: {error:?}"));
    }
    let counts = counts.lock().unwrap();
    assert_eq!(counts["shaky"], 60);
    assert!(counts["down"] <= CALLS + CALLS / 100, "rel_r01: {}", counts["down"]);
}
