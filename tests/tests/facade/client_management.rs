use serde_json::json;
use skyflow::{Credentials, ErrorKind, GetRequest, LogLevel, Skyflow, VaultConfig};

use skyflow_testkit::API_KEY;

use crate::scripted_vault::{Clients, Scripted, script};

fn server() -> Scripted {
    script(&[(200, json!({"records": []}))])
}

fn key(n: u8) -> Credentials {
    Credentials::api_key(format!("sky-ab123-{n:032}")).unwrap()
}

async fn call(client: &Skyflow, vault: &str) {
    client.vault(vault).unwrap().get(GetRequest::new("t").ids(["a"])).await.unwrap();
}

#[tokio::test]
async fn the_default_vault_is_the_one_added_first() {
    let client = server().client(VaultConfig::new("b", "cluster"));
    client.add_vault_config(VaultConfig::new("a", "cluster")).unwrap();
    assert_eq!(client.default_vault().unwrap().id().as_str(), "b");
    client.remove_vault_config("b").unwrap();
    assert_eq!(client.default_vault().unwrap().id().as_str(), "a");
    client.remove_vault_config("a").unwrap();
    assert_eq!(client.default_vault().unwrap_err().field(), Some("vault_id"));
}

#[tokio::test]
async fn unknown_vault_is_an_error_in_every_call() {
    let client = server().client(VaultConfig::new("a", "cluster"));
    assert_eq!(client.vault("x").unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(client.remove_vault_config("x").is_err());
    assert!(client.update_vault_config(VaultConfig::new("x", "cluster")).is_err());
    assert!(client.vault_config("x").is_none());
    assert!(client.add_vault_config(VaultConfig::new("a", "cluster")).is_err());
}

#[tokio::test]
async fn own_credentials_override_shared_credentials() {
    let server = server();
    let client = server.client(VaultConfig::new("own", "cluster").credentials(key(1)));
    client.add_vault_config(VaultConfig::new("common", "cluster")).unwrap();
    call(&client, "own").await;
    call(&client, "common").await;
    client.set_credentials(key(2)).unwrap();
    call(&client, "own").await;
    call(&client, "common").await;
    client.update_vault_config(VaultConfig::new("own", "other").credentials(key(3))).unwrap();
    call(&client, "own").await;
    let sent = server.requests();
    let tokens: Vec<_> = sent
        .iter()
        .map(|sent| sent.header("authorization").rsplit('-').next().unwrap().trim_start_matches('0'))
        .collect();
    assert_eq!(tokens, ["1", API_KEY.rsplit('-').next().unwrap().trim_start_matches('0'), "1", "2", "3"]);
    assert_eq!(sent[4].host(), "other.vault.skyflowapis.com");
}

#[tokio::test]
async fn handle_keeps_its_initial_configuration() {
    let server = server();
    let client = server.client(VaultConfig::new("v", "before"));
    let vault = client.vault("v").unwrap();
    client.update_vault_config(VaultConfig::new("v", "after")).unwrap();
    vault.get(GetRequest::new("t").ids(["a"])).await.unwrap();
    call(&client, "v").await;
    client.remove_vault_config("v").unwrap();
    vault.get(GetRequest::new("t").ids(["a"])).await.unwrap();
    let hosts: Vec<_> = server.requests().into_iter().map(|sent| sent.host().to_owned()).collect();
    let host = |cluster: &str| format!("{cluster}.vault.skyflowapis.com");
    assert_eq!(hosts, [host("before"), host("after"), host("before")]);
}

#[test]
fn failed_change_leaves_the_client_unchanged() {
    let client = server().client(VaultConfig::new("v", "cluster"));
    assert!(client.add_vault_config(VaultConfig::new("w", "not a label")).is_err());
    assert!(client.update_vault_config(VaultConfig::new("v", "")).is_err());
    assert!(client.set_credentials(Credentials::from_path("does/not/exist.json")).is_err());
    assert_eq!(client.vault_ids().len(), 1);
    assert!(client.vault("v").is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn configuration_changes_during_a_thousand_calls() {
    let server = server();
    let client = server.client(VaultConfig::new("v", "c0"));
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                if n % 10 == 0 {
                    client.update_vault_config(VaultConfig::new("v", format!("c{n}"))).unwrap();
                    client.add_vault_config(VaultConfig::new(format!("w{n}"), "c")).unwrap();
                }
                call(&client, "v").await;
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(server.requests().len(), 1_000);
    assert_eq!(client.vault_ids().len(), 101);
    assert!(
        server
            .requests()
            .iter()
            .all(|sent| sent.host().starts_with('c') && sent.header("authorization").ends_with("cdef"))
    );
}

/// Credentials that count how many of them have been dropped.
#[derive(Debug)]
struct Counted(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

impl skyflow::auth::TokenProvider for Counted {
    fn token(&self) -> skyflow::auth::TokenFuture<'_> {
        skyflow::auth::TokenFuture::ready(skyflow::auth::AccessToken::new("t").map_err(Into::into))
    }
}

#[tokio::test]
async fn replaced_credentials_are_dropped() {
    let dropped = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = || dropped.load(std::sync::atomic::Ordering::SeqCst);
    let counted = || Credentials::provider(Counted(std::sync::Arc::clone(&dropped)));
    let client = server().client(VaultConfig::new("v", "cluster"));
    for replaced in 0..1_000 {
        client.set_credentials(counted()).unwrap();
        assert_eq!(count(), replaced);
    }
    call(&client, "v").await;
    client.update_vault_config(VaultConfig::new("v", "cluster").credentials(counted())).unwrap();
    let handle = client.vault("v").unwrap();
    client.remove_vault_config("v").unwrap();
    assert_eq!(count(), 999, "the handle still uses its own, and the client has a common one");
    drop(handle);
    assert_eq!(count(), 1_000);
    drop(client);
    assert_eq!(count(), 1_001);
}

#[test]
fn the_log_level_can_be_changed_at_run_time() {
    let client = server().client(VaultConfig::new("v", "cluster"));
    assert_eq!(client.log_level(), LogLevel::Debug);
    client.clone().set_log_level(LogLevel::Off);
    assert_eq!(client.log_level(), LogLevel::Off);
}
