//! The client for programs that are not asynchronous.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]
#![cfg(feature = "blocking")]

use scaivault::blocking::{Blocking, Client};
use scaivault::dynamic::EngineConfig;
use scaivault::{ClientBuilder, Error};
use scaivault_emulator::EmbeddedScaiVault;
use serde_json::json;

fn builder(vault: &EmbeddedScaiVault) -> ClientBuilder<Blocking> {
    Client::builder()
        .base_url("https://scaivault.example")
        .environment(|_| None)
        .token(vault.token().clone())
        .transport(vault.service())
}

fn exercise(client: &Client, path: &str) {
    client.secrets().write(path, &json!({"a": "b"})).send().unwrap();
    assert_eq!(client.secrets().read(path).send().unwrap().version, 1);
    let listed: Result<Vec<_>, Error> = client.secrets().list().limit(1).items().collect();
    assert!(listed.unwrap().iter().any(|secret| secret.path == path));
    assert!(matches!(client.secrets().read("none").send(), Err(Error::NotFound(_))));
}

#[test]
fn plain_threads_share_a_client() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let client = builder(&vault).build().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let client = client.clone();
            std::thread::spawn(move || exercise(&client, &format!("thread/{n}")))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_inside_tasks_neither_panic_nor_hang() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let client = builder(&vault).build().unwrap();
    let (inside, blocking) = (client.clone(), client.clone());
    tokio::spawn(async move { exercise(&inside, "in/task") }).await.unwrap();
    tokio::task::spawn_blocking(move || exercise(&blocking, "in/blocking")).await.unwrap();
    tokio::task::block_in_place(|| exercise(&client, "in/place"));
    drop(client);
}

#[test]
fn leases_end_with_closures_and_guards() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let client = builder(&vault).build().unwrap();
    let config = EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
    client.dynamic().create_engine("e", "database", config).send().unwrap();
    client.dynamic().create_role("e", "r").send().unwrap();
    let scoped = client.dynamic().credentials("e", "r").ttl("1h").renewing();
    let output = scoped.with(|credentials| credentials.get("username").is_some()).unwrap();
    assert!(output.output && output.revocation.is_ok());
    let guard = client.dynamic().lease_guard(client.dynamic().generate_credentials("e", "r")).unwrap();
    assert_eq!(vault.live_leases().unwrap(), 1);
    drop(guard);
    assert_eq!(vault.live_leases().unwrap(), 0, "the guard waits");
    let panicking = client.dynamic().credentials("e", "r");
    let caught =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panicking.with(|_| assert_eq!(1, 2))));
    assert!(caught.is_err());
    assert_eq!(vault.live_leases().unwrap(), 0);
}

/// Methods are written once for both clients. Where one needs a separate form, the other has it too.
#[test]
fn forms_of_their_own_come_in_pairs() {
    let sources = [
        include_str!("../src/client.rs"),
        include_str!("../src/builder.rs"),
        include_str!("../src/dynamic/scoped.rs"),
    ];
    let methods = |source: &str, mode: &str| -> Vec<String> {
        let mut found = Vec::new();
        for block in source.split("\nimpl").skip(1) {
            let (head, body) = block.split_once('{').unwrap();
            if !head.contains(" for ") && head.contains(mode) {
                found.extend(body.split("pub fn ").chain(body.split("pub async fn ")).skip(1).filter_map(
                    |rest| {
                        let name: String =
                            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                        (!name.is_empty() && rest[name.len()..].starts_with(['(', '<'])).then_some(name)
                    },
                ));
            }
        }
        found.sort();
        found.dedup();
        found
    };
    for source in sources {
        assert_eq!(methods(source, "Async>"), methods(source, "Blocking>"));
        assert!(!methods(source, "Async>").is_empty());
    }
}
