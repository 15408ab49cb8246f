//! Tokens of other issuers, and the configurations that allow them.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, header};
use serde_json::{Value, json};
use skyflow_emulator::{BuildError, EmbeddedVault, NewServiceAccount, Role};
use skyflow_http::{Body, SystemClock};
use support::{Client, Response, send, unix_seconds};

const KEYS: &str = "https://issuer.example.com/keys";

/// Another issuer with one key.
struct Issuer(EcdsaKeyPair);

impl Issuer {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn key_set(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let key = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "x": part(1..33), "y": part(33..65)});
        json!({"keys": [{"kty": "oct", "k": "AA"}, key]})
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let now = unix_seconds(&SystemClock);
        let mut claims = json!({
            "iss": "https://issuer.example.com", "sub": "jane@example.com", "exp": now + 300, "team": "blue",
        });
        change(&mut claims);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k1"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

async fn call(client: &Client, method: Method, path: &str, body: Value) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", client.bearer))
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
        .unwrap();
    send(&client.vault, request).await
}

fn exchange_body(token: &str) -> Value {
    json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    })
}

async fn exchange(client: &Client, body: Value) -> Response {
    let request = Request::post("/v1/auth/sts/token").body(Body::from(body.to_string())).unwrap();
    send(&client.vault, request).await
}

/// A vault that trusts the issuer for one account.
async fn trusting(issuer: &Issuer) -> (Client, String) {
    let vault = EmbeddedVault::builder().jwk_set(KEYS, issuer.key_set()).build().unwrap();
    let account = NewServiceAccount::new("sts").role(Role::VaultViewer);
    let account = vault.create_service_account(account).unwrap().client_id().to_owned();
    let client = Client::new(&vault);
    let configuration = json!({
        "name": "idp", "issuer": "https://issuer.example.com", "publicKeyJWKURI": KEYS,
        "serviceAccountIDs": [account], "contextClaims": ["sub", "team"],
    });
    call(&client, Method::POST, "/v1/sts/config", configuration).await.ok();
    (client, account)
}

#[tokio::test]
async fn an_outside_token_buys_a_bearer_token() {
    let issuer = Issuer::new();
    let (client, account) = trusting(&issuer).await;
    let reply = exchange(&client, exchange_body(&issuer.token(|_| {}))).await.ok();
    assert_eq!(
        (&reply["tokenType"], &reply["issuedTokenType"]),
        (&json!("Bearer"), &json!("urn:ietf:params:oauth:token-type:jwt"))
    );
    let user = client.with_bearer(reply["accessToken"].as_str().unwrap());
    user.get("/table1").await.ok();
    user.post("/table1", json!({"records": [{"fields": {"name": "x"}}]})).await.error(403);
    let named = json!({"service_account_id": account});
    let mut body = exchange_body(&issuer.token(|_| {}));
    body["service_account_id"] = named["service_account_id"].clone();
    exchange(&client, body).await.ok();

    let events = format!(
        "/v1/audit/events?filterOps.accountID={}&filterOps.context.authMode=STS",
        client.vault.account_id()
    );
    let event = call(&client, Method::GET, &events, Value::Null).await.ok()["event"][0].clone();
    let context = &event["context"];
    assert_eq!((&context["subject"], &context["actor"]), (&json!("jane@example.com"), &json!(account)));
    assert!(context.get("keyID").is_none());
    let told: Value = serde_json::from_str(context["bearerTokenContextID"].as_str().unwrap()).unwrap();
    assert_eq!(told, json!({"sub": "jane@example.com", "team": "blue"}));
}

#[tokio::test]
async fn outside_tokens_that_prove_nothing_are_refused() {
    let issuer = Issuer::new();
    let (client, _) = trusting(&issuer).await;
    let now = unix_seconds(&SystemClock);
    let with = |member: &'static str, value: Value| issuer.token(move |claims| claims[member] = value);
    for (reason, token) in [
        ("no token", "x".to_owned()),
        ("another key", Issuer::new().token(|_| {})),
        ("another issuer", with("iss", json!("https://other.example.com"))),
        ("expired", with("exp", json!(now - 1))),
        ("no expiry", with("exp", Value::Null)),
        ("not valid yet", with("nbf", json!(now + 600))),
        ("no subject", with("sub", json!(""))),
    ] {
        let refused = exchange(&client, exchange_body(&token)).await;
        assert!(refused.error(401).starts_with("invalid_grant: "), "{reason}: {}", refused.body);
    }
    for (member, value, status) in [
        ("grant_type", json!("password"), 400),
        ("subject_token_type", json!("x"), 400),
        ("subject_token_type", Value::Null, 400),
        ("service_account_id", json!("unknown"), 401),
    ] {
        let mut body = exchange_body(&issuer.token(|_| {}));
        body[member] = value;
        exchange(&client, body).await.error(status);
    }
}

#[tokio::test]
async fn configurations_are_kept_changed_and_deleted() {
    let issuer = Issuer::new();
    let (client, _) = trusting(&issuer).await;
    let list = |query: &'static str| {
        let client = client.clone();
        async move {
            let path = format!("/v1/sts/config{query}");
            call(&client, Method::GET, &path, Value::Null).await.ok()["stsConfigs"]
                .as_array()
                .unwrap()
                .clone()
        }
    };
    let all = list("").await;
    assert_eq!((all.len(), &all[0]["issuer"]), (1, &json!("https://issuer.example.com")));
    assert_eq!(
        (list("?name=idp").await.len(), list("?name=x").await.len(), list("?offset=1").await.len()),
        (1, 0, 0)
    );
    let path = format!("/v1/sts/config/{}", all[0]["ID"].as_str().unwrap());
    assert_eq!(call(&client, Method::GET, &path, Value::Null).await.ok(), all[0]);

    let changed = call(&client, Method::POST, &path, json!({"name": "new"})).await.ok();
    assert_eq!((&changed["name"], &changed["issuer"]), (&json!("new"), &all[0]["issuer"]));
    call(&client, Method::POST, "/v1/sts/config", json!({"name": "x"})).await.error(400);
    call(&client, Method::DELETE, &path, Value::Null).await.ok();
    call(&client, Method::GET, &path, Value::Null).await.error(404);
    call(&client, Method::DELETE, &path, Value::Null).await.error(404);
    exchange(&client, exchange_body(&issuer.token(|_| {}))).await.error(401);

    let viewer =
        client.vault.create_service_account(NewServiceAccount::new("v").role(Role::VaultEditor)).unwrap();
    let viewer = client.with_bearer(viewer.create_api_key().unwrap().expose());
    call(&viewer, Method::GET, "/v1/sts/config", Value::Null).await.error(403);
}

#[test]
fn a_key_set_without_usable_keys_is_refused() {
    for keys in [json!({}), json!({"keys": []}), json!({"keys": [{"kty": "oct"}]}), json!([])] {
        let refused = EmbeddedVault::builder().jwk_set(KEYS, keys).build();
        assert!(matches!(refused, Err(BuildError::KeySet { .. })));
    }
}
