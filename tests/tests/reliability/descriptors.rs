//! Many calls at once within few descriptors.

use skyflow::{Credentials, DetokenizeRequest, Skyflow, VaultConfig};
use skyflow_testkit::API_KEY;
use skyflow_testkit::raw_server::{Connection, RawServer};
use tokio::task::JoinSet;

use crate::child;

const CALLS: usize = 10_000;
const BODY: &str = r#"{"records":[{"token":"t","valueType":"STRING","value":"v"}]}"#;

#[cfg(unix)]
#[test]
fn ten_thousand_calls_within_1024_descriptors() {
    if !child::is_child() {
        return child::run("descriptors::ten_thousand_calls_within_1024_descriptors", 1_024);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = RawServer::start(|mut connection: Connection| async move {
            let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
            while connection.request().await.is_some() {
                tokio::task::yield_now().await;
                connection.send(&response).await;
            }
        })
        .await
        .unwrap();
        let config = VaultConfig::with_base_url("v1", server.url(""))
            .credentials(Credentials::api_key(API_KEY).unwrap());
        // How long the last call waits is a matter of the machine.
        let client = Skyflow::builder().no_deadline().no_attempt_timeout().vault(config).build().unwrap();
        let vault = client.default_vault().unwrap();
        let mut calls = JoinSet::new();
        for _ in 0..CALLS {
            let vault = vault.clone();
            calls.spawn(async move { vault.detokenize(DetokenizeRequest::new().token("t")).await.map(drop) });
        }
        let results = calls.join_all().await;
        let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert!(failed.is_empty(), "{} failed, the first with {:?}", failed.len(), failed.first());
        assert_eq!(results.len(), CALLS);
        assert!(server.connections() <= 64, "{} connections", server.connections());
        println!("{CALLS} calls over {} connections", server.connections());
    });
}
