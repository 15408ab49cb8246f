//! Tokens as calls see them: one exchange for many callers, and one replay when the server takes a token back.

use std::sync::Arc;
use std::time::Duration;

use skyflow::{Credentials, ErrorKind, GetRequest, Skyflow, VaultConfig};
use skyflow_emulator::{EmbeddedVault, Operation};
use skyflow_http::{HttpService, ManualClock};
use skyflow_testkit::Recorder;
use skyflow_testkit::polling::in_time;
use skyflow_tests::clients::{TOKEN_URI, insert_card, over};

/// Makes a vault with a manual clock and tokens that live for a minute, and a client whose clock is stopped.
fn bench() -> (EmbeddedVault, ManualClock, Skyflow, Recorder) {
    let clock = ManualClock::new();
    let builder = EmbeddedVault::builder().clock(Arc::new(clock.clone()));
    let vault = builder.bearer_lifetime(Duration::from_secs(60)).build().unwrap();
    let (client, recorder) = client_of(&vault);
    (vault, clock, client, recorder)
}

fn client_of(vault: &EmbeddedVault) -> (Skyflow, Recorder) {
    let recorder = Recorder::new();
    let credentials = Credentials::from_json(vault.credentials_json(TOKEN_URI).expose()).unwrap();
    let config = VaultConfig::new(vault.vault_id(), vault.cluster_id()).credentials(credentials);
    let transport = recorder.around(HttpService::new(vault.service()));
    (over(transport).clock(Arc::new(ManualClock::new())).vault(config).build().unwrap(), recorder)
}

fn count(vault: &EmbeddedVault, operation: Operation, status: u16) -> usize {
    let matches = |status_of_it: Option<http::StatusCode>| status_of_it.is_some_and(|s| s == status);
    vault.journal().iter().filter(|e| e.operation == Some(operation.name()) && matches(e.status)).count()
}

/// Sends that many calls at once.
async fn at_once(client: &Skyflow, calls: usize) -> Vec<Result<(), skyflow::Error>> {
    let vault = client.default_vault().unwrap();
    let calls: Vec<_> = (0..calls)
        .map(|_| {
            let vault = vault.clone();
            tokio::spawn(async move { vault.get(GetRequest::new("table1").all_rows()).await.map(drop) })
        })
        .collect();
    let mut results = Vec::new();
    for call in calls {
        results.push(in_time(call).await.unwrap());
    }
    results
}

#[tokio::test]
async fn rel_t01_many_first_calls_make_one_exchange() {
    let (vault, _, client, _) = bench();
    assert!(at_once(&client, 100).await.iter().all(Result::is_ok));
    assert_eq!(count(&vault, Operation::AuthenticationGetToken, 200), 1);
    assert_eq!(count(&vault, Operation::RecordsList, 200), 100);
}

#[tokio::test]
async fn rel_t05_rejected_token_is_refreshed_once() {
    let (vault, clock, client, recorder) = bench();
    assert!(at_once(&client, 1).await[0].is_ok());
    // For the vault the token is over; the client's clock has not moved, so it still believes in it.
    clock.advance(Duration::from_secs(61));
    let response = in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap();
    assert_eq!(response.inserted_fields.len(), 1);
    assert_eq!(count(&vault, Operation::AuthenticationGetToken, 200), 2);
    assert_eq!(count(&vault, Operation::RecordsInsert, 401), 1);
    assert_eq!(count(&vault, Operation::RecordsInsert, 200), 1, "rel_t06: one insert, no duplicate");
    let inserts: Vec<_> = recorder
        .exchanges()
        .into_iter()
        .filter(|e| e.uri.path().ends_with("/table1") && !e.body.is_empty())
        .collect();
    let [refused, replayed] = &inserts[..] else { panic!("{} inserts", inserts.len()) };
    assert_eq!(refused.body, replayed.body);
    assert_ne!(refused.headers["authorization"], replayed.headers["authorization"]);
}

#[tokio::test]
async fn rel_t05_many_refused_calls_make_one_exchange() {
    let (vault, clock, client, _) = bench();
    assert!(at_once(&client, 1).await[0].is_ok());
    clock.advance(Duration::from_secs(61));
    assert!(at_once(&client, 100).await.iter().all(Result::is_ok));
    assert_eq!(count(&vault, Operation::AuthenticationGetToken, 200), 2);
    assert_eq!(count(&vault, Operation::RecordsList, 200), 101);
}

#[tokio::test]
async fn rel_t05_second_401_ends_after_two_attempts() {
    let (vault, _, client, _) = bench();
    let refuse = skyflow_emulator::Fault::status(http::StatusCode::UNAUTHORIZED);
    vault.inject(refuse.operation(Operation::RecordsInsert));
    let error = in_time(client.default_vault().unwrap().insert(insert_card())).await.unwrap_err();
    assert_eq!((error.kind(), error.http_code()), (ErrorKind::Api, Some(401)));
    assert!(!error.may_have_been_applied(), "a refusal is no execution");
    assert_eq!(count(&vault, Operation::RecordsInsert, 401), 2);
    assert_eq!(count(&vault, Operation::AuthenticationGetToken, 200), 2);
}

#[tokio::test]
async fn rel_t09_equal_credentials_share_a_token() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let recorder = Recorder::new();
    let json = vault.credentials_json(TOKEN_URI);
    let credentials = || Credentials::from_json(json.expose()).unwrap();
    let config = |id: &str, credentials| VaultConfig::new(id, "cluster1").credentials(credentials);
    let client = over(recorder.around(HttpService::new(vault.service())))
        .vault(config(vault.vault_id(), credentials()))
        .vault(config("another-vault", credentials()))
        .vault(config("a-user-s-vault", credentials().context("user-1").unwrap()))
        .vault(config("other-user-s-vault", credentials().context("user-2").unwrap()))
        .build()
        .unwrap();
    let mut bearers = Vec::new();
    for id in client.vault_ids() {
        // Unknown to the embedded vault or not: what counts is the token that is sent.
        let _ = in_time(client.vault(id.as_str()).unwrap().get(GetRequest::new("table1").all_rows())).await;
        let last = recorder.exchanges().pop().unwrap();
        bearers.push(last.headers["authorization"].clone());
    }
    assert_eq!(bearers[0], bearers[1]);
    assert_ne!(bearers[0], bearers[2]);
    assert_ne!(bearers[0], bearers[3]);
    assert_ne!(bearers[2], bearers[3]);
    assert_eq!(count(&vault, Operation::AuthenticationGetToken, 200), 3);
}
