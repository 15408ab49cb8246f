//! Options whose value changes what happens.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName};
use skyflow_auth::{
    AuthError, AuthErrorKind, AuthHeader, AuthLayer, Cached, Credentials, HostGuard, TokenOptions,
    TokenProvider, TokenProviders,
};
use skyflow_http::auth::{Refusal, Scheme};
use skyflow_http::{BaseUri, Body, HttpService, LogControl, ManualClock, Request, Response};
use skyflow_testkit::{Output, Scripted};
use skyflow_types::LogLevel;
use tower_layer::Layer;

use crate::support::{Endpoint, Reply, TestKey};

/// Sends a request with these headers through an auth layer; returns the headers that arrive and the status.
async fn sent(
    header: AuthHeader,
    hosts: HostGuard,
    request: Request,
    status: u16,
) -> (Vec<HeaderMap>, Response) {
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = Arc::new(Cached::with_clock(endpoint.tokens(), Arc::new(ManualClock::new())));
    let server = Scripted::new([skyflow_testkit::Reply::status(status)]);
    let service = HttpService::new(AuthLayer::new(tokens, header, hosts).layer(server.clone()));
    let response = service.send(request).await.unwrap();
    (server.requests().into_iter().map(|request| request.headers).collect(), response)
}

fn host(text: &str) -> BaseUri {
    BaseUri::parse(text).unwrap()
}

fn to(uri: &str) -> http::request::Builder {
    http::Request::get(uri)
}

#[test]
fn host_guard_allows_each_of_its_origins() {
    let guard = HostGuard::any_of([host("https://a.example"), host("https://b.example:8443")]);
    for (uri, allowed) in [
        ("https://a.example/x", true),
        ("https://b.example:8443/x", true),
        ("https://b.example/x", false),
        ("https://c.example/x", false),
        ("http://a.example/x", false),
    ] {
        assert_eq!(guard.allows(&uri.parse().unwrap()), allowed, "{uri}");
    }
    assert!(!HostGuard::any_of([]).allows(&"https://a.example/x".parse().unwrap()));
}

#[tokio::test]
async fn existing_header_is_replaced_unless_it_is_kept() {
    for keeps in [false, true] {
        let header = if keeps { AuthHeader::bearer().keep_existing() } else { AuthHeader::bearer() };
        let request = to("https://a.example/").header("authorization", "mine").body(Body::empty()).unwrap();
        let (arrived, _) = sent(header, HostGuard::new(host("https://a.example")), request, 200).await;
        assert_eq!(arrived[0]["authorization"] == "mine", keeps);
        assert_eq!(arrived[0].get_all("authorization").iter().count(), 1);
    }
}

#[tokio::test]
async fn scheme_and_name_of_the_header_are_used() {
    let name = HeaderName::from_static("x-token");
    for (scheme, starts) in
        [(Scheme::BEARER, "Bearer ey"), (Scheme::NONE, "ey"), (Scheme::named("Acme").unwrap(), "Acme ey")]
    {
        let header = AuthHeader::new(name.clone(), scheme);
        let request = to("https://a.example/").body(Body::empty()).unwrap();
        let (arrived, _) = sent(header, HostGuard::new(host("https://a.example")), request, 200).await;
        assert!(arrived[0]["x-token"].to_str().unwrap().starts_with(starts));
        assert!(!arrived[0].contains_key("authorization"));
    }
}

#[tokio::test]
async fn refusal_rule_decides_about_the_replay() {
    for (rule, requests) in [
        ((|_| Refusal::BeforeActing) as fn(&HeaderMap) -> Refusal, 2),
        (|_| Refusal::NotTheToken, 1),
        (|_| Refusal::Unknown, 1),
    ] {
        let request = to("https://a.example/").body(Body::empty()).unwrap();
        let header = AuthHeader::bearer().refusal(rule);
        let (arrived, response) = sent(header, HostGuard::new(host("https://a.example")), request, 401).await;
        assert_eq!((arrived.len(), response.status().as_u16()), (requests, 401));
    }
}

#[tokio::test]
async fn scoped_capacity_is_how_many_users_keep_tokens() {
    for (capacity, exchanges) in [(1, 6), (2, 2)] {
        let endpoint = Endpoint::new(&ManualClock::new());
        let providers =
            TokenProviders::new(endpoint.exchange()).scoped_capacity(NonZeroUsize::new(capacity).unwrap());
        let account = Credentials::service_account(TestKey::shared().account());
        let users = providers.end_users(&account).unwrap();
        for call in 0..6 {
            let options = TokenOptions::new().context(["a", "b"][call % 2]).unwrap();
            users.get(&options).token().await.unwrap();
        }
        assert_eq!(endpoint.exchanges(), exchanges, "{capacity}");
    }
}

#[tokio::test]
async fn cache_logs_at_the_level_of_its_control() {
    for (level, debugs, warns) in [(LogLevel::Debug, 1, 1), (LogLevel::Warn, 0, 1), (LogLevel::Error, 0, 0)] {
        let output = Output::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(output.writer())
            .with_ansi(false)
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let clock = ManualClock::new();
        let outcomes = Mutex::new(vec![Err(AuthErrorKind::Rejected), Ok("t")]);
        let provider = skyflow_auth::provider_fn(move || {
            let outcome = outcomes.lock().unwrap().pop().unwrap();
            async move {
                let token = outcome.map_err(|kind| AuthError::new(kind, "refused"))?;
                Ok(skyflow_auth::AccessToken::new(token)?)
            }
        });
        let tokens =
            Cached::with_clock(provider, Arc::new(clock.clone())).log_control(LogControl::new(level));
        let token = tokens.token().await.unwrap();
        tokens.invalidate(&token);
        tokens.token().await.unwrap_err();
        assert_eq!(output.text().matches("got a new token").count(), debugs, "{level}");
        assert_eq!(output.text().matches("no new token").count(), warns, "{level}");
    }
}

#[tokio::test]
async fn failing_early_refreshes_pause_up_to_30_s() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let tokens = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone())).with_jitter(|| 0.0);
    tokens.token().await.unwrap();
    endpoint.otherwise(Reply::Status(401, ""));
    clock.advance(std::time::Duration::from_secs(3_300));
    let (mut tried, mut before) = (Vec::new(), endpoint.exchanges());
    for milliseconds in (0..130_000).step_by(500) {
        tokens.token().await.unwrap();
        if endpoint.exchanges() > before {
            before = endpoint.exchanges();
            tried.push(milliseconds);
        }
        clock.advance(std::time::Duration::from_millis(500));
    }
    assert_eq!(tried, [0, 1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000, 121_000]);
}
