//! What this client costs above raw hyper, in one run: the same request and answer over loopback, and over a service in
//! memory. `cargo bench -p skyflow` prints both, with the allocations of each.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use bytes::Bytes;
use divan::{AllocProfiler, Bencher};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use skyflow::http::{Body, BoxError, Request, Response};
use skyflow::{Credentials, InsertRequest, Skyflow, Vault, VaultConfig};
use tokio::runtime::{Builder, Runtime};

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

fn answer(rows: usize) -> String {
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

/// A server that reads one request after another and answers each with the same bytes.
fn server(rows: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = answer(rows);
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            connection.set_nodelay(true).unwrap();
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut seen = Vec::new();
                let mut chunk = [0; 65_536];
                while let Ok(read @ 1..) = connection.read(&mut chunk) {
                    seen.extend_from_slice(chunk.get(..read).unwrap());
                    let Some(head) = seen.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                    let text = String::from_utf8_lossy(seen.get(..head).unwrap()).to_ascii_lowercase();
                    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                    if seen.len() >= head + 4 + length.unwrap().parse::<usize>().unwrap() {
                        connection.write_all(answer.as_bytes()).unwrap();
                        seen.clear();
                    }
                }
            });
        }
    });
    address
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn key() -> Credentials {
    Credentials::api_key("sky-ab123-0123456789abcdef0123456789abcdef").unwrap()
}

async fn insert(vault: &Vault, rows: usize) -> Vec<Tokens> {
    vault.insert(request(rows)).await.unwrap().records().unwrap()
}

/// The floor: the same bytes out and in, no serialising, no decoding, no stack.
#[divan::bench(args = ROWS)]
fn loopback_raw_hyper(bencher: Bencher<'_, '_>, rows: usize) {
    let (runtime, uri) = (runtime(), format!("http://{}/v1/vaults/v1/table1", server(rows)));
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let body = body(rows);
    let call = || async {
        let request = hyper::Request::post(&uri).header("content-type", "application/json");
        let answer = client.request(request.body(Full::new(body.clone())).unwrap()).await.unwrap();
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    runtime.block_on(call());
    bencher.bench_local(|| runtime.block_on(call()));
}

/// The whole client: checks, serialising, stack, token, transport, decoding into a type.
#[divan::bench(args = ROWS)]
fn loopback_vault_insert(bencher: Bencher<'_, '_>, rows: usize) {
    let runtime = runtime();
    let config = VaultConfig::with_base_url("v1", format!("http://{}", server(rows))).credentials(key());
    let vault = Skyflow::builder().vault(config).build().unwrap().default_vault().unwrap();
    runtime.block_on(insert(&vault, rows));
    bencher.bench_local(|| runtime.block_on(insert(&vault, rows)));
}

/// Serialising and decoding with serde_json alone.
#[divan::bench(args = ROWS)]
fn memory_serde_json_alone(bencher: Bencher<'_, '_>, rows: usize) {
    #[derive(Deserialize)]
    struct Answer {
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
    let answer = answer(rows);
    bencher.bench_local(|| {
        let card = || Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
        let rows: Vec<_> = std::iter::repeat_with(|| Fields { fields: card() }).take(rows).collect();
        let body = serde_json::to_vec(&rows).unwrap();
        let answer: Answer = serde_json::from_str(&answer).unwrap();
        (body, answer.records.into_iter().map(|row| row.tokens).collect::<Vec<_>>())
    });
}

/// The whole client over a service in memory.
#[divan::bench(args = ROWS)]
fn memory_vault_insert(bencher: Bencher<'_, '_>, rows: usize) {
    let answer = Bytes::from(answer(rows));
    let leaf = tower::service_fn(move |_: Request| {
        let answer = answer.clone();
        async move { Ok::<_, BoxError>(Response::new(Body::from(answer))) }
    });
    let config = VaultConfig::new("v1", "cluster").credentials(key());
    let vault = Skyflow::builder().vault(config).transport(leaf).build().unwrap().default_vault().unwrap();
    let runtime = runtime();
    bencher.bench_local(|| runtime.block_on(insert(&vault, rows)));
}
