//! Policies, rotation, ACME, and the areas without cases of their own: cases 39, 46 and 48.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

mod support;

use std::time::Duration;

use scaivault::policies::{Permission, PolicyConditions, PolicyRule, PolicyTestContext};
use scaivault::{Error, ErrorCode, Json};
use scaivault_emulator::{Identity, OrderFault};
use serde_json::json;
use skyflow_http::Clock;
use support::{DAY, bench};

#[tokio::test]
async fn case_48_policy_tests_follow_rules_and_conditions() {
    let bench = bench();
    let policies = bench.client.policies();
    let rule = PolicyRule::new("environments/production/**", ["read", "list"])
        .conditions(PolicyConditions::default().ip_ranges(["10.0.0.0/8"]).require_mfa(true));
    let policy = policies.create("production-read-only", [rule]).description("d").await.unwrap();
    let binding = policies.bind(&policy.id, "group", "group:developers").await.unwrap();
    bench.client_of(Identity::new("user:alice@acme.example").groups(["group:developers"]));
    let allowed = async |ip: &str, mfa: bool, path: &str, permission: Permission| {
        let context = PolicyTestContext::default().source_ip(ip).mfa_verified(mfa);
        policies.test("user:alice@acme.example", path, permission).context(context).await.unwrap().allowed
    };
    let path = "environments/production/salesforce/oauth";
    assert!(allowed("10.0.1.50", true, path, Permission::Read).await);
    assert!(allowed("::ffff:10.0.1.50", true, path, Permission::Read).await);
    assert!(!allowed("10.0.1.50", false, path, Permission::Read).await);
    assert!(!allowed("11.0.1.50", true, path, Permission::Read).await);
    assert!(!allowed("10.0.1.50", true, path, Permission::Write).await);
    assert!(!allowed("10.0.1.50", true, "environments/staging/x", Permission::Read).await);
    policies.update(&policy.id).active(false).await.unwrap();
    assert!(!allowed("10.0.1.50", true, path, Permission::Read).await, "the policy is disabled");
    assert!(matches!(policies.delete(&policy.id).await, Err(Error::Conflict(_))));
    policies.unbind(&policy.id, binding.id.unwrap()).await.unwrap();
    policies.delete(&policy.id).await.unwrap();
}

#[tokio::test]
async fn case_48_expired_bindings_allow_nothing() {
    let bench = bench();
    let policies = bench.client.policies();
    let policy = policies.create("p", [PolicyRule::new("app/**", ["read"])]).await.unwrap();
    let end = bench.clock.now() + DAY;
    policies.bind(&policy.id, "service_account", "sa:a").expires_at(end).await.unwrap();
    bench.client.secrets().write("app/db", &json!({"p": "x"})).await.unwrap();
    let reader = bench.client_of(Identity::new("sa:a"));
    assert!(policies.test("sa:a", "app/db", Permission::Read).await.unwrap().allowed);
    reader.secrets().read("app/db").await.unwrap();
    bench.clock.advance(DAY);
    assert!(!policies.test("sa:a", "app/db", Permission::Read).await.unwrap().allowed);
    assert!(matches!(reader.secrets().read("app/db").await, Err(Error::AccessDenied(_))));
}

#[tokio::test]
async fn unknown_conditions_survive_and_fail_closed() {
    let bench = bench();
    let conditions =
        PolicyConditions::default().extra("time_window", Json::parse(r#"{"from":"08:00"}"#).unwrap());
    let rule = PolicyRule::new("app/**", ["read"]).conditions(conditions);
    let policy = bench.client.policies().create("p", [rule]).await.unwrap();
    bench.client.policies().bind(&policy.id, "service_account", "sa:a").await.unwrap();
    let read = bench.client.policies().get(&policy.id).await.unwrap();
    bench.client.policies().replace(&policy.id, "p2", read.rules).await.unwrap();
    let again = bench.client.policies().get(&policy.id).await.unwrap();
    let kept = &again.rules[0].conditions.as_ref().unwrap().extra["time_window"];
    assert_eq!(kept.get(), r#"{"from":"08:00"}"#);
    assert_eq!(again.bindings.len(), 1, "bindings stay");
    bench.client.secrets().write("app/db", &json!({"p": "x"})).await.unwrap();
    let error = bench.client_of(Identity::new("sa:a")).secrets().read("app/db").await.unwrap_err();
    let Error::AccessDenied(error) = error else { panic!("{error}") };
    assert_eq!(error.details["failed_condition"], "time_window");
}

#[tokio::test]
async fn wrong_patterns_and_scopes_are_refused() {
    let bench = bench();
    let error = bench.client.policies().create("p", [PolicyRule::new("/app", ["read"])]).await.unwrap_err();
    assert_eq!(error.field(), Some("rules[0].path_pattern"));
    assert_eq!(bench.wire.count(), 0);
    let reader = bench.client_of(Identity::new("sa:a").scopes(["secrets:read"]));
    let error = reader.policies().list().await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::InsufficientScope));
}

#[tokio::test]
async fn case_39_late_clock_rotates_once_and_warns_in_order() {
    let bench = bench();
    let (client, path) = (&bench.client, "app/db/password");
    client.secrets().write(path, &json!({"password": "first"})).await.unwrap();
    let policy = client
        .rotation()
        .create("quarterly", "90d")
        .grace_period("48h")
        .warn_before("7d,1d")
        .auto_generate(true)
        .await
        .unwrap();
    assert_eq!(policy.interval_seconds, Some(7_776_000));
    client.rotation().assign_secret(&policy.id, path).await.unwrap();
    let subscription =
        client.subscriptions().create("s", [path], ["rotation.due", "secret.rotated"]).await.unwrap();
    let due = client.rotation().get_secrets_due().within_hours(90 * 24).await.unwrap();
    assert_eq!(due.data.len(), 1);
    bench.clock.advance(275 * DAY);
    let secret = client.secrets().read(path).await.unwrap();
    assert_eq!(secret.version, 2);
    assert_ne!(secret.data.get("password").unwrap().expose(), "first");
    client.secrets().read(path).version(1).await.unwrap();
    let events = client.subscriptions().poll(&subscription.id).await.unwrap().data;
    let kinds: Vec<_> = events.iter().map(|event| event.event_type.as_ref().unwrap().as_str()).collect();
    assert_eq!(kinds, ["rotation.due", "rotation.due", "rotation.due", "secret.rotated"]);
    let history = client.rotation().get_history(&policy.id).limit(100).await.unwrap();
    assert_eq!((history.data.len(), history.data[0].secret_path.as_str()), (1, path));
    let rotated = client.rotation().trigger_rotation(&policy.id).secret_paths([path]).await.unwrap();
    assert_eq!(rotated.data[0].new_version, Some(3));
    bench.clock.advance(2 * DAY);
    let error = client.secrets().read(path).version(2).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::VersionNotFound));

    for call in [
        client.rotation().create("a", "1d").grace_period("1d"),
        client.rotation().create("b", "1d").warn_before("2d"),
    ] {
        assert!(matches!(call.grace_period("24h").await, Err(Error::Validation(_))));
    }
    assert_eq!(client.rotation().create("c", "7x").await.unwrap_err().field(), Some("interval"));
}

#[tokio::test]
async fn case_46_orders_are_polled_to_their_end() {
    let bench = bench();
    let acme = bench.client.acme();
    let account = acme
        .create_account("le", "letsencrypt", "certs@acme.example")
        .environment("production")
        .await
        .unwrap();
    let order = acme.issue(&account.id, ["api.acme.example"], "dns-01").auto_renew(true).await.unwrap();
    assert_eq!(order.status.unwrap().as_str(), "pending");
    let done = acme.wait_for(&order.id).await.unwrap();
    let pem = bench.client.pki().get_certificate_pem(done.certificate_id.unwrap()).await.unwrap();
    assert!(bench.client.pki().validate_certificate(pem).await.unwrap().valid);

    bench.vault.fail_orders("bad.example", OrderFault::Invalid("the challenge failed".to_owned()));
    bench.vault.fail_orders("odd.example", OrderFault::Stuck("ready".to_owned()));
    let bad = acme.issue(&account.id, ["bad.example"], "http-01").await.unwrap();
    let error = acme.wait_for(&bad.id).await.unwrap_err();
    assert!(error.to_string().contains("the challenge failed"), "{error}");
    let odd = acme.issue(&account.id, ["odd.example"], "http-01").await.unwrap();
    bench.vault.clear_journal();
    let error = acme.wait_for(&odd.id).total_time(Duration::from_secs(60)).await.unwrap_err();
    assert!(error.to_string().contains("still ready"), "{error}");
    assert!(bench.vault.calls_of("acme.get_order") <= 8);
    let error = acme.issue(&account.id, ["*.example"], "http-01").await.unwrap_err();
    assert_eq!(error.field(), Some("challenge_type"));
}

#[tokio::test]
async fn every_simple_area_makes_its_round() {
    let bench = bench();
    let client = &bench.client;
    assert_eq!(client.auth().whoami().await.unwrap().identity_id, "user:owner@emulator.example");
    assert!(client.auth().introspect(bench.vault.token().clone()).await.unwrap().active);
    assert!(!client.auth().introspect("skt_unknown").await.unwrap().active);
    client.system().health().await.unwrap();
    client.system().ready().await.unwrap();
    client.system().health_detailed().await.unwrap();
    assert!(client.system().metrics().await.unwrap().contains("scaivault_requests_total"));
    client.system().version().await.unwrap();
    let hook =
        client.webhooks().create("h", "https://hooks.example/x", "s", ["secret.created"]).await.unwrap();
    client.webhooks().update(&hook.id).enabled(false).await.unwrap();
    assert_eq!(client.webhooks().list().await.unwrap().data.len(), 1);
    client.webhooks().delete(&hook.id).await.unwrap();
    client.secrets().write("app/db", &json!({"a": "b"})).await.unwrap();
    let trail = client.audit().secret_trail("app/db").await.unwrap();
    assert_eq!(trail.data[0].action.as_ref().unwrap().as_str(), "write");
    assert!(client.audit().summary().await.unwrap().total_events >= Some(1));
    assert_eq!(client.audit().list().actions(["write"]).await.unwrap().data.len(), 1);
    let provider = client.dns().create("d", "route53", Json::parse("{\"k\":\"v\"}").unwrap()).await.unwrap();
    client.dns().delete(&provider.id).await.unwrap();
    assert!(client.identity().list_partners().await.unwrap().total.is_some());
    client.identity().list_users(bench.vault.tenant()).await.unwrap();
    assert!(client.federation().list().await.unwrap().data.is_empty());
    let fields = [scaivault::secret_policies::SecretPolicyField::new("password", "random")];
    let recipe = client.secret_policies().create("r", fields).await.unwrap();
    let preview = client.secret_policies().preview(&recipe.id).await.unwrap();
    assert_eq!(preview.data.get("password").unwrap().expose().len(), 32);
}
