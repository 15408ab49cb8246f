//! Requests that the typed client does not send: cases 2 and 44.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

use http::{Method, Request, StatusCode};
use scaivault::Client;
use scaivault_emulator::EmbeddedScaiVault;
use serde_json::{Value, json};
use skyflow_http::Body;

/// Sends a request as it is, and returns status, media type and body.
async fn send(
    vault: &EmbeddedScaiVault,
    method: Method,
    path: &str,
    accept: &str,
) -> (StatusCode, String, Vec<u8>) {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://scaivault.example{path}"))
        .header("authorization", format!("Bearer {}", vault.token().expose()))
        .header("accept", accept)
        .body(Body::from(json!({"data": {"a": "b"}}).to_string()))
        .unwrap();
    let (parts, body) = vault.service().send(request).await.unwrap().into_parts();
    let kind = parts.headers["content-type"].to_str().unwrap().to_owned();
    (parts.status, kind, body.collect(1 << 20).await.unwrap().to_vec())
}

#[tokio::test]
async fn case_02_reserved_paths_are_refused_by_the_server() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    for path in [
        "batch",
        "batch/a",
        "batch/metadata",
        "expiring",
        "expiring/a",
        "app/metadata",
        "app/versions",
        "app/rotate",
        "app/undelete",
        "App",
        "app//db",
        "app%2F%2Fdb",
        "a/".repeat(11).trim_end_matches('/'),
    ] {
        let (status, _, body) = send(&vault, Method::PUT, &format!("/v1/secrets/{path}"), "*/*").await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status.as_u16(), &body["error"]["code"]),
            (400, &json!("invalid_path")),
            "{path}: {body}"
        );
    }
    let (status, ..) = send(&vault, Method::PUT, "/v1/secrets/app/batch", "*/*").await;
    assert_eq!(status, StatusCode::CREATED, "the word is reserved in front only");
}

#[tokio::test]
async fn case_44_lists_come_as_der_or_pem() {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let builder = Client::builder().base_url("https://scaivault.example").environment(|_| None);
    let client = builder.token(vault.token().clone()).transport(vault.service()).build().unwrap();
    let ca = client.pki().create_ca("c", "C", "root").key_type("ec").key_size(256).await.unwrap();
    let path = format!("/v1/pki/ca/{}/crl", ca.id);
    let (status, kind, der) = send(&vault, Method::GET, &path, "application/pkix-crl").await;
    assert_eq!((status.as_u16(), kind.as_str(), der[0]), (200, "application/pkix-crl", 0x30));
    let (status, kind, pem) = send(&vault, Method::GET, &path, "application/x-pem-file").await;
    assert_eq!((status.as_u16(), kind.as_str()), (200, "application/x-pem-file"));
    assert!(pem.starts_with(b"-----BEGIN X509 CRL-----"));
}
