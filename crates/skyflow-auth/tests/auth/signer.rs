//! A key inside a device signs everything that a key file signs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;
use skyflow_auth::signer::{Algorithm, Error, JwtSigner, Signer};
use skyflow_auth::{
    AuthErrorKind, CredentialsErrorKind, DataTokenSigner, KeyProblem, ServiceAccountKey,
    ServiceAccountTokens, TokenProvider,
};
use skyflow_http::ManualClock;

use crate::support::{Endpoint, TestKey};

/// Acts as a device: it signs, counts, and never shows its key.
struct Device {
    key: KeyPair,
    algorithm: Algorithm,
    broken: bool,
    signed: Arc<AtomicUsize>,
}

impl Device {
    fn new(algorithm: Algorithm, broken: bool) -> Self {
        let body: String = TestKey::shared().pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
        Self { key, algorithm, broken, signed: Arc::default() }
    }
}

impl Signer<Vec<u8>> for Device {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        if self.broken {
            return Err(Error::new());
        }
        self.signed.fetch_add(1, Ordering::Relaxed);
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| Error::new())?;
        Ok(signature)
    }
}

impl JwtSigner for Device {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Verifies a token with the device's public key and returns its claims.
fn verified(jwt: &str, public_key: &[u8]) -> Value {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_der(public_key);
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_device_signs_assertions_and_data_tokens() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let device = Device::new(Algorithm::RS256, false);
    let (public_key, signed) = (device.key.public_key().as_ref().to_vec(), Arc::clone(&device.signed));
    let key = ServiceAccountKey::with_signer("client-1", "key-1", device).unwrap();

    let tokens = ServiceAccountTokens::new(key.clone(), endpoint.exchange());
    tokens.token().await.unwrap();
    let assertion = endpoint.last(|seen| seen.body["assertion"].as_str().unwrap().to_owned());
    let claims = verified(&assertion, &public_key);
    assert_eq!((claims["iss"].as_str(), claims["key"].as_str()), (Some("client-1"), Some("key-1")));
    assert_eq!(claims["aud"], key.token_uri().as_str());

    let pair = DataTokenSigner::new(key.clone()).sign("token-1").unwrap();
    let claims = verified(pair.signed_token().strip_prefix("signed_token_").unwrap(), &public_key);
    assert_eq!((claims["tok"].as_str(), claims["sub"].as_str()), (Some("token-1"), Some("client-1")));
    assert_eq!(signed.load(Ordering::Relaxed), 2);

    let moved = key.clone().with_token_uri("https://manage.example/v1/auth/sa/oauth/token").unwrap();
    assert_eq!(moved.token_uri().as_str(), "https://manage.example/v1/auth/sa/oauth/token");
    assert_ne!(moved, key);
    assert_eq!(key.clone(), key);
}

#[tokio::test]
async fn a_device_that_fails_sends_nothing() {
    let clock = ManualClock::new();
    let endpoint = Endpoint::new(&clock);
    let key = ServiceAccountKey::with_signer("c", "k", Device::new(Algorithm::RS256, true)).unwrap();
    let error = ServiceAccountTokens::new(key, endpoint.exchange()).token().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Credentials);
    assert_eq!(endpoint.exchanges(), 0);
}

#[test]
fn unusable_signers_are_refused_by_name() {
    let wrong = ServiceAccountKey::with_signer("c", "k", Device::new(Algorithm::PS256, false)).unwrap_err();
    assert_eq!(
        (wrong.field(), wrong.kind()),
        ("signer", CredentialsErrorKind::PrivateKey(KeyProblem::NotRsa))
    );
    let blank = ServiceAccountKey::with_signer("c", " ", Device::new(Algorithm::RS256, false)).unwrap_err();
    assert_eq!((blank.field(), blank.kind()), ("keyID", CredentialsErrorKind::Empty));
}
