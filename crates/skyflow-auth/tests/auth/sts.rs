//! RFC 8693: the caller's own identity token for a bearer token.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use skyflow_auth::{
    AccessToken, AuthErrorKind, Cached, CredentialsErrorKind, StsTokens, TokenProvider, provider_fn,
};
use skyflow_http::ManualClock;

use crate::support::{Endpoint, Reply};

fn identity(asked: &Arc<AtomicUsize>) -> impl TokenProvider + use<> {
    let asked = Arc::clone(asked);
    provider_fn(move || {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        async move { Ok(AccessToken::new(format!("identity-{number}"))?) }
    })
}

#[tokio::test]
async fn identity_token_becomes_a_bearer_token() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = StsTokens::new(identity(&Arc::default()), endpoint.exchange())
        .unwrap()
        .service_account_id("account-1")
        .roles(["r1", "r2"])
        .unwrap();
    tokens.token().await.unwrap();
    endpoint.last(|seen| {
        assert_eq!(seen.uri, "https://manage.skyflowapis.com/v1/auth/sts/token");
        assert_eq!(
            seen.body,
            json!({
                "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": "identity-0",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "service_account_id": "account-1",
                "scope": "role:r1 role:r2",
            })
        );
    });
}

#[tokio::test]
async fn the_server_and_the_token_type_can_be_set() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = StsTokens::new(identity(&Arc::default()), endpoint.exchange())
        .unwrap()
        .token_uri("http://127.0.0.1:9/whatever")
        .unwrap()
        .subject_token_type("urn:ietf:params:oauth:token-type:id_token");
    tokens.token().await.unwrap();
    endpoint.last(|seen| {
        assert_eq!(seen.uri, "http://127.0.0.1:9/v1/auth/sts/token");
        assert_eq!(seen.body["subject_token_type"], "urn:ietf:params:oauth:token-type:id_token");
    });
    let tokens = StsTokens::new(identity(&Arc::default()), endpoint.exchange()).unwrap();
    let error = tokens.token_uri("http://evil.example").unwrap_err();
    assert_eq!(error.kind(), CredentialsErrorKind::TokenUri);
}

#[tokio::test]
async fn a_refused_identity_is_not_presented_again() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock).then([Reply::Status(401, "")]);
    let asked = Arc::new(AtomicUsize::new(0));
    let subject = Cached::with_clock(identity(&asked), Arc::new(clock.clone()));
    let tokens = StsTokens::new(subject, endpoint.exchange()).unwrap();
    assert_eq!(tokens.token().await.unwrap_err().kind(), AuthErrorKind::Rejected);
    tokens.token().await.unwrap();
    tokens.token().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2, "the refused one and one more, kept");
    endpoint.last(|seen| assert_eq!(seen.body["subject_token"], "identity-1"));
}

#[tokio::test]
async fn debug_shows_no_token() {
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens =
        StsTokens::new(provider_fn(|| async { Ok(AccessToken::new("canary")?) }), endpoint.exchange());
    assert!(!format!("{:?}", tokens.unwrap()).contains("canary"));
}
