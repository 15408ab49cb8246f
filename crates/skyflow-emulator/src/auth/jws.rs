//! Signed tokens in compact form, read and written with the two algorithms the vault needs.
//!
//! `jsonwebtoken` is not used here on purpose: it compares expiry with the system clock, and it takes its
//! cryptography from a process-wide provider that whatever else is linked into a test can change.

use aws_lc_rs::signature::{self, UnparsedPublicKey};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::key_set::KeySet;

/// How far the clocks of client and vault may differ, in seconds.
pub(crate) const LEEWAY: i64 = 60;

/// A token in three parts whose signature has not been looked at.
pub(crate) struct Jws<'a> {
    signed: &'a str,
    algorithm: String,
    key_id: Option<String>,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

impl<'a> Jws<'a> {
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        Some(Self {
            signed,
            algorithm: header.alg,
            key_id: header.kid,
            claims: URL_SAFE_NO_PAD.decode(claims).ok()?,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Reads the claims; they are worth something only after a signature has been verified.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.claims).ok()
    }

    /// Verifies the signature with an RSA public key in DER.
    pub(crate) fn is_signed_by_rsa(&self, public_key: &[u8]) -> bool {
        self.algorithm == "RS256"
            && UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public_key)
                .verify(self.signed.as_bytes(), &self.signature)
                .is_ok()
    }

    /// Verifies the signature with the keys of another issuer.
    pub(crate) fn is_signed_by_set(&self, keys: &KeySet) -> bool {
        keys.verifies(&self.algorithm, self.key_id.as_deref(), self.signed.as_bytes(), &self.signature)
    }

    /// Verifies the signature with the vault's own key.
    pub(crate) fn is_signed_by(&self, key: &hmac::Key) -> bool {
        let expected = hmac::sign(key, self.signed.as_bytes());
        self.algorithm == "HS256"
            && constant_time::verify_slices_are_equal(expected.as_ref(), &self.signature).is_ok()
    }
}

/// Tells whether a point in time is ahead by more than clocks differ.
pub(crate) fn is_in_future(start: Option<f64>, now: i64) -> bool {
    start.is_some_and(|start| start as i64 > now.saturating_add(LEEWAY))
}

/// Signs claims with the vault's own key.
pub(crate) fn sign(key: &hmac::Key, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_claim_breaks_the_signature() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"k");
        let token = sign(&key, &json!({"sub": "a"}));
        assert!(Jws::parse(&token).unwrap().is_signed_by(&key));
        let parts: Vec<&str> = token.split('.').collect();
        let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(r#"{"sub":"b"}"#), parts[2]);
        assert!(!Jws::parse(&forged).unwrap().is_signed_by(&key));
    }

    #[test]
    fn tokens_without_a_signature_algorithm_fail() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"k");
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode("{}"));
        let parsed = Jws::parse(&token).unwrap();
        assert!(!parsed.is_signed_by(&key) && !parsed.is_signed_by_rsa(b""));
    }

    #[test]
    fn text_that_is_no_token_is_not_parsed() {
        for text in ["", "a", "a.b", "a.b.c", "..", "\u{0}.x.y"] {
            assert!(Jws::parse(text).is_none(), "{text:?}");
        }
    }
}
