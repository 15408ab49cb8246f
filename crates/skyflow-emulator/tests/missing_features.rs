//! Calls that need a feature of this crate which is not enabled.
#![cfg(not(all(feature = "office", feature = "pdf", feature = "image", feature = "server")))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use http::{Request, header};
use serde_json::json;
use skyflow_emulator::{ConnectionSpec, EmbeddedVault};
use skyflow_http::Body;
use support::{Client, Response, send};

/// Asserts that a call is refused in the documented form, with the name of the feature.
#[track_caller]
fn assert_names(response: &Response, feature: &str) {
    let message = response.error(501);
    assert!(message.contains(&format!("feature `{feature}`")), "{message}");
    let error = &response.body["error"];
    assert_eq!((&error["grpc_code"], &error["http_status"]), (&json!(12), &json!("Not Implemented")));
    assert!(response.headers.contains_key("x-request-id"));
}

async fn detect(client: &Client, path: &str, mut body: serde_json::Value) -> Response {
    body["vault_id"] = client.vault.vault_id().into();
    let request = Request::post(format!("/v1/detect{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .body(Body::from(body.to_string()))
        .unwrap();
    send(&client.vault, request).await
}

#[cfg(not(feature = "detect"))]
#[tokio::test]
async fn detect_calls_name_the_feature_detect() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    for path in ["/deidentify/string", "/reidentify/string", "/guardrails", "/deidentify/file"] {
        assert_names(&detect(&client, path, json!({"text": "x"})).await, "detect");
    }
    // A caller without access to the vault learns nothing of its features.
    detect(&client.with_bearer("sky-unknown"), "/guardrails", json!({})).await.error(401);
}

#[cfg(feature = "detect")]
#[tokio::test]
async fn file_formats_name_the_feature_they_need() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use skyflow_emulator::CannedRun;

    let canned = CannedRun::of_content("canned").output("redacted_file", "pdf", "x");
    let client = Client::new(&EmbeddedVault::builder().canned_run(canned).build().unwrap());
    let file = |format: &str, content: &str| json!({"file": {"base64": STANDARD.encode(content), "data_format": format}});
    for (format, feature, is_enabled) in [
        ("docx", "office", cfg!(feature = "office")),
        ("pdf", "pdf", cfg!(feature = "pdf")),
        ("png", "image", cfg!(feature = "image")),
    ] {
        let response = detect(&client, "/deidentify/file", file(format, "x")).await;
        if is_enabled {
            response.ok();
        } else {
            assert_names(&response, feature);
        }
        // A canned result needs no feature.
        detect(&client, "/deidentify/file", file(format, "canned")).await.ok();
    }
    if !cfg!(feature = "office") {
        assert_names(&detect(&client, "/reidentify/file", file("xlsx", "x")).await, "office");
    }
}

#[cfg(not(feature = "server"))]
#[tokio::test]
async fn forwarding_connections_name_feature_server() {
    let rules = json!([{"action": "TOKENIZATION", "fieldName": "a", "table": "table1", "column": "name"}]);
    let spec = json!({"name": "c", "mode": "EGRESS", "vaultID": "any", "authMode": "NOAUTH", "routes": [
        {"path": "/charges", "method": "POST", "contentType": "JSON", "requestBody": rules},
    ]});
    let spec = ConnectionSpec::from_json(&spec).unwrap().with_target("http://127.0.0.1:1").unwrap();
    let path = spec.path();
    let client = Client::new(&EmbeddedVault::builder().connection(spec).build().unwrap());
    let request = Request::post(format!("{path}/charges"))
        .header("x-skyflow-authorization", &client.bearer)
        .body(Body::from(r#"{"a": "Ada"}"#))
        .unwrap();
    let response = send(&client.vault, request).await;
    assert_names(&response, "server");
    assert_eq!(response.headers["error-from-client"], "false");
    // Nothing was stored on the way.
    let records = client.get("/table1").await;
    assert!(records.body["records"].as_array().is_none_or(Vec::is_empty), "{}", records.body);
}
