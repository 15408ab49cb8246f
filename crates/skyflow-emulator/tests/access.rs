//! Who may call the vault.

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skyflow_emulator::{EmbeddedVault, Role};
use skyflow_http::ManualClock;
use support::{Client, TOKEN_URI, claims, exchange, owner_credentials, sign, unix_seconds};

const EXPIRED: &str = "Authentication failed. Bearer token is expired. Use a valid bearer token. See https://docs.skyflow.com/api-authentication/";

fn vault() -> (EmbeddedVault, ManualClock) {
    let clock = ManualClock::new();
    (EmbeddedVault::builder().clock(Arc::new(clock.clone())).build().unwrap(), clock)
}

async fn bearer(vault: &EmbeddedVault, clock: &ManualClock) -> String {
    let credentials = owner_credentials(vault);
    let assertion = sign(&credentials, &claims(&credentials, clock));
    let answer = exchange(vault, &assertion, Value::Null).await.ok();
    assert_eq!(answer["tokenType"], "Bearer");
    answer["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_assertion_buys_a_bearer_token_that_expires_after_an_hour() {
    let (vault, clock) = vault();
    let client = Client::new(&vault).with_bearer(&bearer(&vault, &clock).await);
    client.get("/table1").await.ok();
    clock.advance(Duration::from_secs(3599));
    client.get("/table1").await.ok();
    clock.advance(Duration::from_secs(2));
    assert_eq!(client.get("/table1").await.error(401), EXPIRED);
}

#[tokio::test]
async fn a_bearer_token_that_the_vault_did_not_issue_is_refused() {
    let (vault, clock) = vault();
    let (other, _) = self::vault();
    let foreign = bearer(&other, &clock).await;
    let good = bearer(&vault, &clock).await;
    let cut = &good[..good.len() - 4];
    let unknown_key = "sky-abcde-00000000000000000000000000000000";
    for bad in [foreign.as_str(), cut, unknown_key, "", "x", other.api_key().expose()] {
        let answer = Client::new(&vault).with_bearer(bad).get("/table1").await;
        assert_eq!(
            answer.error(401),
            "The request is unauthorized. Make sure you have a valid access token."
        );
        assert_eq!(answer.body["error"]["grpc_code"], 16);
    }
}

#[tokio::test]
async fn an_assertion_is_refused_for_each_claim_that_is_wrong() {
    let (vault, clock) = vault();
    let credentials = owner_credentials(&vault);
    let now = unix_seconds(&clock);
    for (claim, value, message) in [
        ("aud", json!("https://demo.com"), "invalid_grant: Invalid Audience https://demo.com"),
        ("aud", json!(format!("{TOKEN_URI}/")), &*format!("invalid_grant: Invalid Audience {TOKEN_URI}/")),
        ("exp", json!(now - 120), "invalid_grant: Assertion is expired"),
        ("exp", json!(now + 3600 + 120), "invalid_grant: Expiry is more than 60 minutes ahead"),
        ("exp", Value::Null, "invalid_grant: Missing Expiry"),
        ("iss", json!("someone"), "invalid_grant: Invalid Issuer or Subject"),
        ("sub", json!("someone"), "invalid_grant: Invalid Issuer or Subject"),
        ("key", json!("unknown"), "invalid_grant: Invalid Key ID"),
    ] {
        let mut claims = claims(&credentials, &clock);
        claims[claim] = value;
        let answer = exchange(&vault, &sign(&credentials, &claims), Value::Null).await;
        assert_eq!(answer.error(401), message, "{claim}");
    }
}

#[tokio::test]
async fn an_assertion_signed_by_another_key_is_refused() {
    let (vault, clock) = vault();
    let (other, _) = self::vault();
    let claims = claims(&owner_credentials(&vault), &clock);
    let forged = sign(&owner_credentials(&other), &claims);
    assert_eq!(exchange(&vault, &forged, Value::Null).await.error(401), "invalid_grant: Invalid Signature");
    assert_eq!(
        exchange(&vault, "no.jwt.here", Value::Null).await.error(401),
        "invalid_grant: Invalid Assertion"
    );
}

#[tokio::test]
async fn a_scope_may_name_the_roles_of_the_account_and_no_others() {
    let (vault, clock) = vault();
    let credentials = owner_credentials(&vault);
    let assertion = sign(&credentials, &claims(&credentials, &clock));
    let owner = vault.role_id(Role::VaultOwner);
    for good in [json!(format!("role:{owner}")), json!(format!(" role:{owner} ")), json!(""), Value::Null] {
        exchange(&vault, &assertion, good).await.ok();
    }
    let viewer = vault.role_id(Role::VaultViewer);
    for bad in [format!("role:{viewer}"), "role:unknown".into(), owner.into()] {
        exchange(&vault, &assertion, json!(bad)).await.error(400);
    }
}

#[tokio::test]
async fn clocks_may_differ_a_little() {
    let (vault, clock) = vault();
    let credentials = owner_credentials(&vault);
    let mut claims = claims(&credentials, &clock);
    for exp in [unix_seconds(&clock) + 3630, unix_seconds(&clock) - 30] {
        claims["exp"] = json!(exp);
        exchange(&vault, &sign(&credentials, &claims), Value::Null).await.ok();
    }
}
