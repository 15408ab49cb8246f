//! Attaching tokens: replay after a 401, host guard, readiness, headers.

#![expect(non_snake_case, reason = "T05 and its like are ids of promises")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Endpoint, Reply};
use bytes::Bytes;
use skyflow_auth::{
    ApiKey, AuthError, AuthErrorKind, AuthHeader, AuthLayer, Cached, CallTokens, HostGuard,
    ServiceAccountTokens, TokenProvider, connection_header,
};
use skyflow_http::{
    BaseUri, Body, CallContext, HttpService, Idempotency, ManualClock, OperationInfo, Request,
};
use skyflow_testkit::{API_KEY, Scripted, Strict};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

const VAULT: &str = "https://abc.vault.skyflowapis.com";

/// A vault that knows which tokens it takes.
struct Vault {
    server: Scripted,
    tokens: Arc<Tokens>,
}

#[derive(Default)]
struct Tokens {
    revoked: Mutex<HashSet<String>>,
    refuses_all: AtomicBool,
    executed: AtomicUsize,
}

impl Vault {
    fn new() -> Self {
        let tokens = Arc::new(Tokens::default());
        let known = Arc::clone(&tokens);
        let server = Scripted::from_fn(move |request| {
            let revoked = known.revoked.lock().unwrap().contains(request.header("authorization"));
            if revoked || known.refuses_all.load(Ordering::Relaxed) {
                return skyflow_testkit::Reply::status(401).body("401");
            }
            assert!(request.operation.is_some(), "extensions survive a replay");
            known.executed.fetch_add(1, Ordering::Relaxed);
            skyflow_testkit::Reply::status(200).body(request.body.clone())
        });
        Self { server, tokens }
    }

    fn revoke(&self, token: &str) {
        self.tokens.revoked.lock().unwrap().insert(format!("Bearer {token}"));
    }

    fn requests(&self) -> usize {
        self.server.count()
    }

    fn executed(&self) -> usize {
        self.tokens.executed.load(Ordering::Relaxed)
    }

    fn last(&self, header: &str) -> Option<http::HeaderValue> {
        self.server.requests().last().unwrap().headers.get(header).cloned()
    }

    fn service(&self) -> HttpService {
        self.server.service()
    }
}

fn request(body: impl Into<Body>) -> Request {
    let mut request = http::Request::post(format!("{VAULT}/v1/vaults/v/t")).body(body.into()).unwrap();
    let info = OperationInfo::new("records.insert", "/v1/{}", Idempotency::NonIdempotent);
    request.extensions_mut().insert(CallContext::new(info));
    request
}

fn guard() -> HostGuard {
    HostGuard::new(BaseUri::parse(VAULT).unwrap())
}

fn layer(tokens: Arc<dyn TokenProvider>) -> AuthLayer {
    AuthLayer::new(tokens, AuthHeader::bearer(), guard())
}

fn service_account(endpoint: &Endpoint, clock: &ManualClock) -> Arc<Cached<ServiceAccountTokens>> {
    Arc::new(Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())))
}

#[tokio::test]
async fn rel_T05_revoked_token_is_replaced_once() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    let tokens = service_account(&endpoint, &clock);
    let old = tokens.token().await.unwrap();
    vault.revoke(old.expose());
    let stack = HttpService::new(layer(tokens.clone()).layer(vault.service()));
    let response = stack.send(request("the body")).await.unwrap();
    assert_eq!(response.into_body().collect(64).await.unwrap(), "the body");
    assert_eq!((endpoint.exchanges(), vault.requests()), (2, 2));
    assert!(vault.last("authorization").unwrap().is_sensitive());
    assert!(!tokens.token().await.unwrap().is_same(&old));
}

#[tokio::test]
async fn rel_T05_second_401_is_returned() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    vault.tokens.refuses_all.store(true, Ordering::Relaxed);
    let stack = HttpService::new(layer(service_account(&endpoint, &clock)).layer(vault.service()));
    assert_eq!(stack.send(request("x")).await.unwrap().status(), 401);
    assert_eq!((endpoint.exchanges(), vault.requests()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rel_T05_thousand_401s_cause_one_exchange() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    let tokens = service_account(&endpoint, &clock);
    vault.revoke(tokens.token().await.unwrap().expose());
    let stack = HttpService::new(layer(tokens).layer(vault.service()));
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let stack = stack.clone();
            tokio::spawn(async move { stack.send(request("row")).await.unwrap().status() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(endpoint.exchanges(), 2, "the revoked one and one more");
    // T06: a 401 is a refusal before execution, so the replay of an insert makes no second row.
    assert_eq!(vault.executed(), 1000);
}

#[tokio::test]
async fn rel_T06_replayed_insert_is_executed_once() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    let tokens = service_account(&endpoint, &clock);
    vault.revoke(tokens.token().await.unwrap().expose());
    let stack = HttpService::new(layer(tokens).layer(vault.service()));
    assert_eq!(stack.send(request("row")).await.unwrap().status(), 200);
    assert_eq!(vault.executed(), 1);
}

#[tokio::test]
async fn stream_is_not_replayed_after_a_401() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    let tokens = service_account(&endpoint, &clock);
    vault.revoke(tokens.token().await.unwrap().expose());
    let stack = HttpService::new(layer(tokens).layer(vault.service()));
    let body = Body::new(http_body_util::Full::new(Bytes::from_static(b"stream")));
    assert_eq!(stack.send(request(body)).await.unwrap().status(), 401);
    assert_eq!((endpoint.exchanges(), vault.requests()), (1, 1));
}

#[tokio::test]
async fn a_key_that_cannot_change_is_not_tried_twice() {
    let vault = Vault::new();
    vault.revoke(API_KEY);
    let stack = HttpService::new(layer(Arc::new(ApiKey::new(API_KEY).unwrap())).layer(vault.service()));
    assert_eq!(stack.send(request("x")).await.unwrap().status(), 401);
    assert_eq!(vault.requests(), 1);
}

#[tokio::test]
async fn without_a_token_the_request_is_not_sent() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    endpoint.otherwise(Reply::Status(401, r#"{"error":"invalid_grant"}"#));
    let stack = HttpService::new(layer(service_account(&endpoint, &clock)).layer(vault.service()));
    let error = stack.send(request("x")).await.unwrap_err();
    assert_eq!(AuthError::find(&*error).unwrap().kind(), AuthErrorKind::Rejected);
    assert_eq!(vault.requests(), 0);
}

#[tokio::test]
async fn another_host_gets_neither_token_nor_request() {
    let (clock, vault) = (ManualClock::new(), Vault::new());
    let endpoint = Endpoint::new(&clock);
    let stack = HttpService::new(layer(service_account(&endpoint, &clock)).layer(vault.service()));
    for uri in [
        "https://evil.example/v1/vaults/v/t",
        "https://abc.vault.skyflowapis.com.evil.example/",
        "https://abc.vault.skyflowapis.com:8443/",
        "http://abc.vault.skyflowapis.com/",
        "https://user@abc.vault.skyflowapis.com/",
        "https://other.vault.skyflowapis.com/",
        "/relative",
    ] {
        let mut foreign = request("x");
        *foreign.uri_mut() = uri.parse().unwrap();
        let error = stack.send(foreign).await.unwrap_err();
        assert_eq!(AuthError::find(&*error).unwrap().kind(), AuthErrorKind::ForeignHost, "{uri}");
        assert!(!error.to_string().contains("evil"), "no URL in an error");
    }
    assert_eq!((endpoint.exchanges(), vault.requests()), (0, 0));
}

#[tokio::test]
async fn connection_header_of_the_caller_wins() {
    let vault = Vault::new();
    let tokens = Arc::new(ApiKey::new(API_KEY).unwrap());
    let stack = HttpService::new(AuthLayer::new(tokens, connection_header(), guard()).layer(vault.service()));
    stack.send(request("x")).await.unwrap();
    let sent = vault.last("x-skyflow-authorization").unwrap();
    assert_eq!(sent, API_KEY, "no Bearer prefix");
    assert!(sent.is_sensitive());
    assert_eq!(vault.last("authorization"), None);

    let mut own = request("x");
    own.headers_mut().insert("X-Skyflow-Authorization", "mine".parse().unwrap());
    stack.send(own).await.unwrap();
    assert_eq!(vault.last("x-skyflow-authorization").unwrap(), "mine");
}

#[tokio::test]
async fn a_call_may_bring_its_own_tokens() {
    let vault = Vault::new();
    let stack = HttpService::new(layer(Arc::new(ApiKey::new(API_KEY).unwrap())).layer(vault.service()));
    let other = API_KEY.replace("abcde-", "other-");
    let mut of_a_user = request("x");
    of_a_user.extensions_mut().insert(CallTokens(Arc::new(ApiKey::new(other.as_str()).unwrap())));
    stack.send(of_a_user).await.unwrap();
    assert_eq!(vault.last("authorization").unwrap(), format!("Bearer {other}").as_str());
    stack.send(request("x")).await.unwrap();
    assert_eq!(vault.last("authorization").unwrap(), format!("Bearer {API_KEY}").as_str());
}

#[tokio::test]
async fn calls_and_replays_need_a_ready_service() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let below = Scripted::new([skyflow_testkit::Reply::status(401), skyflow_testkit::Reply::status(200)]);
    let mut service = layer(service_account(&endpoint, &clock)).layer(Strict::new(below.clone()));
    let response = service.ready().await.unwrap().call(request("x")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(below.count(), 2, "the 401 and its replay");
    service.ready().await.unwrap();
    let mut clone = service.clone();
    service.call(request("x")).await.unwrap();
    clone.ready().await.unwrap().call(request("x")).await.unwrap();
    assert_eq!(below.count(), 4);
}
