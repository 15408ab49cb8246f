//! Published operations that the embedded vault refuses, as `docs/api-coverage.md` lists them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::path::Path;

use http::{Request, header};
use serde_json::json;
use skyflow_emulator::EmbeddedVault;
use skyflow_http::Body;
use support::{Client, Response, send};

/// A row of the table.
struct Row {
    name: String,
    method: String,
    path: String,
    is_supported: bool,
}

fn rows() -> Vec<Row> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api-coverage.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let (method, path) = cells[1].split_once(' ').unwrap();
        let is_supported = match cells[4] {
            "yes" => true,
            "501" => false,
            other => panic!("{line}: {other}"),
        };
        Row { name: cells[0].to_owned(), method: method.to_owned(), path: path.to_owned(), is_supported }
    })
    .collect()
}

/// Sends an operation with an identifier in each place of its path.
async fn call(client: &Client, row: &Row) -> Response {
    let path: Vec<&str> =
        row.path.split('/').map(|part| if part.starts_with('{') { "1f0a" } else { part }).collect();
    let request = Request::builder()
        .method(row.method.as_str())
        .uri(path.join("/"))
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .body(Body::from("{}"))
        .unwrap();
    send(&client.vault, request).await
}

#[tokio::test]
async fn refused_operations_are_named_with_501() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let refused: Vec<Row> = rows().into_iter().filter(|row| !row.is_supported).collect();
    assert!(refused.len() > 150, "{}", refused.len());
    for row in &refused {
        let response = call(&client, row).await;
        let expected = format!("The embedded vault does not emulate the operation {}.", row.name);
        assert_eq!(response.error(501), expected, "{} {}", row.method, row.path);
        let error = &response.body["error"];
        assert_eq!((&error["grpc_code"], &error["http_status"]), (&json!(12), &json!("Not Implemented")));
        assert!(response.headers.contains_key("x-request-id"));
    }
    let journal = client.vault.journal();
    let named: Vec<_> = journal.iter().filter_map(|entry| entry.operation).collect();
    assert!(named.iter().zip(&refused).all(|(name, row)| *name == row.name), "{named:?}");
    assert_eq!(named.len(), refused.len());
}

#[tokio::test]
async fn supported_operations_are_not_refused() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    for row in rows().iter().filter(|row| row.is_supported) {
        let response = call(&client, row).await;
        let message = response.body["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.contains("does not emulate the operation"), "{}: {message}", row.name);
        // Nothing in the vault is called 1f0a, so most fail; none with the message of an unknown path or method.
        assert_ne!(response.status, 405, "{}", row.name);
    }
}

#[tokio::test]
async fn refusals_need_access_to_the_vault() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap()).with_bearer("sky-unknown");
    for row in rows().iter().filter(|row| !row.is_supported) {
        call(&client, row).await.error(401);
    }
}
