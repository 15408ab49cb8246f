//! Inserts one record over https and prints a line: `minimal-floor <url> <certificate file>`.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize)]
struct Insert {
    records: [Fields; 1],
    tokenization: bool,
}

#[derive(Serialize)]
struct Fields {
    fields: Card,
}

#[derive(Serialize)]
struct Card {
    card_number: &'static str,
    cardholder_name: &'static str,
}

#[derive(Deserialize)]
struct Inserted {
    records: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    skyflow_id: String,
    tokens: Tokens,
}

#[derive(Deserialize)]
struct Tokens {
    card_number: String,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(certificate)) = (arguments.next(), arguments.next()) else {
        return Err("usage: minimal-floor <url> <certificate file>".into());
    };
    let card = Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
    let body = Insert { records: [Fields { fields: card }], tokenization: true };
    let request = http::Request::post(format!("{url}/v1/vaults/vault1/table1"))
        .header("authorization", "Bearer sky-abcde-0123456789abcdef0123456789abcdef")
        .header("content-type", "application/json")
        .body(Full::<Bytes>::from(serde_json::to_vec(&body)?))?;
    let client = Client::builder(TokioExecutor::new()).build(connector(&std::fs::read(certificate)?)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = runtime.block_on(async {
        let response = client.request(request).await?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()).into());
        }
        Ok::<_, Failure>(response.into_body().collect().await?.to_bytes())
    })?;
    let inserted: Inserted = serde_json::from_slice(&body)?;
    let row = inserted.records.first().ok_or("the response has no row")?;
    println!("{} {}", row.skyflow_id, row.tokens.card_number);
    Ok(())
}

/// Trusts the certificates of the operating system, as any program does, and the one of the server.
fn connector(certificate: &[u8]) -> Result<hyper_rustls::HttpsConnector<HttpConnector>, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let own = CertificateDer::from_pem_slice(certificate)?;
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots([own], Arc::clone(&provider))?;
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let tls = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(tls.enable_all_versions().wrap_connector(tcp))
}
