//! Signed data tokens: claims, lifetimes, pairs, many at once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use skyflow_auth::{Credentials, CredentialsErrorKind, DataTokenSigner, SignedDataToken};
use skyflow_http::{Clock, ManualClock};

use crate::support::{CLIENT_ID, KEY_ID, TOKEN_URI, TestKey, seconds, verified_claims};

fn signer(clock: &ManualClock) -> DataTokenSigner {
    DataTokenSigner::new(TestKey::shared().account()).with_clock(Arc::new(clock.clone()))
}

fn claims(pair: &SignedDataToken) -> serde_json::Value {
    let jwt = pair.signed_token().strip_prefix("signed_token_").expect("the prefix");
    verified_claims(&TestKey::shared().public, jwt)
}

#[test]
fn claims_match_the_official_sdks() {
    let clock = ManualClock::new();
    let pair = signer(&clock).sign("tok-1").unwrap();
    let now = seconds(clock.now());
    assert_eq!(pair.token(), "tok-1");
    assert_eq!(
        claims(&pair),
        json!({"iss": "sdk", "key": KEY_ID, "exp": now + 60, "sub": CLIENT_ID, "tok": "tok-1", "iat": now})
    );
}

#[test]
fn lifetime_context_and_audience_are_options() {
    let clock = ManualClock::new();
    let signer = signer(&clock)
        .time_to_live(Duration::from_secs(86_400 * 30))
        .unwrap()
        .context(json!({"role": "admin"}))
        .unwrap()
        .with_audience();
    let claims = claims(&signer.sign("t").unwrap());
    assert_eq!(claims["exp"], seconds(clock.now()) + 86_400 * 30);
    assert_eq!(claims["ctx"], json!({"role": "admin"}));
    assert_eq!(claims["aud"], TOKEN_URI);
}

#[test]
fn bad_options_and_tokens_are_refused() {
    let clock = ManualClock::new();
    let error = signer(&clock).time_to_live(Duration::from_millis(999)).unwrap_err();
    assert_eq!((error.field(), error.kind()), ("timeToLive", CredentialsErrorKind::Lifetime));
    assert_eq!(signer(&clock).context("").unwrap_err().field(), "context");
    assert!(signer(&clock).sign("").is_err());
    assert!(signer(&clock).sign_all(["a", ""]).is_err());
    let endless = signer(&clock).time_to_live(Duration::MAX).unwrap();
    assert_eq!(claims(&endless.sign("t").unwrap())["exp"], u64::MAX);
}

#[tokio::test]
async fn batches_are_signed_in_order_on_a_thread() {
    let clock = ManualClock::new();
    let signer = signer(&clock);
    for count in [0, 1, 4, 5, 63, 200] {
        let tokens: Vec<String> = (0..count).map(|index| format!("tok-{index}")).collect();
        let pairs = signer.sign_many(tokens.clone()).await.unwrap();
        assert_eq!(pairs, signer.sign_all(tokens.clone()).unwrap(), "RS256 is deterministic");
        assert!(pairs.iter().map(SignedDataToken::token).eq(&tokens));
        let unique: HashSet<_> = pairs.iter().map(SignedDataToken::signed_token).collect();
        assert_eq!(unique.len(), count);
    }
    let mut with_a_bad_one: Vec<String> = (0..50).map(|index| index.to_string()).collect();
    with_a_bad_one[30].clear();
    assert!(signer.sign_many(with_a_bad_one).await.is_err());
}

#[test]
fn key_credentials_sign_with_their_context() {
    let json = TestKey::shared().json().to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &json).unwrap();
    for credentials in [Credentials::from_json(&json).unwrap(), Credentials::from_path(file.path())] {
        let signer = credentials.context("user-7").unwrap().data_token_signer().unwrap();
        assert_eq!(claims(&signer.sign("t").unwrap())["ctx"], "user-7");
    }
    let key = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef").unwrap();
    assert_eq!(key.data_token_signer().unwrap_err().kind(), CredentialsErrorKind::NotApplicable);
}

#[test]
fn debug_shows_neither_token_nor_signature() {
    let pair = signer(&ManualClock::new()).context("canary-user").unwrap().sign("canary-token").unwrap();
    assert_eq!(format!("{pair:?}"), "SignedDataToken([REDACTED])");
}
