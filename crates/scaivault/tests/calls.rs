//! Retries, credentials, pages and damaged responses: cases 12, 13, 17 to 21, and 52 to 54.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::join_all;
use http::StatusCode;
use scaivault::audit::AuditExportDestination;
use scaivault::{Client, Error, ErrorCode, Timestamp};
use scaivault_emulator::{EmbeddedScaiVault, Fault, Identity};
use serde_json::json;
use skyflow_http::ManualClock;
use skyflow_testkit::{Recorder, Reply, Scripted};
use support::{BASE, bench, bench_with, builder, scripted_client};

#[tokio::test]
async fn case_12_broken_cursors_end_the_stream() {
    for (pages, message) in [
        (vec![json!({"data": [], "has_more": true, "cursor": null})], "sent no cursor"),
        (vec![json!({"data": [], "has_more": true, "cursor": "a"})], "same cursor twice"),
    ] {
        let service = Scripted::new(pages.iter().map(|page| Reply::json(200, page)));
        let error =
            scripted_client(&service).secrets().list().items().try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(service.count() <= 2, "never page one again");
    }
}

#[tokio::test]
async fn case_13_lists_come_under_every_known_key() {
    for key in ["data", "secrets", "items"] {
        let service = Scripted::new([Reply::json(200, &json!({key: [{"path": "a"}, 7], "has_more": false}))]);
        let page = scripted_client(&service).secrets().list().await.unwrap();
        assert_eq!((page.data.len(), page.unreadable.len()), (1, 1), "{key}");
    }
    let service = Scripted::new([Reply::json(200, &json!({"has_more": false}))]);
    assert!(matches!(scripted_client(&service).secrets().list().await, Err(Error::Decode(_))));
}

#[tokio::test]
async fn case_17_retry_after_is_obeyed_or_reported() {
    let bench = bench();
    let limit =
        || Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after("12").operation("auth.whoami").times(1);
    bench.vault.inject(limit());
    bench.client.auth().whoami().await.unwrap();
    assert!(bench.clock.slept().iter().any(|pause| *pause >= Duration::from_secs(12)));
    bench.vault.inject(limit());
    let error = bench.client.auth().whoami().deadline(Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited(_)), "{error}");
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(12)), 1));

    // A write that appends is sent again too: the server has not carried it out.
    let limit = Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after("12").times(1);
    bench.vault.inject(limit.operation("audit.export_create"));
    let before = bench.clock.slept().len();
    let destination = AuditExportDestination::new("s3").credentials_path("app/s3");
    bench.client.audit().export("jsonl", destination).await.unwrap();
    assert!(bench.clock.slept()[before..].iter().any(|pause| *pause >= Duration::from_secs(12)));
    assert_eq!(bench.vault.calls_of("audit.export_create"), 2);
}

#[tokio::test]
async fn case_18_retries_are_counted_beside_the_first_send() {
    for (retries, sends) in [(3, 4), (0, 1)] {
        let bench = bench_with(|vault| vault, |client| client.max_retries(retries));
        bench.vault.inject(Fault::status(StatusCode::SERVICE_UNAVAILABLE).operation("auth.whoami"));
        let error = bench.client.auth().whoami().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)));
        assert_eq!((error.attempts(), bench.vault.calls_of("auth.whoami")), (sends, sends as usize));
    }
}

#[tokio::test]
async fn case_19_internal_errors_are_retried_once() {
    for (retries, sends) in [(None, 2), (Some(3), 4)] {
        let bench = bench_with(
            |vault| vault,
            |client| match retries {
                Some(retries) => client.retry_internal(retries),
                None => client,
            },
        );
        bench.vault.inject(Fault::status(StatusCode::INTERNAL_SERVER_ERROR));
        assert!(matches!(bench.client.auth().whoami().await, Err(Error::Internal(_))));
        assert_eq!(bench.vault.journal().len(), sends);
        bench.vault.clear_journal();
        let error =
            bench.client.policies().create("p", [scaivault::policies::PolicyRule::new("a", ["read"])]).await;
        assert!(matches!(error, Err(Error::Internal(_))));
        assert_eq!(bench.vault.journal().len(), 1, "a creation is not repeated");
    }
}

#[tokio::test]
async fn refusals_are_never_retried_and_say_everything() {
    let bench = bench();
    for (status, code) in
        [(403, "access_denied"), (404, "not_found"), (409, "version_conflict"), (400, "invalid_request")]
    {
        bench.vault.clear_journal();
        bench.vault.clear_faults();
        bench.vault.inject(Fault::status(StatusCode::from_u16(status).unwrap()));
        let error = bench.client.auth().whoami().await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.code().unwrap().as_str()), (status, code));
        assert!(error.request_id().is_some());
        assert_eq!((error.attempts(), bench.vault.journal().len()), (1, 1));
    }
}

#[tokio::test]
async fn case_20_one_exchange_serves_fifty_callers() {
    let clock = ManualClock::new();
    let vault = EmbeddedScaiVault::builder().clock(Arc::new(clock.clone())).build().unwrap();
    let wire = Recorder::new();
    let client = builder(&vault, &clock, &wire)
        .client_credentials(vault.client_id(), vault.client_secret().clone())
        .token_url(format!("{BASE}/oauth/token"))
        .build()
        .unwrap();
    client.auth().whoami().await.unwrap();
    vault.expire_exchanged_tokens().unwrap();
    vault.clear_journal();
    let calls = join_all((0..50).map(|_| client.auth().whoami().send())).await;
    assert!(calls.iter().all(Result::is_ok));
    assert_eq!(vault.calls_of("scaikey.create_token"), 1);
    assert!(vault.calls_of("auth.whoami") <= 100);

    let token = vault.issue_token(Identity::new("sa:a")).unwrap();
    let fixed = builder(&vault, &clock, &wire).token(token.clone()).build().unwrap();
    vault.expire_token(&token).unwrap();
    vault.clear_journal();
    let error = fixed.auth().whoami().await.unwrap_err();
    assert!(matches!(&error, Error::Authentication(error) if error.code == ErrorCode::TokenExpired));
    assert_eq!(vault.journal().len(), 1);
}

#[tokio::test]
async fn case_20_revoked_tokens_are_not_replaced() {
    let service = Scripted::from_fn(|request| match request.uri.path() {
        "/oauth/token" => Reply::json(200, &json!({"access_token": "t", "token_type": "Bearer"})),
        _ => {
            Reply::json(401, &json!({"error": {"code": "token_revoked", "message": "m", "request_id": "r"}}))
        }
    });
    let client = Client::builder()
        .base_url(BASE)
        .environment(|_| None)
        .client_credentials("id", "secret")
        .transport(service.service())
        .clock(Arc::new(ManualClock::new()))
        .build()
        .unwrap();
    assert!(matches!(client.auth().whoami().await, Err(Error::Authentication(_))));
    assert_eq!(service.count(), 2, "one exchange and one call");
    let exchange = &service.requests()[0];
    assert_eq!(exchange.text(), "grant_type=client_credentials&client_id=id&client_secret=secret");
    assert_eq!(exchange.host(), "scaikey.scailabs.ai");
}

#[tokio::test]
async fn case_21_odd_lifetimes_of_tokens_are_no_loop() {
    for expires_in in [json!(0), json!(-5), json!(null), json!(1_000_000_000_000_u64), json!("x")] {
        let service = Scripted::from_fn(move |request| match request.uri.path() {
            "/oauth/token" => Reply::json(200, &json!({"access_token": "t", "expires_in": expires_in})),
            _ => Reply::json(200, &json!({"identity_id": "sa:a"})),
        });
        let client = Client::builder()
            .base_url(BASE)
            .environment(|_| None)
            .client_credentials("id", "secret")
            .transport(service.service())
            .clock(Arc::new(ManualClock::new()))
            .build()
            .unwrap();
        for _ in 0..2 {
            client.auth().whoami().await.unwrap();
        }
        assert!(service.count() <= 4);
    }
}

#[tokio::test]
async fn token_endpoint_failures_are_typed() {
    for (reply, text) in [
        (Reply::status(302).header("location", "https://evil.example"), "redirects"),
        (Reply::json(401, &json!({"error": "invalid_client"})), "refused"),
        (Reply::json(200, &json!({"token": "t"})), "holds no token"),
        (Reply::status(200).body("<html>"), "holds no token"),
    ] {
        let service = Scripted::new([reply]);
        let client = Client::builder()
            .base_url(BASE)
            .environment(|_| None)
            .client_credentials("id", "canary-secret")
            .transport(service.service())
            .clock(Arc::new(ManualClock::new()))
            .build()
            .unwrap();
        let error = client.auth().whoami().await.unwrap_err();
        assert!(matches!(error, Error::Token(_)), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn case_52_token_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "skt_one\n").unwrap();
    let service = Scripted::from_fn(|request| match request.header("authorization") {
        "Bearer skt_two" => Reply::json(200, &json!({"identity_id": "sa:a"})),
        _ => {
            Reply::json(401, &json!({"error": {"code": "token_expired", "message": "m", "request_id": "r"}}))
        }
    });
    let variable = path.to_str().unwrap().to_owned();
    let client = Client::builder()
        .environment(move |name| match name {
            "SCAIVAULT_TOKEN_FILE" => Some(variable.clone()),
            "SCAIVAULT_URL" => Some(BASE.to_owned()),
            _ => None,
        })
        .transport(service.service())
        .clock(Arc::new(ManualClock::auto_advancing()))
        .build()
        .unwrap();
    assert!(matches!(client.auth().whoami().await, Err(Error::Authentication(_))));
    std::fs::write(&path, "  skt_two \n").unwrap();
    client.auth().whoami().await.unwrap();
    std::fs::write(&path, "\n").unwrap();
    let empty = Client::builder().environment(|_| None).token_file(&path).build().unwrap_err();
    assert_eq!(empty.field(), Some("token_file"));
}

#[tokio::test]
async fn case_53_damaged_responses_are_typed() {
    let read = |reply: Reply| async move {
        let service = Scripted::new([reply.header("x-request-id", "req_1")]);
        let client = scripted_client(&service);
        (client.secrets().read("a").await, client.secrets().rotate("a").await)
    };
    let (page, _) =
        read(Reply::status(502).header("content-type", "text/html").body("<h1>Bad Gateway</h1>")).await;
    let page = page.unwrap_err();
    assert!(matches!(page, Error::Unavailable(_)), "{page}");
    assert_eq!(page.request_id().unwrap().as_str(), "req_1");
    for body in [r#"{"path": "a", "#, "", "[]", r#"{"path":"a","version":1,"data":"text"}"#] {
        let (error, _) = read(Reply::status(200).body(body)).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{body}: {error}");
        assert_eq!(error.request_id().unwrap().as_str(), "req_1");
    }
    for reply in [Reply::status(204), Reply::json(200, &json!({}))] {
        let (_, rotated) = read(reply).await;
        assert_eq!(rotated.unwrap().new_version, None, "no page documents the response");
    }
}

#[tokio::test]
async fn case_54_unreadable_times_cost_nothing_else() {
    let service = Scripted::new([Reply::json(
        200,
        &json!({"path": "a", "version": 1, "data": {}, "created_at": "soon", "updated_at": "2026-01-02T04:04:05+01:00"}),
    )]);
    let secret = scripted_client(&service).secrets().read("a").await.unwrap();
    assert_eq!(secret.created_at.as_ref().unwrap().as_str(), "soon");
    assert_eq!(secret.updated_at.unwrap().time(), Timestamp::new("2026-01-02T03:04:05Z").time());
}

#[test]
fn environment_alone_makes_a_client_or_a_clear_error() {
    let build = |pairs: &'static [(&str, &str)]| {
        Client::builder()
            .environment(move |name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
            })
            .build()
    };
    assert!(build(&[("SCAIVAULT_TOKEN", "skt_1")]).is_ok());
    assert!(build(&[("SCAIKEY_CLIENT_ID", "a"), ("SCAIKEY_CLIENT_SECRET", "b")]).is_ok());
    for (pairs, field) in [
        (&[][..], "token"),
        (&[("SCAIVAULT_TOKEN", "")], "token"),
        (&[("SCAIKEY_CLIENT_ID", "a")], "SCAIKEY_CLIENT_SECRET"),
        (&[("SCAIVAULT_TOKEN", "a b")], "token"),
        (&[("SCAIVAULT_TOKEN", "t"), ("SCAIVAULT_BASE_URL", "http://vault.example")], "SCAIVAULT_BASE_URL"),
        (&[("SCAIVAULT_TOKEN", "t"), ("SCAIVAULT_TENANT_ID", "a b")], "SCAIVAULT_TENANT_ID"),
    ] {
        let error = build(pairs).unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
        assert!(matches!(error, Error::Config(_)));
    }
}

#[tokio::test]
async fn arguments_come_before_the_environment() {
    let service = Scripted::new([Reply::json(200, &json!({"identity_id": "sa:a"}))]);
    let client = Client::builder()
        .base_url("https://argument.example")
        .token("skt_argument")
        .environment(|name| {
            Some(if name.ends_with("URL") { "https://environment.example" } else { "environment" }.to_owned())
        })
        .transport(service.service())
        .build()
        .unwrap();
    client.auth().whoami().await.unwrap();
    let request = &service.requests()[0];
    assert_eq!(
        (request.host(), request.header("authorization")),
        ("argument.example", "Bearer skt_argument")
    );
    assert!(request.header("user-agent").starts_with("scaivault-rust/"));
    assert_eq!(request.header("x-tenant-id"), "environment");
}
