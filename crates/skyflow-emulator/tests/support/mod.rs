//! What the tests of the embedded vault share.
#![allow(dead_code, reason = "each test file uses its own part")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{Body, Clock};
use tower::ServiceExt;

pub(crate) const TOKEN_PATH: &str = "/v1/auth/sa/oauth/token";
pub(crate) const TOKEN_URI: &str = "https://manage.example.test/v1/auth/sa/oauth/token";

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Response {
    /// The body of a success; anything else fails the test.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// The message of an error with this status.
    #[track_caller]
    pub(crate) fn error(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.body["error"]["http_code"], status);
        self.body["error"]["message"].as_str().unwrap()
    }
}

/// Calls a vault in process, as its owner with the API key unless told otherwise.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) vault: EmbeddedVault,
    pub(crate) bearer: String,
}

impl Client {
    pub(crate) fn new(vault: &EmbeddedVault) -> Self {
        Self { vault: vault.clone(), bearer: vault.api_key().expose().to_owned() }
    }

    pub(crate) fn with_bearer(&self, bearer: &str) -> Self {
        Self { vault: self.vault.clone(), bearer: bearer.to_owned() }
    }

    /// Calls a path under the vault.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Response {
        let uri = format!("/v1/vaults/{}{path}", self.vault.vault_id());
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.bearer))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap();
        send(&self.vault, request).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.call(Method::POST, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.call(Method::GET, path, Value::Null).await
    }

    /// Inserts records and returns what the vault says about each.
    pub(crate) async fn insert(&self, table: &str, fields: &[Value]) -> Vec<Value> {
        let records: Vec<Value> = fields.iter().map(|fields| json!({ "fields": fields })).collect();
        let body = json!({ "records": records, "tokenization": true });
        self.post(&format!("/{table}"), body).await.ok()["records"].as_array().unwrap().clone()
    }

    /// Inserts one record and returns its id and tokens.
    pub(crate) async fn insert_one(&self, table: &str, fields: Value) -> (String, Value) {
        let inserted = self.insert(table, &[fields]).await.remove(0);
        (inserted["skyflow_id"].as_str().unwrap().to_owned(), inserted["tokens"].clone())
    }

    /// Detokenizes one token at a level and returns the value.
    pub(crate) async fn reveal(&self, token: &Value, redaction: &str) -> Value {
        let body = json!({ "detokenizationParameters": [{ "token": token, "redaction": redaction }] });
        self.post("/detokenize", body).await.ok()["records"][0]["value"].clone()
    }

    /// Reads one record at a level and returns its fields.
    pub(crate) async fn fields(&self, table: &str, id: &str, redaction: &str) -> Value {
        self.get(&format!("/{table}/{id}?redaction={redaction}")).await.ok()["fields"].clone()
    }
}

pub(crate) async fn send(vault: &EmbeddedVault, request: Request<Body>) -> Response {
    let response = vault.service().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect(64 << 20).await.unwrap();
    Response {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

pub(crate) fn unix_seconds(clock: &dyn Clock) -> i64 {
    clock.now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

/// The claims of an assertion as the official SDKs write them.
pub(crate) fn claims(credentials: &Value, clock: &dyn Clock) -> Value {
    json!({
        "iss": credentials["clientID"],
        "sub": credentials["clientID"],
        "key": credentials["keyID"],
        "aud": credentials["tokenURI"],
        "exp": unix_seconds(clock) + 3600,
    })
}

/// Signs claims with the private key of a `credentials.json`.
pub(crate) fn sign(credentials: &Value, claims: &Value) -> String {
    let pem = credentials["privateKey"].as_str().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) async fn exchange(vault: &EmbeddedVault, assertion: &str, scope: Value) -> Response {
    let body = json!({
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": assertion,
        "scope": scope,
    });
    let request = Request::post(TOKEN_PATH).body(Body::from(body.to_string())).unwrap();
    send(vault, request).await
}

pub(crate) fn owner_credentials(vault: &EmbeddedVault) -> Value {
    serde_json::from_str(vault.credentials_json(TOKEN_URI).expose()).unwrap()
}
