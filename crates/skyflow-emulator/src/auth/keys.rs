//! Key pairs and API keys, and the credentials made from them.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::object_id::object_id;
use crate::store::accounts::{AccountRow, KeyRow};
use skyflow_testkit::Random;

/// Generates an RSA key pair of 2048 bits for a service account.
pub(crate) fn generate(client_id: &str) -> Result<KeyRow, aws_lc_rs::error::Unspecified> {
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let private_key = Zeroizing::new(pair.as_der()?.as_ref().to_vec());
    Ok(KeyRow {
        key_id: object_id(),
        client_id: client_id.to_owned(),
        private_key,
        public_key: pair.public_key().as_ref().to_vec(),
        enabled: true,
        expires_at: None,
    })
}

/// An API key in Skyflow's form.
pub(crate) fn api_key() -> Zeroizing<String> {
    Zeroizing::new(format!("sky-{}-{}", Random::system().hex(5), Random::system().hex(32)))
}

/// Returns the id of an API key, which tells nothing of the key.
pub(crate) fn api_key_id(api_key: &str) -> String {
    let hash = digest(&SHA256, api_key.as_bytes());
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // Ids begin with a letter.
    format!("k{}", hex.get(1..).unwrap_or_default())
}

/// Writes what Skyflow calls `credentials.json`.
pub(crate) fn credentials_json(account: &AccountRow, key: &KeyRow, token_uri: &str) -> Secret {
    let body = Zeroizing::new(STANDARD.encode(&*key.private_key));
    let mut pem = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
    for (index, character) in body.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    let credentials = json!({
        "clientID": account.client_id,
        "clientName": account.name,
        "tokenURI": token_uri,
        "keyID": key.key_id,
        "keyAlgorithm": "KEY_ALG_RSA_2048",
        "privateKey": *pem,
    });
    Secret::new(credentials.to_string())
}
