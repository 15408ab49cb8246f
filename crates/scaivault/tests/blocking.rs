//! The client for programs that are not asynchronous.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]
#![cfg(feature = "blocking")]

use std::sync::Arc;
use std::time::Duration;

use scaivault::blocking::{Blocking, Client};
use scaivault::dynamic::EngineConfig;
use scaivault::{ClientBuilder, Error};
use scaivault_emulator::EmbeddedScaiVault;
use serde_json::json;
use skyflow_http::ManualClock;
use skyflow_testkit::polling::until;
use skyflow_testkit::{Reply, Scripted};

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

#[test]
fn case_12_broken_cursor_ends_the_iterator() {
    let page = json!({"data": [{"path": "a"}], "has_more": true, "cursor": "same"});
    let service = Scripted::new([Reply::json(200, &page)]);
    let client = Client::builder().base_url("https://scaivault.example").environment(|_| None).token("skt_1");
    let client = client.transport(service.service()).build().unwrap();
    let mut items = client.secrets().list().items();
    let outcomes: Vec<_> = items.by_ref().map(|item| item.map(|secret| secret.path)).collect();
    assert_eq!((outcomes.len(), outcomes[0].as_deref().unwrap()), (2, "a"));
    assert!(outcomes[1].as_ref().unwrap_err().to_string().contains("same cursor twice"));
    assert!(items.next().is_none(), "an error of the list ends it");
    assert_eq!(service.count(), 2, "never page one again");
}

#[test]
fn case_31_watch_is_an_iterator() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let client = builder(&vault).build().unwrap();
    client.secrets().write("app/db", &json!({"a": "b"})).send().unwrap();
    let mut changes = client.secrets().watch("app/db").changes();
    for version in 1..4 {
        assert_eq!(changes.next().unwrap().unwrap().version, version);
        client.secrets().write("app/db", &json!({"a": "b"})).send().unwrap();
    }
    client.secrets().delete("app/db").permanent(true).send().unwrap();
    let ended = changes.find_map(Result::err);
    assert!(matches!(ended, Some(Error::NotFound(_))), "{ended:?}");
    assert!(changes.next().is_none());
    drop(changes);
    client.drain(Duration::from_secs(10)).unwrap();
    assert_eq!(vault.calls_of("subscriptions.delete"), vault.calls_of("subscriptions.create"));
}

#[test]
fn case_36_blocking_closure_is_renewed_beside_it() {
    let clock = ManualClock::new();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let client = builder(&vault).clock(Arc::new(clock.clone())).build().unwrap();
    let config = EngineConfig::default().connection_url("pg://{{username}}:{{password}}@h/d");
    client.dynamic().create_engine("e", "database", config).send().unwrap();
    client.dynamic().create_role("e", "r").send().unwrap();
    let renewals = || vault.calls_of("dynamic_leases.renew");
    let scoped = client.dynamic().credentials("e", "r").ttl("1h").renewing();
    let output = scoped
        .with(|_| {
            // The renewal waits by the clock on the thread of the client.
            wait_for(|| clock.sleepers() > 0);
            clock.advance(Duration::from_secs(45 * 60));
            wait_for(|| renewals() == 1);
            7
        })
        .unwrap();
    assert!(output.output == 7 && output.revocation.is_ok());
    assert_eq!(vault.live_leases().unwrap(), 0);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(renewals(), 1, "nothing is renewed after the closure");
}

/// Lets the other threads go on until a condition holds.
fn wait_for(condition: impl Fn() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(until(condition));
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
