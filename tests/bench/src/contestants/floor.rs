//! hyper's client and nothing around it.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::KEY;
use crate::Failure;

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

pub struct Floor {
    client: Client<Connector, Full<Bytes>>,
    url: String,
    gzip: bool,
}

impl Floor {
    pub fn new(url: &str, certificate: &[u8]) -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let connector = encrypting(connector, certificate)?;
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.to_owned(),
            gzip: false,
        })
    }

    /// Asks for compressed responses, and does not decode them.
    pub fn compressed(self) -> Self {
        Self { gzip: true, ..self }
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

#[cfg(feature = "tls")]
fn encrypting(mut connector: HttpConnector, certificate: &[u8]) -> Result<Connector, Failure> {
    connector.enforce_http(false);
    Ok(hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(super::tls::config(certificate)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector))
}

#[cfg(not(feature = "tls"))]
fn encrypting(connector: HttpConnector, _: &[u8]) -> Result<Connector, Failure> {
    Ok(connector)
}
