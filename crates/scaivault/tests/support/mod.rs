//! A client of an embedded server in process.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use scaivault::{Async, Client, ClientBuilder};
use scaivault_emulator::{EmbeddedScaiVault, Identity};
use skyflow_http::ManualClock;
use skyflow_testkit::{Gate, Recorder, Scripted};

pub(crate) const BASE: &str = "https://scaivault.example";
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct Bench {
    pub(crate) vault: EmbeddedScaiVault,
    pub(crate) clock: ManualClock,
    pub(crate) wire: Recorder,
    pub(crate) client: Client,
}

/// A server and a client with one clock, which moves by itself where something waits.
pub(crate) fn bench() -> Bench {
    bench_with(|vault| vault, |client| client)
}

pub(crate) fn bench_with(
    vault: impl FnOnce(
        scaivault_emulator::EmbeddedScaiVaultBuilder,
    ) -> scaivault_emulator::EmbeddedScaiVaultBuilder,
    client: impl FnOnce(ClientBuilder<Async>) -> ClientBuilder<Async>,
) -> Bench {
    with_clock(ManualClock::auto_advancing(), vault, client)
}

pub(crate) fn with_clock(
    clock: ManualClock,
    vault: impl FnOnce(
        scaivault_emulator::EmbeddedScaiVaultBuilder,
    ) -> scaivault_emulator::EmbeddedScaiVaultBuilder,
    client: impl FnOnce(ClientBuilder<Async>) -> ClientBuilder<Async>,
) -> Bench {
    let vault = vault(EmbeddedScaiVault::builder().clock(Arc::new(clock.clone()))).build().unwrap();
    of(vault, clock, client)
}

/// Holds the responses to requests with this method whose path ends like this.
pub(crate) fn gate(method: Method, path: &'static str) -> Gate {
    Gate::new(move |request| request.method() == method && request.uri().path().ends_with(path))
}

/// A server whose responses to some requests are held, and a clock that only the test moves.
pub(crate) fn gated(gate: &Gate) -> Bench {
    let clock = ManualClock::new();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let service = gate.around(vault.service());
    of(vault, clock, |client| client.transport(service).max_retries(0))
}

fn of(
    vault: EmbeddedScaiVault,
    clock: ManualClock,
    client: impl FnOnce(ClientBuilder<Async>) -> ClientBuilder<Async>,
) -> Bench {
    let wire = Recorder::new();
    let builder = builder(&vault, &clock, &wire).token(vault.token().clone());
    let client = client(builder).build().unwrap();
    Bench { vault, clock, wire, client }
}

/// Starts a client of a server, without credentials and without the environment of the process.
pub(crate) fn builder(
    vault: &EmbeddedScaiVault,
    clock: &ManualClock,
    wire: &Recorder,
) -> ClientBuilder<Async> {
    Client::builder()
        .base_url(BASE)
        .environment(|_| None)
        .transport(wire.around(vault.service()))
        .clock(Arc::new(clock.clone()))
}

/// Makes a client of a script, with a clock that moves by itself.
pub(crate) fn scripted_client(service: &Scripted) -> Client {
    Client::builder()
        .base_url(BASE)
        .token("skt_1")
        .environment(|_| None)
        .transport(service.service())
        .clock(Arc::new(ManualClock::auto_advancing()))
        .build()
        .unwrap()
}

/// Lets tasks go on as far as they can without the clock.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

impl Bench {
    /// Returns a client of another identity.
    pub(crate) fn client_of(&self, identity: Identity) -> Client {
        let token = self.vault.issue_token(identity).unwrap();
        builder(&self.vault, &self.clock, &self.wire).token(token).build().unwrap()
    }

    /// Moves the clock in steps, and lets tasks go on after each.
    pub(crate) async fn pass(&self, steps: u32, step: Duration) {
        for _ in 0..steps {
            self.clock.advance(step);
            settle().await;
        }
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.wire
            .exchanges()
            .iter()
            .map(|exchange| format!("{} {}", exchange.method, exchange.target()))
            .collect()
    }
}
