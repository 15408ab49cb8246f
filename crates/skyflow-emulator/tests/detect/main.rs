//! Detect: texts, files, runs, guardrails, and who may do what.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod configurations;
mod files;
mod runs;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod unknown_tokens;
mod version_2;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, header};
use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::Body;

use support::{Client, Response, send};

const TEXT: &str = "My name is Jane Doe and my SSN is 123-45-6789.";

fn client() -> Client {
    Client::new(&EmbeddedVault::builder().build().unwrap())
}

/// Calls a path of Detect; the body names the vault.
async fn detect(client: &Client, path: &str, mut body: Value) -> Response {
    body["vault_id"] = client.vault.vault_id().into();
    request(client, Method::POST, &format!("/v1/detect{path}"), body.to_string()).await
}

async fn request(client: &Client, method: Method, uri: &str, body: String) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .body(Body::from(body))
        .unwrap();
    send(&client.vault, request).await
}

async fn deidentified(client: &Client, text: &str, mut options: Value) -> Value {
    options["text"] = text.into();
    detect(client, "/deidentify/string", options).await.ok()
}

async fn reidentified(client: &Client, text: &str, format: Value) -> String {
    let body = json!({"text": text, "format": format});
    detect(client, "/reidentify/string", body).await.ok()["text"].as_str().unwrap().to_owned()
}

fn file(format: &str, content: impl AsRef<[u8]>) -> Value {
    json!({"file": {"base64": STANDARD.encode(content), "data_format": format}})
}

async fn start(client: &Client, path: &str, body: Value) -> String {
    detect(client, path, body).await.ok()["run_id"].as_str().unwrap().to_owned()
}

async fn run(client: &Client, run_id: &str) -> Value {
    let uri = format!("/v1/detect/runs/{run_id}?vault_id={}", client.vault.vault_id());
    request(client, Method::GET, &uri, String::new()).await.ok()
}

fn content(output: &Value) -> String {
    String::from_utf8(STANDARD.decode(output["processedFile"].as_str().unwrap()).unwrap()).unwrap()
}
