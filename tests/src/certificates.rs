//! A private certificate authority, made anew in each test run.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority that clients can be told to trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate chain with its key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes an authority with a key of its own.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Returns the authority's certificate, to be trusted.
    pub fn pem(&self) -> &[u8] {
        self.pem.as_bytes()
    }

    /// Issues a certificate for 127.0.0.1 that is good today.
    pub fn issue(&self) -> Identity {
        self.issue_from(params_for("127.0.0.1"))
    }

    /// Issues a certificate for another host.
    pub fn issue_for(&self, host: &str) -> Identity {
        self.issue_from(params_for(host))
    }

    /// Issues a certificate that was good once.
    pub fn issue_expired(&self) -> Identity {
        let mut params = params_for("127.0.0.1");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.issue_from(params)
    }

    /// Issues a certificate that is not good yet.
    pub fn issue_early(&self) -> Identity {
        let mut params = params_for("127.0.0.1");
        params.not_before = date_time_ymd(4000, 1, 1);
        self.issue_from(params)
    }

    fn issue_from(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Identity {
    /// Makes a certificate for 127.0.0.1 that nobody but itself vouches for.
    pub fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params_for("127.0.0.1").self_signed(&key).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// Returns the settings of a TLS server that offers these protocols by ALPN, the preferred one first.
    pub fn server(self, alpn: &[&str]) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

fn params_for(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).unwrap()
}
