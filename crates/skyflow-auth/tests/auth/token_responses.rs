//! What a token endpoint may say: each told as what it is, and none of it makes an exchange for each call.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use skyflow_auth::{AuthErrorKind, Cached, TokenProvider};
use skyflow_http::{Clock, ManualClock};
use skyflow_testkit::Output;

use crate::support::{Endpoint, Reply, seconds};

fn jwt(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn token_that_seems_expired_is_used_and_warned_of() {
    let clock = ManualClock::new();
    let now = seconds(clock.now());
    for (name, ahead, body) in [
        ("date after exp", Some(7_200), json!({"accessToken": jwt(&json!({"exp": now + 3_600}))})),
        ("date at exp", Some(0), json!({"accessToken": jwt(&json!({"exp": now}))})),
        ("exp before iat", Some(0), json!({"accessToken": jwt(&json!({"exp": now + 60, "iat": now + 61}))})),
        ("no date", None, json!({"accessToken": jwt(&json!({"exp": now, "iat": now}))})),
        ("no lifetime", Some(0), json!({"accessToken": "opaque", "expiresIn": 0})),
        ("no lifetime as text", Some(0), json!({"accessToken": "opaque", "expires_in": "0"})),
        ("exp of 1970", Some(0), json!({"accessToken": jwt(&json!({"exp": 0}))})),
    ] {
        let output = Output::default();
        let subscriber = tracing_subscriber::fmt().with_writer(output.writer()).with_ansi(false).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let endpoint = Endpoint::new(&clock);
        endpoint.ahead(ahead);
        endpoint.otherwise(Reply::Body(200, body.to_string()));
        let tokens = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone()));
        for _ in 0..10 {
            tokens.token().await.unwrap();
        }
        assert_eq!(endpoint.exchanges(), 1, "{name}");
        assert_eq!(output.text().matches("has already expired").count(), 1, "{name}: {}", output.text());
        // The clock is shared by the cases, so no more than the minute that is waited for here.
        clock.advance(Duration::from_secs(60));
        tokens.token().await.unwrap();
        assert_eq!(endpoint.exchanges(), 2, "{name}");
    }
}

#[tokio::test]
async fn later_of_date_and_iat_limits_the_lifetime() {
    let clock = ManualClock::new();
    let now = seconds(clock.now());
    for (claims, ahead, lifetime) in [
        (json!({"exp": now + 3_600, "iat": now}), Some(0), 3_600),
        (json!({"exp": now + 3_600, "iat": now}), Some(600), 3_000),
        (json!({"exp": now + 3_600, "iat": now}), Some(-86_400 * 365), 3_600),
        (json!({"exp": now + 3_600, "iat": now}), None, 3_600),
        (json!({"exp": now + 3_600}), Some(600), 3_000),
        (json!({"exp": now + 1, "iat": now}), Some(0), 1),
    ] {
        let endpoint = Endpoint::new(&clock);
        endpoint.ahead(ahead);
        endpoint.otherwise(Reply::Body(200, json!({"accessToken": jwt(&claims)}).to_string()));
        let token = endpoint.tokens().token().await.unwrap();
        assert_eq!(token.lifetime(), Some(Duration::from_secs(lifetime)), "{claims} {ahead:?}");
    }
}

#[tokio::test]
async fn redirect_is_told_as_a_redirect() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let endpoint = Endpoint::new(&ManualClock::auto_advancing()).then([Reply::Status(status, "")]);
        let error = endpoint.tokens().token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Decode, "{status}");
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!("the token endpoint redirects, which is not followed, status {status}")
        );
        assert_eq!(endpoint.exchanges(), 1);
    }
}

#[tokio::test]
async fn response_over_256_kib_is_told_as_too_large() {
    for (length, fits) in [(200 * 1024, true), (257 * 1024, false)] {
        for status in [200, 400] {
            let body = json!({"accessToken": "opaque", "padding": "x".repeat(length)}).to_string();
            let endpoint = Endpoint::new(&ManualClock::auto_advancing()).then([Reply::Body(status, body)]);
            let outcome = endpoint.tokens().token().await;
            let too_large = outcome.as_ref().err().is_some_and(|error| {
                error.kind() == AuthErrorKind::Decode
                    && error.to_string() == "the token endpoint's response is larger than 256 KiB"
                    && !error.is_retryable()
            });
            assert_eq!(too_large, !fits, "{length} {status}: {outcome:?}");
            assert_eq!(endpoint.exchanges(), 1);
        }
    }
}

#[tokio::test]
async fn endpoint_without_response_in_time_is_told_so() {
    let endpoint = Endpoint::new(&ManualClock::auto_advancing());
    endpoint.otherwise(Reply::Hang);
    let error = endpoint.tokens().token().await.unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint did not respond in time");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn only_bearer_tokens_are_accepted() {
    for (token_type, accepted) in [
        (json!("Bearer"), true),
        (json!("bearer"), true),
        (json!("BEARER"), true),
        (json!(""), true),
        (Value::Null, true),
        (json!("DPoP"), false),
        (json!("mac"), false),
        (json!("Bearer "), false),
        (json!("N_A"), false),
    ] {
        for [token, name] in [["accessToken", "tokenType"], ["access_token", "token_type"]] {
            let body = json!({ token: "opaque", name: token_type });
            let endpoint = Endpoint::new(&ManualClock::new()).then([Reply::Body(200, body.to_string())]);
            match endpoint.tokens().token().await {
                Ok(_) => assert!(accepted, "{body}"),
                Err(error) => {
                    assert!(!accepted && error.kind() == AuthErrorKind::Decode, "{body}");
                    let says = "the token endpoint issued a token of another type than Bearer, status 200";
                    assert_eq!(error.to_string(), says);
                }
            }
        }
    }
}
