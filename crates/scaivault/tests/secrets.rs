//! Secrets: cases 1 to 14 and 30 of the acceptance list.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use scaivault::secret_policies::SecretPolicyField;
use scaivault::{Error, ErrorCode, Json, SecretMetadata};
use scaivault_emulator::{Fault, Identity};
use serde_json::json;
use support::{DAY, bench, bench_with};

fn value(text: &str) -> serde_json::Value {
    json!({ "password": text })
}

#[tokio::test]
async fn case_01_slashes_are_raw_on_the_wire() {
    let bench = bench();
    bench.client.secrets().write("app/db/password", &value("p")).await.unwrap();
    bench.client.secrets().read("app/db/password").await.unwrap();
    let policy = bench.client.rotation().create("q", "90d").await.unwrap();
    bench.client.rotation().assign_secret(&policy.id, "app/db/password").await.unwrap();
    bench.client.rotation().detach_secret(&policy.id, "app/db/password").await.unwrap();
    let targets = bench.targets();
    assert_eq!(targets[1], "GET /v1/secrets/app/db/password");
    assert!(targets[4].ends_with("/secrets/app%2Fdb%2Fpassword"), "{}", targets[4]);
}

#[tokio::test]
async fn cases_02_03_bad_paths_send_nothing() {
    let bench = bench();
    for path in ["batch/a", "a/metadata", "A", "a//b", "", "/a", &"a/".repeat(11)] {
        let error = bench.client.secrets().read(path).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{path}: {error}");
        assert_eq!(error.field(), Some("path"));
    }
    let error = bench.client.secrets().list().prefix("A").await.unwrap_err();
    assert_eq!(error.field(), Some("prefix"));
    let error = bench.client.secrets().write("a", &[1]).await.unwrap_err();
    assert_eq!(error.field(), Some("data"));
    assert_eq!(bench.wire.count(), 0);
}

#[tokio::test]
async fn case_04_old_versions_age_out_for_good() {
    let bench = bench();
    let secrets = bench.client.secrets();
    for version in 1..=3 {
        let written = secrets.write("app/db", &value("p")).max_versions(2).await.unwrap();
        assert_eq!(written.version, version);
    }
    let error = secrets.read("app/db").version(1).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::VersionNotFound));
    secrets.delete("app/db").await.unwrap();
    secrets.undelete("app/db").await.unwrap();
    assert_eq!(secrets.write("app/db", &value("p")).await.unwrap().version, 4, "numbers are not used again");
}

#[tokio::test]
async fn case_05_grace_period_outlives_version_limit() {
    let bench = bench();
    let secrets = bench.client.secrets();
    secrets.write("app/db", &value("old")).max_versions(1).await.unwrap();
    let rotated = secrets
        .rotate("app/db")
        .reason("compromise")
        .new_value(&value("new"))
        .grace_period("1h")
        .await
        .unwrap();
    assert_eq!((rotated.old_version, rotated.new_version), (Some(1), Some(2)));
    let current = secrets.read("app/db").await.unwrap();
    assert_eq!(current.data.get("password").unwrap().expose(), "new");
    bench.clock.advance(Duration::from_secs(3599));
    assert_eq!(
        secrets.read("app/db").version(1).await.unwrap().data.get("password").unwrap().expose(),
        "old"
    );
    bench.clock.advance(Duration::from_secs(1));
    let error = secrets.read("app/db").version(1).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::VersionNotFound));
}

#[tokio::test]
async fn case_06_rotation_needs_a_value_or_a_recipe() {
    let bench = bench();
    bench.client.secrets().write("app/db", &value("p")).await.unwrap();
    let error = bench.client.secrets().rotate("app/db").await.unwrap_err();
    let Error::Validation(error) = error else { panic!("{error}") };
    assert_eq!(error.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(error.details["fields"].get("new_value").is_some());

    let fields = [SecretPolicyField::new("password", "hex").config(Json::parse(r#"{"length":8}"#).unwrap())];
    let recipe = bench.client.secret_policies().create("r", fields).await.unwrap();
    let policy = bench.client.rotation().create("q", "90d").secret_policy(&recipe.id).await.unwrap();
    bench.client.rotation().assign_secret(&policy.id, "app/db").await.unwrap();
    assert_eq!(bench.client.secrets().rotate("app/db").await.unwrap().new_version, Some(2));
    let generated = bench.client.secrets().read("app/db").await.unwrap().data.get("password").unwrap();
    assert!(generated.expose().len() == 8 && generated.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
}

#[tokio::test]
async fn case_07_deleted_paths_are_conflicts_until_gone() {
    let bench = bench();
    let secrets = bench.client.secrets();
    secrets.write("old/secret", &value("a")).await.unwrap();
    secrets.write("old/secret", &value("b")).await.unwrap();
    secrets.delete("old/secret").await.unwrap();
    assert!(matches!(secrets.read("old/secret").await, Err(Error::NotFound(_))));
    let error = secrets.write("old/secret", &value("c")).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(conflict) if conflict.code == ErrorCode::SecretExists));
    assert_eq!(secrets.undelete("old/secret").await.unwrap().version_count, Some(2));
    secrets.delete("old/secret").permanent(true).await.unwrap();
    assert_eq!(secrets.write("old/secret", &value("d")).await.unwrap().version, 1);
    secrets.delete("old/secret").await.unwrap();
    bench.clock.advance(30 * DAY);
    assert_eq!(secrets.write("old/secret", &value("e")).await.unwrap().version, 1, "the retention has ended");
}

#[tokio::test]
async fn case_08_lost_write_is_unknown_or_verified() {
    let bench = bench();
    let secrets = bench.client.secrets();
    bench.vault.inject(Fault::commit_then_close().operation("secrets.write").times(1));
    let error = secrets.write("app/db", &value("p")).await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "{error}");
    assert!(error.to_string().starts_with("outcome unknown"), "{error}");
    assert_eq!((error.attempts(), bench.vault.calls_of("secrets.write")), (1, 1));

    bench.vault.inject(Fault::commit_then_close().operation("secrets.write").times(1));
    let written = secrets.write("app/db", &value("q")).verify_after_loss().await.unwrap();
    assert_eq!(written.version, 2);
    bench.vault.inject(Fault::close_before_response().operation("secrets.write").times(1));
    let error = secrets.write("app/db", &value("r")).verify_after_loss().await.unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown(_)), "the value was not written");

    bench.vault.inject(Fault::commit_then_close().operation("secrets.write").times(1));
    let written = secrets.write("app/db", &value("s")).retry_writes(true).await.unwrap();
    assert_eq!(written.version, 4, "the repetition added a version");
}

#[tokio::test]
async fn case_09_gone_after_a_repetition_is_success() {
    let bench = bench();
    let secrets = bench.client.secrets();
    secrets.write("app/db", &value("p")).await.unwrap();
    bench.vault.inject(Fault::commit_then_close().operation("secrets.delete").times(1));
    secrets.delete("app/db").await.unwrap();
    assert_eq!(bench.vault.calls_of("secrets.delete"), 2);
    assert!(matches!(secrets.delete("app/db").await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn case_10_unexpected_version_writes_nothing() {
    let bench = bench();
    let secrets = bench.client.secrets();
    secrets.write("app/db", &value("p")).expected_version(0).await.unwrap();
    let error = secrets.write("app/db", &value("q")).expected_version(0).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::VersionConflict));
    assert_eq!(secrets.write("app/db", &value("q")).expected_version(1).await.unwrap().version, 2);
    assert_eq!(bench.vault.calls_of("secrets.write"), 2);
    bench.vault.inject(Fault::status(StatusCode::CONFLICT).operation("secrets.write").times(1));
    let error = secrets.write("app/db", &value("r")).await.unwrap_err();
    assert!(matches!(&error, Error::Conflict(conflict) if conflict.code == ErrorCode::VersionConflict));
}

#[tokio::test]
async fn case_11_custom_metadata_survives_a_change() {
    let bench = bench();
    let secrets = bench.client.secrets();
    let metadata = SecretMetadata::default()
        .tags(["a"])
        .owner("team-a")
        .extra("cost_center", Json::parse("12345678901234567890").unwrap());
    secrets.write("app/db", &value("p")).metadata(metadata).await.unwrap();
    let read = secrets.read("app/db").await.unwrap().metadata;
    secrets.update_metadata("app/db", read.tags(["critical"])).remove("owner").await.unwrap();
    let read = secrets.read_metadata("app/db").await.unwrap().metadata.unwrap();
    assert_eq!(read.tags.as_deref(), Some(&["critical".to_owned()][..]));
    assert_eq!(read.owner, None);
    assert!(read.extra.contains_key("cost_center"));
}

#[tokio::test]
async fn case_14_pages_cover_every_secret_once() {
    let bench = bench();
    for number in 0..25 {
        bench.client.secrets().write(format!("app/s{number:02}"), &value("p")).await.unwrap();
    }
    let mut items = bench.client.secrets().list().prefix("app/").limit(10).items();
    let mut seen = Vec::new();
    while let Some(item) = items.next().await {
        seen.push(item.unwrap().path);
        if seen.len() == 5 {
            bench.client.secrets().delete("app/s12").permanent(true).await.unwrap();
            bench.client.secrets().write("app/s00a", &value("p")).await.unwrap();
        }
    }
    assert_eq!(seen.len(), 24);
    assert!(seen.is_sorted() && !seen.contains(&"app/s12".to_owned()));
    let lists: Vec<_> =
        bench.targets().into_iter().filter(|target| target.starts_with("GET /v1/secrets?")).collect();
    assert_eq!(lists.len(), 3);
    assert!(
        lists.iter().all(|target| target.contains("prefix=app%2F") && target.contains("limit=10")),
        "{lists:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let start = || bench_with(|vault| vault.data_file(folder.path().join("vault.db")), |client| client);
    let before = start();
    for path in ["a", "b"] {
        before.client.secrets().write(path, &value("p")).await.unwrap();
    }
    let cursor = before.client.secrets().list().limit(1).await.unwrap().cursor.unwrap();
    drop(before);
    let after = start();
    assert_eq!(after.client.secrets().read("b").await.unwrap().version, 1, "the secrets are still there");
    let error = after.client.secrets().list().limit(1).cursor(cursor).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::InvalidCursor));
}

#[tokio::test]
async fn case_30_tenants_have_secrets_of_their_own() {
    let bench = bench_with(|vault| vault.add_tenant("tnt_b"), |client| client);
    let other = bench.client.with_tenant("tnt_b").unwrap();
    bench.client.secrets().write("app/db", &value("a")).await.unwrap();
    assert!(matches!(other.secrets().read("app/db").await, Err(Error::NotFound(_))));
    other.secrets().write("app/db", &value("b")).await.unwrap();
    assert_eq!(bench.wire.exchanges().last().unwrap().header("x-tenant-id"), "tnt_b");
    let error = bench.client.with_tenant("tnt_c").unwrap().secrets().read("app/db").await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::TenantNotFound));
    let foreign = bench.client_of(Identity::new("sa:x")).with_tenant("tnt_b").unwrap();
    let error = foreign.secrets().read("app/db").await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::TenantAccessDenied));
    assert_eq!(bench.client.with_tenant("a b").unwrap_err().field(), Some("tenant"));
}

#[tokio::test]
async fn numbers_keep_their_digits() {
    let bench = bench();
    let data = Json::parse(r#"{"big":12345678901234567890.10,"s":"x"}"#).unwrap();
    bench.client.secrets().write("app/db", &data).await.unwrap();
    let read = bench.client.secrets().read("app/db").await.unwrap();
    assert_eq!(read.data.get("big").unwrap().expose(), "12345678901234567890.10");
    #[derive(serde::Deserialize)]
    struct Borrowed<'a> {
        s: &'a str,
    }
    assert_eq!(read.data.data_as::<Borrowed<'_>>().unwrap().s, "x");
}
