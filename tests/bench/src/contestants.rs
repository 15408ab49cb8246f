//! The clients that are compared.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use skyflow::http::Transport;
use skyflow::{Credentials, Skyflow, VaultConfig, blocking};

use crate::Failure;

const KEY: &str = "sky-abcde-0123456789abcdef0123456789abcdef";

/// A client, ready to call.
pub enum Contestant {
    /// hyper's client and serde_json: the least that a typed call costs.
    Floor(Floor),
    /// reqwest as its documentation shows it.
    Reqwest { client: reqwest::Client, url: String },
    /// The clients of this repository.
    Ours { vault: skyflow::Vault, secrets: scaivault::Secrets },
    /// Their synchronous side.
    Blocking(Blocking),
}

pub struct Blocking {
    pub vault: blocking::Vault,
    pub secrets: scaivault::Secrets<scaivault::blocking::Blocking>,
}

pub struct Floor {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    gzip: bool,
}

impl Contestant {
    pub fn named(name: &str, url: &str, certificate: &[u8]) -> Result<Self, Failure> {
        Ok(match name {
            "floor" => Self::Floor(Floor::new(url, certificate)?),
            "reqwest" => {
                let tls = tls(certificate)?;
                let client = reqwest::Client::builder().use_preconfigured_tls(tls).build()?;
                Self::Reqwest { client, url: url.to_owned() }
            }
            "ours" => Self::ours(url, certificate, false)?,
            "gzip" => Self::ours(url, certificate, true)?,
            "blocking" => {
                let scaivault =
                    scaivault::blocking::Client::builder().base_url(url).token(KEY).environment(|_| None);
                Self::Blocking(Blocking {
                    vault: blocking::Skyflow::new(ours(url, certificate, false)?)?.default_vault()?,
                    secrets: scaivault.transport(transport(certificate)?).build()?.secrets(),
                })
            }
            other => return Err(format!("no contestant is called {other}").into()),
        })
    }

    fn ours(url: &str, certificate: &[u8], gzip: bool) -> Result<Self, Failure> {
        let scaivault = scaivault::Client::builder().base_url(url).token(KEY).environment(|_| None);
        Ok(Self::Ours {
            vault: ours(url, certificate, gzip)?.default_vault()?,
            secrets: scaivault.transport(transport(certificate)?).build()?.secrets(),
        })
    }
}

fn transport(certificate: &[u8]) -> Result<Transport, Failure> {
    Ok(Transport::builder().add_root_certificates_pem(certificate)?.build())
}

fn ours(url: &str, certificate: &[u8], gzip: bool) -> Result<Skyflow, Failure> {
    let config = VaultConfig::with_base_url("vault1", url).credentials(Credentials::api_key(KEY)?);
    Ok(Skyflow::builder().vault(config).transport(transport(certificate)?).gzip(gzip).build()?)
}

fn tls(certificate: &[u8]) -> Result<rustls::ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl Floor {
    /// Asks for compressed responses, and does not decode them.
    pub fn compressed(self) -> Self {
        Self { gzip: true, ..self }
    }

    pub fn new(url: &str, certificate: &[u8]) -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls(certificate)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.to_owned(),
            gzip: false,
        })
    }

    pub async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Bytes, Failure> {
        let mut request = hyper::Request::builder().method(method).uri(format!("{}{path}", self.url));
        request = request.header(AUTHORIZATION, format!("Bearer {KEY}"));
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if self.gzip {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        let response = self.client.request(request.body(Full::from(body))?).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()).into());
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

/// Sends with reqwest.
pub async fn reqwest_call<T: serde::de::DeserializeOwned>(
    request: reqwest::RequestBuilder,
) -> Result<T, Failure> {
    Ok(request.bearer_auth(KEY).send().await?.error_for_status()?.json().await?)
}
