//! The public keys of other issuers, in the JSON form of RFC 7517.

use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

/// A set of public keys.
#[derive(Debug, Clone)]
pub(crate) struct KeySet(Vec<PublicKey>);

#[derive(Debug, Clone)]
struct PublicKey {
    id: Option<String>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256 { point: Vec<u8> },
}

#[derive(Deserialize)]
struct KeySetJson {
    keys: Vec<KeyJson>,
}

#[derive(Deserialize)]
struct KeyJson {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a key set; keys for other algorithms than RS256 and ES256 are passed over. `None` when nothing is left.
    pub(crate) fn read(json: &Value) -> Option<Self> {
        let set: KeySetJson = serde_json::from_value(json.clone()).ok()?;
        let keys: Vec<PublicKey> = set.keys.into_iter().filter_map(PublicKey::read).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Tells whether one of the keys made the signature; the id picks the key where there is one.
    pub(crate) fn verifies(
        &self,
        algorithm: &str,
        key_id: Option<&str>,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let is_meant = |key: &&PublicKey| key_id.is_none() || key.id.is_none() || key.id.as_deref() == key_id;
        self.0.iter().filter(is_meant).any(|key| match (&key.material, algorithm) {
            (Material::Rsa { modulus, exponent }, "RS256") => PublicKeyComponents { n: modulus, e: exponent }
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
            (Material::P256 { point }, "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            _ => false,
        })
    }
}

impl PublicKey {
    fn read(json: KeyJson) -> Option<Self> {
        let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let material = match (json.kty.as_str(), json.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { modulus: bytes(json.n)?, exponent: bytes(json.e)? },
            ("EC", Some("P-256")) => {
                Material::P256 { point: [vec![4], bytes(json.x)?, bytes(json.y)?].concat() }
            }
            _ => return None,
        };
        Some(Self { id: json.kid, material })
    }
}
