//! The contestants that a build without cryptography does not have.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use skyflow::{Credentials, blocking};

use super::{Contestant, KEY, ours};
use crate::Failure;

/// The synchronous clients of this repository.
pub struct Blocking {
    pub vault: blocking::Vault,
    pub secrets: scaivault::Secrets<scaivault::blocking::Blocking>,
}

impl Blocking {
    pub fn new(url: &str, certificate: &[u8]) -> Result<Self, Failure> {
        let skyflow = ours::skyflow(url, certificate, Credentials::api_key(KEY)?, false)?;
        let scaivault = scaivault::blocking::Client::builder().base_url(url).token(KEY).environment(|_| None);
        Ok(Self {
            vault: blocking::Skyflow::new(skyflow)?.default_vault()?,
            secrets: scaivault.transport(ours::transport(certificate)?).build()?.secrets(),
        })
    }
}

pub fn reqwest(url: &str, certificate: &[u8]) -> Result<Contestant, Failure> {
    let client = reqwest::Client::builder().use_preconfigured_tls(config(certificate)?).build()?;
    Ok(Contestant::Reqwest { client, url: url.to_owned() })
}

/// Sends with reqwest.
pub async fn send<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Failure> {
    Ok(request.bearer_auth(KEY).send().await?.error_for_status()?.json().await?)
}

/// Trusts the server's certificate alone.
pub fn config(certificate: &[u8]) -> Result<rustls::ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
