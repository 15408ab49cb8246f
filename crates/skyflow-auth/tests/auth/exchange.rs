//! The wire of the token exchange, its errors, its retries and its clock.

#![expect(non_snake_case, reason = "T04 and its like are ids of promises")]

use std::sync::Arc;
use std::time::Duration;

use crate::support::{CLIENT_ID, Endpoint, KEY_ID, Reply, TOKEN_URI, TestKey, seconds, shift};
use serde_json::json;
use skyflow_auth::{
    AuthErrorKind, Cached, ServiceAccountKey, ServiceAccountTokens, TokenExchange, TokenOptions,
    TokenProvider,
};
use skyflow_http::{Clock, ManualClock};

#[tokio::test]
async fn exchange_request_matches_the_official_sdks() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    endpoint.tokens().token().await.unwrap();
    let exp = seconds(clock.now()) + 3600;
    endpoint.last(|seen| {
        assert_eq!(seen.uri, TOKEN_URI);
        assert_eq!(seen.headers["content-type"], "application/json");
        assert!(!seen.headers.contains_key("authorization"));
        assert!(!seen.headers.contains_key("sky-metadata"));
        let keys: Vec<_> = seen.body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["assertion", "grant_type"], "no scope without roles");
        assert_eq!(seen.body["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
        let claims = json!({"iss": CLIENT_ID, "key": KEY_ID, "aud": TOKEN_URI, "sub": CLIENT_ID, "exp": exp});
        assert_eq!(seen.claims, claims, "these claims and no others");
    });
}

#[tokio::test]
async fn roles_context_token_uri_and_lifetime_travel() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let options = TokenOptions::new()
        .roles(["r1", "r2"])
        .unwrap()
        .context(json!({"role": "admin", "deep": [{"any-thing": null}]}))
        .unwrap()
        .token_uri("https://other.example:8443/custom/token?x=1")
        .unwrap()
        .lifetime(Duration::from_secs(600))
        .unwrap();
    let exchange = endpoint.exchange().allow_host("other.example:8443").unwrap();
    let tokens = ServiceAccountTokens::new(TestKey::shared().account(), exchange).with_options(options);
    let token = tokens.token().await.unwrap();
    assert_eq!(token.lifetime(), Some(Duration::from_secs(600)), "used no longer than requested");
    endpoint.last(|seen| {
        assert_eq!(seen.uri, "https://other.example:8443/v1/auth/sa/oauth/token");
        assert_eq!(seen.body["scope"], "role:r1 role:r2");
        assert_eq!(seen.claims["aud"], "https://other.example:8443/custom/token?x=1");
        assert_eq!(seen.claims["ctx"], json!({"role": "admin", "deep": [{"any-thing": null}]}));
        assert_eq!(seen.claims["exp"], seconds(clock.now()) + 600);
    });
}

#[tokio::test]
async fn rel_T04_refusal_costs_one_request() {
    for status in [400, 401, 403, 404, 422] {
        let clock = ManualClock::auto_advancing();
        let body = r#"{"error":{"grpc_code":16,"http_code":401,"message":"invalid key","http_status":"x"}}"#;
        let endpoint = Endpoint::new(&clock).then([Reply::Status(status, body)]);
        let error = endpoint.tokens().token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Rejected, "{status}");
        assert!(!error.is_retryable());
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(error.request_id().unwrap().as_str(), "req-1");
        assert_eq!(error.server_message(), Some("invalid key"));
        assert_eq!(error.server_code(), Some("16"));
        assert_eq!(
            error.to_string(),
            format!("the token endpoint refused the credentials, status {status}: invalid key")
        );
        assert_eq!(endpoint.exchanges(), 1, "{status}");
    }
}

#[tokio::test]
async fn rel_T04_transient_failure_is_retried() {
    for reply in [Reply::Status(500, ""), Reply::Status(503, "down"), Reply::Status(429, "{}"), Reply::Io] {
        let clock = ManualClock::auto_advancing();
        let endpoint = Endpoint::new(&clock).then([reply.clone(), reply.clone()]);
        endpoint.tokens().token().await.unwrap();
        assert_eq!(endpoint.exchanges(), 3);

        let endpoint = Endpoint::new(&clock);
        endpoint.otherwise(reply);
        let error = endpoint.tokens().token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Unavailable);
        assert!(error.is_retryable());
        assert_eq!(endpoint.exchanges(), 3);
    }
}

#[tokio::test]
async fn a_token_endpoint_that_hangs_is_given_up() {
    let clock = ManualClock::auto_advancing();
    let endpoint = Endpoint::new(&clock);
    endpoint.otherwise(Reply::Hang);
    let start = clock.monotonic();
    let error = endpoint.tokens().token().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert!(clock.monotonic() - start <= Duration::from_secs(31));
}

#[tokio::test]
async fn response_without_token_is_a_typed_error() {
    let cut = r#"{"accessToken":"eyJhbGciOiJSUzI1NiJ9.e30"#;
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "<html>proxy</html>",
        cut,
        r#"{"accessToken":""}"#,
        r#"{"accessToken":null}"#,
        r#"{"accessToken":7}"#,
        r#"{"accessToken":"a b"}"#,
        r#"{"accessToken":"a\r\nb"}"#,
        r#"{"token":"x"}"#,
        "\u{fffd}",
    ] {
        let endpoint = Endpoint::new(&ManualClock::new()).then([Reply::Body(200, body.to_owned())]);
        let error = endpoint.tokens().token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Decode, "{body}");
        assert_eq!(error.status().unwrap(), 200);
        assert_eq!(error.request_id().unwrap().as_str(), "req-1");
        assert!(!format!("{error} {error:?}").contains("eyJ"));
    }
}

#[tokio::test]
async fn error_bodies_of_every_shape_are_sanitized() {
    for (body, message) in [
        (
            r#"{"error":"invalid_grant","error_description":"key disabled"}"#,
            Some("invalid_grant: key disabled"),
        ),
        (r#"{"error":"invalid_grant"}"#, Some("invalid_grant")),
        (r#"{"code":16,"message":"no"}"#, Some("no")),
        ("plain text", Some("plain text")),
        ("<html>x</html>", None),
        ("", None),
        (r#"{"error":"#, None),
        (r#"{"error":{"message":7}}"#, Some("")),
        (r#"{"error":{"message":"a\r\nb"}}"#, Some("a  b")),
    ] {
        let endpoint = Endpoint::new(&ManualClock::new()).then([Reply::Body(401, body.to_owned())]);
        let error = endpoint.tokens().token().await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Rejected);
        assert_eq!(error.server_message(), message, "{body}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[tokio::test]
async fn lifetime_is_exp_or_expires_in_or_a_minute() {
    let jwt = |claims: &str| {
        use base64::Engine as _;
        format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims))
    };
    let clock = ManualClock::new();
    let now = seconds(clock.now());
    let by_exp = jwt(&format!("{{\"exp\":{}}}", now + 100));
    for (body, expected) in [
        (json!({"accessToken": by_exp, "expiresIn": 5}), 100),
        (json!({"accessToken": "opaque", "expiresIn": 7}), 7),
        (json!({"accessToken": "opaque", "expiresIn": "8"}), 8),
        (json!({"access_token": "opaque", "expires_in": 9}), 9),
        (json!({"accessToken": "opaque"}), 60),
        (json!({"accessToken": "opaque", "expiresIn": "soon"}), 60),
        (json!({"accessToken": "opaque", "expiresIn": -5}), 60),
        (json!({"accessToken": jwt("{}")}), 60),
    ] {
        let endpoint = Endpoint::new(&clock).then([Reply::Body(200, body.to_string())]);
        let token = endpoint.tokens().token().await.unwrap();
        assert_eq!(token.lifetime(), Some(Duration::from_secs(expected)), "{body}");
    }
}

#[tokio::test]
async fn rel_T07_date_header_corrects_the_clock() {
    for ahead in [300, -300, 3600, -3600, 86_400] {
        let clock = ManualClock::new();
        let endpoint = Endpoint::new(&clock);
        endpoint.ahead(Some(ahead));
        endpoint.strict_time();
        let tokens = endpoint.tokens();
        let token = tokens.token().await.unwrap();
        assert!(endpoint.exchanges() <= 2, "at most one refusal to learn from");
        assert_eq!(
            token.lifetime(),
            Some(Duration::from_secs(3600)),
            "{ahead}: judged on the server's clock"
        );
        let before = endpoint.exchanges();
        tokens.token().await.unwrap();
        assert_eq!(endpoint.exchanges(), before + 1, "learnt for good");
        let exp = endpoint.last(|seen| seen.claims["exp"].as_u64().unwrap());
        assert_eq!(exp, seconds(shift(clock.now(), ahead)) + 3600);
    }
}

#[tokio::test]
async fn rel_T07_refusal_with_right_clock_is_final() {
    let endpoint = Endpoint::new(&ManualClock::new()).then([Reply::Status(401, "")]);
    endpoint.tokens().token().await.unwrap_err();
    assert_eq!(endpoint.exchanges(), 1);
}

#[tokio::test]
async fn rel_T07_wrong_clock_without_date_gives_token() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    endpoint.ahead(None);
    let tokens = Cached::with_clock(endpoint.tokens(), Arc::new(clock.clone()));
    clock.set_now(shift(clock.now(), 2 * 3600));
    // The endpoint's clock follows, so its token is issued and judged two hours apart only after this jump back.
    endpoint.otherwise(Reply::Body(200, {
        let past = ServerToken::expiring_at(seconds(clock.now()) - 3600);
        json!({"accessToken": past.0}).to_string()
    }));
    for _ in 0..100 {
        tokens.token().await.unwrap();
    }
    assert_eq!(endpoint.exchanges(), 1, "a token that seems over on arrival does not start a storm");
}

struct ServerToken(String);

impl ServerToken {
    fn expiring_at(exp: u64) -> Self {
        use base64::Engine as _;
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}"));
        Self(format!("e30.{claims}.c2ln"))
    }
}

#[tokio::test]
async fn rel_T08_rotated_key_is_used_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials.json");
    let write = |json: &str| {
        let next = directory.path().join("next");
        std::fs::write(&next, json).unwrap();
        std::fs::rename(&next, &path).unwrap();
    };
    let with_id = |id: &str| {
        let mut json = TestKey::shared().json();
        json["keyID"] = id.into();
        json.to_string()
    };
    write(&with_id("first"));
    let endpoint = Endpoint::new(&ManualClock::new());
    let tokens = ServiceAccountTokens::from_path(&path, endpoint.exchange()).unwrap();
    let key_of_next_exchange = async || {
        tokens.token().await.unwrap();
        endpoint.last(|seen| seen.claims["key"].as_str().unwrap().to_owned())
    };
    assert_eq!(key_of_next_exchange().await, "first");
    write(&with_id("second"));
    assert_eq!(key_of_next_exchange().await, "second");
    for broken in ["", "{", &with_id("third")[..200], "{}"] {
        write(broken);
        assert_eq!(key_of_next_exchange().await, "second", "{} bytes", broken.len());
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(key_of_next_exchange().await, "second");
    write(&with_id("fourth"));
    assert_eq!(key_of_next_exchange().await, "fourth");
}

#[tokio::test]
async fn a_finished_stack_is_used_as_it_is() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    endpoint.otherwise(Reply::Status(503, ""));
    let exchange = TokenExchange::from_stack(endpoint.service(), Arc::new(clock));
    let key: ServiceAccountKey = TestKey::shared().account();
    let error = ServiceAccountTokens::new(key, exchange).token().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    assert_eq!(endpoint.exchanges(), 1, "no retry was added");
}
