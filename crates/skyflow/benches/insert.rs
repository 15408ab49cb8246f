//! Measures what this client costs above raw hyper, in one run: the same request and response over loopback, and over a service in
//! memory. `cargo bench -p skyflow` prints both, with the allocations of each.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

mod support;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use serde::{Deserialize, Serialize};
use skyflow::{InsertRequest, Skyflow, Vault, VaultConfig};
use skyflow_testkit::Constant;
use support::{RawHyper, key, runtime, server};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const ROWS: [usize; 2] = [1, 100];

fn main() {
    divan::main();
}

#[derive(Clone, Serialize)]
struct Card<'a> {
    card_number: &'a str,
    cardholder_name: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    #[expect(dead_code, reason = "decoding is what is measured")]
    card_number: String,
    #[expect(dead_code, reason = "decoding is what is measured")]
    cardholder_name: String,
}

fn response(rows: usize) -> String {
    let row = r#"{"skyflow_id":"a8f0c2e1-7b3d-4f9a-8c21-1d2e3f4a5b6c","tokens":{"card_number":"5391-4629-3722-7102","cardholder_name":"0f6b8a2c-90ab-4cde-9def-567890abcdef"}}"#;
    format!("{{\"records\":[{}]}}", vec![row; rows].join(","))
}

fn request(rows: usize) -> InsertRequest {
    let card = Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
    InsertRequest::new("table1").records(std::iter::repeat_n(card, rows)).return_tokens(true)
}

fn body(rows: usize) -> Bytes {
    let card = Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
    let rows: Vec<_> = std::iter::repeat_n(serde_json::json!({ "fields": card }), rows).collect();
    serde_json::to_vec(&serde_json::json!({"records": rows, "tokenization": true})).unwrap().into()
}

async fn insert(vault: &Vault, rows: usize) -> Vec<Tokens> {
    vault.insert(request(rows)).await.unwrap().records().unwrap()
}

/// The floor: the same bytes out and in, no serialising, no decoding, no stack.
#[divan::bench(args = ROWS)]
fn loopback_raw_hyper(bencher: Bencher<'_, '_>, rows: usize) {
    let (runtime, hyper, body) = (runtime(), RawHyper::new(), body(rows));
    let uri = format!("{}/v1/vaults/v1/table1", server(|_| response(rows)));
    let call = || hyper.call("POST", &uri, body.clone());
    runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}

/// The whole client: checks, serialising, stack, token, transport, decoding into a type.
#[divan::bench(args = ROWS)]
fn loopback_vault_insert(bencher: Bencher<'_, '_>, rows: usize) {
    let runtime = runtime();
    let config = VaultConfig::with_base_url("v1", server(|_| response(rows))).credentials(key());
    let vault = Skyflow::builder().vault(config).build().unwrap().default_vault().unwrap();
    runtime.block_on(insert(&vault, rows));
    bencher.bench_local(|| runtime.block_on(insert(&vault, rows)));
}

/// Serialising and decoding with serde_json alone.
#[divan::bench(args = ROWS)]
fn memory_serde_json_alone(bencher: Bencher<'_, '_>, rows: usize) {
    #[derive(Deserialize)]
    struct Inserted {
        records: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        tokens: Tokens,
    }
    #[derive(Serialize)]
    struct Fields<'a> {
        fields: Card<'a>,
    }
    let response = response(rows);
    bencher.bench_local(|| {
        let card = || Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
        let rows: Vec<_> = std::iter::repeat_with(|| Fields { fields: card() }).take(rows).collect();
        let body = serde_json::to_vec(&rows).unwrap();
        let response: Inserted = serde_json::from_str(&response).unwrap();
        (body, response.records.into_iter().map(|row| row.tokens).collect::<Vec<_>>())
    });
}

/// The whole client over a service in memory.
#[divan::bench(args = ROWS)]
fn memory_vault_insert(bencher: Bencher<'_, '_>, rows: usize) {
    let transport = Constant::new(response(rows));
    let config = VaultConfig::new("v1", "cluster").credentials(key());
    let vault =
        Skyflow::builder().vault(config).transport(transport).build().unwrap().default_vault().unwrap();
    let runtime = runtime();
    bencher.bench_local(|| runtime.block_on(insert(&vault, rows)));
}
