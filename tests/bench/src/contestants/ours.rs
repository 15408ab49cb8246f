//! The clients of this repository.

use skyflow::http::Transport;
use skyflow::{Credentials, Skyflow, VaultConfig};

use super::{Contestant, KEY};
use crate::Failure;

pub fn with_key(url: &str, certificate: &[u8], gzip: bool) -> Result<Contestant, Failure> {
    contestant(url, certificate, Credentials::api_key(KEY)?, gzip)
}

/// Exchanges an assertion of a new service account for a token with the first call.
#[cfg(feature = "tls")]
pub fn with_service_account(url: &str, certificate: &[u8]) -> Result<Contestant, Failure> {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
    let account = serde_json::json!({
        "clientID": "client1",
        "clientName": "bench",
        "keyID": "key1",
        "tokenURI": url,
        "privateKey": key.serialize_pem(),
    });
    contestant(url, certificate, Credentials::from_json(&account.to_string())?, false)
}

fn contestant(
    url: &str,
    certificate: &[u8],
    credentials: Credentials,
    gzip: bool,
) -> Result<Contestant, Failure> {
    let scaivault = scaivault::Client::builder().base_url(url).token(KEY).environment(|_| None);
    Ok(Contestant::Ours {
        vault: skyflow(url, certificate, credentials, gzip)?.default_vault()?,
        secrets: scaivault.transport(transport(certificate)?).build()?.secrets(),
    })
}

pub(super) fn skyflow(
    url: &str,
    certificate: &[u8],
    credentials: Credentials,
    gzip: bool,
) -> Result<Skyflow, Failure> {
    let config = VaultConfig::with_base_url("vault1", url).credentials(credentials);
    Ok(Skyflow::builder().vault(config).transport(transport(certificate)?).gzip(gzip).build()?)
}

pub(super) fn transport(certificate: &[u8]) -> Result<Transport, Failure> {
    Ok(match certificate {
        [] => Transport::builder(),
        certificate => Transport::builder().add_root_certificates_pem(certificate)?,
    }
    .build())
}
