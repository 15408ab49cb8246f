//! Reads of many secrets: cases 15 and 16.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use scaivault::Error;
use serde_json::json;
use skyflow_testkit::{Reply, Scripted};
use support::{bench, scripted_client};

fn value(text: &str) -> serde_json::Value {
    json!({ "password": text })
}

#[tokio::test]
async fn case_15_batches_are_split_and_sorted_out() {
    let bench = bench();
    let secrets = bench.client.secrets();
    for paths in [Vec::new(), (0..101).map(|n| format!("a/{n}")).collect::<Vec<_>>()] {
        assert_eq!(secrets.batch_read(paths).await.unwrap_err().field(), Some("paths"));
    }
    let error = secrets.batch_read(["a", "B"]).await.unwrap_err();
    assert_eq!(error.field(), Some("paths[1]"));
    assert_eq!(bench.wire.count(), 0);
    let hundred = secrets.batch_read((0..100).map(|n| format!("a/{n}"))).await.unwrap();
    assert_eq!((hundred.errors.len(), bench.wire.count()), (100, 1));
    secrets.write("a/1", &value("p")).await.unwrap();
    let batch = secrets.batch_read(["a/1", "a/1", "a/2"]).include_metadata(true).await.unwrap();
    assert_eq!(batch.secrets["a/1"].data.get("password").unwrap().expose(), "p");
    assert!(matches!(batch.errors["a/2"], Error::NotFound(_)));
    let sent = bench.wire.exchanges().last().unwrap().json();
    assert_eq!(sent["paths"], json!(["a/1", "a/2"]));
    let before = bench.wire.count();
    let all = secrets.batch_read_all((0..250).map(|n| format!("a/{n}"))).await.unwrap();
    assert_eq!((all.secrets.len(), all.errors.len(), bench.wire.count() - before), (1, 249, 3));
}

#[tokio::test]
async fn case_16_fail_fast_fails_as_a_whole() {
    let bench = bench();
    bench.client.secrets().write("a/1", &value("p")).await.unwrap();
    let error = bench.client.secrets().batch_read(["a/1", "a/2"]).fail_fast(true).await.unwrap_err();
    let Error::NotFound(error) = error else { panic!("{error}") };
    assert_eq!((error.code.as_str(), &error.details["path"]), ("secret_not_found", &json!("a/2")));
}

#[tokio::test]
async fn case_15_missing_and_broken_elements_cost_no_other() {
    let element = |version: u64| json!({"data": {"a": "b"}, "version": version, "secret_type": "kv"});
    let body = json!({
        "secrets": {"good": element(3), "broken": {"data": "text", "version": "three"}, "unexpected": element(1)},
        "errors": {"refused": {"code": "access_denied", "message": "m"}, "odd": [7]},
    });
    let service = Scripted::new([Reply::json(200, &body)]);
    let client = scripted_client(&service);
    let batch = client.secrets().batch_read(["good", "broken", "refused", "odd", "forgotten"]).await.unwrap();
    assert_eq!(batch.secrets["good"].version, 3);
    assert!(matches!(batch.errors["broken"], Error::Decode(_)));
    assert!(matches!(batch.errors["refused"], Error::AccessDenied(_)));
    assert!(matches!(batch.errors["odd"], Error::Decode(_)));
    assert!(batch.errors["forgotten"].to_string().contains("neither the secret nor an error"));
}
