//! Who may call the vault.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use skyflow_emulator::{EmbeddedVault, NewServiceAccount, Role, ServiceAccount, ServiceAccountKey};
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
    let response = exchange(vault, &assertion, Value::Null).await.ok();
    assert_eq!(response["tokenType"], "Bearer");
    response["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn exchanged_bearer_token_expires_after_an_hour() {
    let (vault, clock) = vault();
    let client = Client::new(&vault).with_bearer(&bearer(&vault, &clock).await);
    client.get("/table1").await.ok();
    clock.advance(Duration::from_secs(3599));
    client.get("/table1").await.ok();
    clock.advance(Duration::from_secs(2));
    assert_eq!(client.get("/table1").await.error(401), EXPIRED);
}

#[tokio::test]
async fn foreign_bearer_tokens_are_refused() {
    let (vault, clock) = vault();
    let (other, _) = self::vault();
    let foreign = bearer(&other, &clock).await;
    let good = bearer(&vault, &clock).await;
    let cut = &good[..good.len() - 4];
    let unknown_key = "sky-abcde-00000000000000000000000000000000";
    for bad in [foreign.as_str(), cut, unknown_key, "", "x", other.api_key().expose()] {
        let response = Client::new(&vault).with_bearer(bad).get("/table1").await;
        assert_eq!(
            response.error(401),
            "The request is unauthorized. Make sure you have a valid access token."
        );
        assert_eq!(response.body["error"]["grpc_code"], 16);
    }
}

#[tokio::test]
async fn assertions_are_refused_for_each_wrong_claim() {
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
        let response = exchange(&vault, &sign(&credentials, &claims), Value::Null).await;
        assert_eq!(response.error(401), message, "{claim}");
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
async fn scope_names_only_roles_of_the_account() {
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

/// A service account with one key, and the credentials of that key.
fn account(vault: &EmbeddedVault, account: NewServiceAccount) -> (ServiceAccount, ServiceAccountKey, Value) {
    let account = vault.create_service_account(account).unwrap();
    let key = account.create_key().unwrap();
    let credentials = serde_json::from_str(key.credentials_json(TOKEN_URI).expose()).unwrap();
    (account, key, credentials)
}

async fn login(
    vault: &EmbeddedVault,
    clock: &ManualClock,
    credentials: &Value,
    ctx: Value,
) -> support::Response {
    let mut claims = claims(credentials, clock);
    if !ctx.is_null() {
        claims["ctx"] = ctx;
    }
    exchange(vault, &sign(credentials, &claims), Value::Null).await
}

fn token(response: support::Response) -> String {
    response.ok()["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn keys_are_rotated_while_the_vault_runs() {
    let (vault, clock) = vault();
    let (account, old, old_credentials) =
        account(&vault, NewServiceAccount::new("ci").role(Role::VaultEditor));
    let bearer = token(login(&vault, &clock, &old_credentials, Value::Null).await);
    let new = account.create_key().unwrap();
    let new_credentials = serde_json::from_str(new.credentials_json(TOKEN_URI).expose()).unwrap();
    login(&vault, &clock, &new_credentials, Value::Null).await.ok();
    old.set_enabled(false).unwrap();
    let refused = login(&vault, &clock, &old_credentials, Value::Null).await;
    assert_eq!(refused.error(401), "invalid_grant: Key is disabled");
    Client::new(&vault).with_bearer(&bearer).get("/table1").await.ok();
    old.set_enabled(true).unwrap();
    login(&vault, &clock, &old_credentials, Value::Null).await.ok();

    let mut swapped = claims(&new_credentials, &clock);
    swapped["key"] = old_credentials["keyID"].clone();
    exchange(&vault, &sign(&new_credentials, &swapped), Value::Null).await.error(401);

    let again = vault.service_account(account.client_id()).unwrap().unwrap();
    assert_eq!(again.key(new.key_id()).unwrap().unwrap().key_id(), new.key_id());
    assert!(vault.owner().key(new.key_id()).unwrap().is_none(), "the key of another account");
    assert!(vault.service_account("roleless").unwrap().is_none());

    account.delete().unwrap();
    Client::new(&vault).with_bearer(&bearer).get("/table1").await.error(401);
    login(&vault, &clock, &new_credentials, Value::Null).await.error(401);
}

#[tokio::test]
async fn api_keys_can_be_switched_off() {
    let (vault, _) = vault();
    let account = vault.create_service_account(NewServiceAccount::new("a").role(Role::VaultViewer)).unwrap();
    let key = account.create_api_key().unwrap();
    let client = Client::new(&vault).with_bearer(key.expose());
    client.get("/table1").await.ok();
    account.set_api_key_enabled(&key, false).unwrap();
    client.get("/table1").await.error(401);
    assert!(account.set_api_key_enabled(vault.api_key(), false).is_err(), "the key of another account");
}

#[tokio::test]
async fn revoked_bearer_tokens_fail_new_ones_work() {
    let (vault, clock) = vault();
    let old = bearer(&vault, &clock).await;
    vault.revoke_bearer_tokens().unwrap();
    Client::new(&vault).with_bearer(&old).get("/table1").await.error(401);
    let new = bearer(&vault, &clock).await;
    Client::new(&vault).with_bearer(&new).get("/table1").await.ok();
}

#[tokio::test]
async fn a_role_decides_what_may_be_written_and_seen() {
    let (vault, clock) = vault();
    let owner = Client::new(&vault);
    let fields = json!({"card_number": "4111111111111111", "cardholder_name": "Ada"});
    let (id, tokens) = owner.insert_one("table1", fields).await;
    let insert = json!({"records": [{"fields": {"name": "x"}}]});
    for (role, may_write) in [(Role::VaultEditor, true), (Role::VaultViewer, false)] {
        let (_, _, credentials) = account(&vault, NewServiceAccount::new("x").role(role));
        let client = owner.with_bearer(&token(login(&vault, &clock, &credentials, Value::Null).await));
        let written = client.post("/table1", insert.clone()).await;
        assert_eq!(written.status.as_u16(), if may_write { 200 } else { 403 }, "{role:?}");
        assert_eq!(client.reveal(&tokens["card_number"], "PLAIN_TEXT").await, "XXXXXXXXXXXX1111");
        assert_eq!(client.reveal(&tokens["card_number"], "REDACTED").await, "*REDACTED*");
        let seen = client.fields("table1", &id, "PLAIN_TEXT").await;
        assert_eq!(seen["cardholder_name"], "*REDACTED*");
    }
    let (_, _, roleless) = account(&vault, NewServiceAccount::new("roleless"));
    let client = owner.with_bearer(&token(login(&vault, &clock, &roleless, Value::Null).await));
    let refused = client.get("/table1").await;
    assert_eq!(refused.body["error"]["grpc_code"], 7);
    refused.error(403);
}

#[tokio::test]
async fn a_scope_narrows_what_a_token_may_do() {
    let (vault, clock) = vault();
    let both = NewServiceAccount::new("both").role(Role::VaultOwner).role(Role::VaultViewer);
    let (_, _, credentials) = account(&vault, both);
    let assertion = sign(&credentials, &claims(&credentials, &clock));
    let scope = json!(format!("role:{}", vault.role_id(Role::VaultViewer)));
    let viewer = token(exchange(&vault, &assertion, scope).await);
    let insert = json!({"records": [{"fields": {"name": "x"}}]});
    Client::new(&vault).with_bearer(&viewer).post("/table1", insert.clone()).await.error(403);
    let whole = token(exchange(&vault, &assertion, Value::Null).await);
    Client::new(&vault).with_bearer(&whole).post("/table1", insert).await.ok();
}

#[tokio::test]
async fn an_account_can_demand_a_context() {
    let (vault, clock) = vault();
    let (_, _, credentials) =
        account(&vault, NewServiceAccount::new("c").role(Role::VaultOwner).require_context());
    let refused = login(&vault, &clock, &credentials, Value::Null).await;
    assert_eq!(refused.error(401), "invalid_grant: Context is required");
    for good in [json!("user-7"), json!({"user_id": "7", "deep": {"a-b": 1}})] {
        login(&vault, &clock, &credentials, good).await.ok();
    }
    for bad in [json!({"user-id": "7"}), json!({"": 1}), json!(["x"])] {
        login(&vault, &clock, &credentials, bad).await.error(400);
    }
}

#[tokio::test]
async fn signed_token_binds_account_context_and_time() {
    let (vault, clock) = vault();
    let (_, tokens) = Client::new(&vault).insert_one("table1", json!({"name": "Ada"})).await;
    let strict = NewServiceAccount::new("strict").role(Role::VaultOwner).require_signed_tokens();
    let (_, key, credentials) = account(&vault, strict);
    let (_, _, others) = account(&vault, NewServiceAccount::new("other").role(Role::VaultOwner));
    let client =
        Client::new(&vault).with_bearer(&token(login(&vault, &clock, &credentials, json!("user-7")).await));

    let signed = |by: &Value, change: &dyn Fn(&mut Value)| {
        let mut claims = json!({
            "iss": "sdk", "key": by["keyID"], "sub": by["clientID"], "tok": tokens["name"],
            "iat": unix_seconds(&clock), "exp": unix_seconds(&clock) + 60, "ctx": "user-7",
        });
        change(&mut claims);
        json!(format!("signed_token_{}", sign(by, &claims)))
    };
    let good = signed(&credentials, &|_| {});
    assert_eq!(client.reveal(&good, "PLAIN_TEXT").await, "Ada");

    let try_token = |token: Value| {
        let client = client.clone();
        async move {
            let body = json!({"detokenizationParameters": [{"token": token}], "continueOnError": true});
            client.post("/detokenize", body).await.ok()["records"][0]["error"].clone()
        }
    };
    assert_eq!(try_token(tokens["name"].clone()).await, "Token Is Not Signed");
    for bad in [
        signed(&others, &|_| {}),
        signed(&others, &|claims| claims["sub"] = credentials["clientID"].clone()),
        signed(&others, &|claims| claims["key"] = credentials["keyID"].clone()),
        signed(&credentials, &|claims| claims["exp"] = json!(unix_seconds(&clock))),
        signed(&credentials, &|claims| claims["ctx"] = json!("user-8")),
        signed(&credentials, &|claims| claims["iss"] = json!("someone")),
        signed(&credentials, &|claims| drop(claims.as_object_mut().unwrap().remove("tok"))),
        json!("signed_token_x"),
    ] {
        assert_eq!(try_token(bad).await, "Signed Token Is Invalid");
    }
    assert_eq!(
        try_token(signed(&credentials, &|claims| claims["tok"] = json!("no"))).await,
        "Token Not Found"
    );
    let body = json!({"detokenizationParameters": [{"token": tokens["name"]}]});
    client.post("/detokenize", body).await.error(400);

    clock.advance(Duration::from_secs(61));
    assert_eq!(try_token(good).await, "Signed Token Is Invalid");
    key.set_enabled(false).unwrap();
    assert_eq!(try_token(signed(&credentials, &|_| {})).await, "Signed Token Is Invalid");
}

#[tokio::test]
async fn tokens_that_begin_later_are_refused() {
    let (vault, clock) = vault();
    let credentials = owner_credentials(&vault);
    let now = unix_seconds(&clock);
    let mut claims = claims(&credentials, &clock);
    for (start, is_valid) in [(now - 3600, true), (now + 30, true), (now + 120, false)] {
        claims["nbf"] = json!(start);
        let response = exchange(&vault, &sign(&credentials, &claims), Value::Null).await;
        if is_valid {
            response.ok();
        } else {
            assert_eq!(response.error(401), "invalid_grant: Assertion is not valid yet");
        }
    }
    claims["nbf"] = json!("tomorrow");
    exchange(&vault, &sign(&credentials, &claims), Value::Null).await.error(401);

    let (_, tokens) = Client::new(&vault).insert_one("table1", json!({"name": "Ada"})).await;
    let client = Client::new(&vault).with_bearer(&bearer(&vault, &clock).await);
    for (start, expected) in [(now, json!("Ada")), (now + 120, json!(""))] {
        let claims = json!({
            "iss": "sdk", "key": credentials["keyID"], "sub": credentials["clientID"], "tok": tokens["name"],
            "nbf": start, "exp": now + 300,
        });
        let token = format!("signed_token_{}", sign(&credentials, &claims));
        let body = json!({"detokenizationParameters": [{"token": token}], "continueOnError": true});
        assert_eq!(client.post("/detokenize", body).await.ok()["records"][0]["value"], expected);
    }
}

#[tokio::test]
async fn an_expired_key_is_told_in_published_words() {
    let (vault, clock) = vault();
    let (_, key, credentials) = account(&vault, NewServiceAccount::new("k").role(Role::VaultOwner));
    let old = token(login(&vault, &clock, &credentials, Value::Null).await);
    key.set_expiry(skyflow_http::Clock::now(&clock) + Duration::from_secs(60)).unwrap();
    login(&vault, &clock, &credentials, Value::Null).await.ok();
    clock.advance(Duration::from_secs(60));
    let refused = login(&vault, &clock, &credentials, Value::Null).await;
    assert_eq!(refused.error(401), "Error: Key expired, consider rotating.");
    assert_eq!(refused.body["error"]["grpc_code"], 16);
    Client::new(&vault).with_bearer(&old).get("/table1").await.ok();
}

#[tokio::test]
async fn malformed_scope_is_told_in_published_words() {
    let (vault, clock) = vault();
    let credentials = owner_credentials(&vault);
    let assertion = sign(&credentials, &claims(&credentials, &clock));
    for scope in [vault.role_id(Role::VaultOwner), "roles:x", "role"] {
        let refused = exchange(&vault, &assertion, json!(scope)).await;
        assert_eq!(refused.error(400), "Scopes in request token in wrong format", "{scope}");
        assert_eq!(refused.body["error"]["grpc_code"], 3);
    }
}
