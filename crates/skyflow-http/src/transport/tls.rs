use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{ClientConfig, DEFAULT_VERSIONS, InconsistentKeys, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Reports TLS settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The text holds no PEM certificate.
    #[error("no certificate found in the PEM text")]
    NoCertificate,
    /// A certificate is broken.
    #[error("a certificate of the PEM text cannot be read")]
    BrokenCertificate,
    /// The text holds no private key for the client certificate, or one that is encrypted.
    #[error("client_certificate_pem: no unencrypted private key found in the PEM text")]
    NoClientKey,
    /// The private key for the client certificate cannot be used.
    #[error("client_certificate_pem: the private key cannot be read, or its kind is not supported")]
    BrokenClientKey,
    /// The private key does not belong to the client certificate.
    #[error("client_certificate_pem: the private key does not belong to the certificate")]
    KeyMismatch,
    /// The program was built without a cryptography library: neither the feature `aws-lc-rs` nor `ring` is enabled.
    #[error("client_certificate_pem: {NO_LIBRARY}")]
    NoLibrary,
    /// A whole configuration was set together with options that are part of it.
    #[error("tls_config cannot be combined with {0}: set it in the configuration")]
    Contradiction(&'static str),
}

/// What TLS connections are made with.
#[derive(Clone, Default)]
pub(super) struct TlsOptions {
    /// Trusted besides the certificates of the operating system.
    extra: Vec<CertificateDer<'static>>,
    /// Trusted instead of them.
    only: Option<Vec<CertificateDer<'static>>>,
    client: Option<Arc<CertifiedKey>>,
    tls13_only: bool,
    /// Used instead of all others.
    whole: Option<ClientConfig>,
}

impl TlsOptions {
    pub(super) fn add_roots(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        self.part("add_root_certificates_pem")?;
        self.extra.extend(roots(pem)?);
        Ok(())
    }

    pub(super) fn replace_roots(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        self.part("only_root_certificates_pem")?;
        self.only.get_or_insert_default().extend(roots(pem)?);
        Ok(())
    }

    pub(super) fn set_client(&mut self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        self.part("client_certificate_pem")?;
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoClientKey)?;
        let provider = provider().ok_or(TlsError::NoLibrary)?;
        let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch,
            rustls::Error::InvalidCertificate(_) => TlsError::BrokenCertificate,
            _ => TlsError::BrokenClientKey,
        })?;
        self.client = Some(Arc::new(certified));
        Ok(())
    }

    pub(super) fn set_tls13_only(&mut self) -> Result<(), TlsError> {
        self.part("tls13_only")?;
        self.tls13_only = true;
        Ok(())
    }

    pub(super) fn set_whole(&mut self, config: ClientConfig) -> Result<(), TlsError> {
        let parts = [
            (!self.extra.is_empty(), "add_root_certificates_pem"),
            (self.only.is_some(), "only_root_certificates_pem"),
            (self.client.is_some(), "client_certificate_pem"),
            (self.tls13_only, "tls13_only"),
        ];
        if let Some((_, part)) = parts.into_iter().find(|(is_set, _)| *is_set) {
            return Err(TlsError::Contradiction(part));
        }
        self.whole = Some(config);
        Ok(())
    }

    fn part(&self, option: &'static str) -> Result<(), TlsError> {
        if self.whole.is_some() { Err(TlsError::Contradiction(option)) } else { Ok(()) }
    }

    /// Builds the configuration of the client side. The provider is passed, never installed for the process.
    pub(super) fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        if let Some(whole) = &self.whole {
            return Ok(whole.clone());
        }
        let provider = provider().ok_or_else(|| rustls::Error::General(NO_LIBRARY.to_owned()))?;
        self.config_with(Arc::new(provider))
    }

    fn config_with(&self, provider: Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
        let versions = if self.tls13_only { &[&TLS13] } else { DEFAULT_VERSIONS };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(&provider)?);
        Ok(match &self.client {
            Some(client) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(client))))
            }
            None => builder.with_no_client_auth(),
        })
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        if let Some(only) = &self.only {
            return trusting(only.iter().chain(&self.extra), provider);
        }
        match Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(provider)) {
            Ok(verifier) => Ok(Arc::new(verifier)),
            // A machine without root certificates can still use the configured ones.
            Err(error) if self.extra.is_empty() => Err(error),
            Err(_) => trusting(&self.extra, provider),
        }
    }
}

/// Keys and certificates are not shown.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("extra_roots", &self.extra.len())
            .field("only_roots", &self.only.as_ref().map(Vec::len))
            .field("client_certificate", &self.client.is_some())
            .field("tls13_only", &self.tls13_only)
            .field("whole", &self.whole.is_some())
            .finish()
    }
}

/// The libraries that the features of this build name; the first is used.
const PROVIDERS: &[fn() -> CryptoProvider] = &[
    #[cfg(feature = "aws-lc-rs")]
    rustls::crypto::aws_lc_rs::default_provider,
    #[cfg(feature = "ring")]
    rustls::crypto::ring::default_provider,
];

const NO_LIBRARY: &str = "a cryptography library is needed: enable the feature aws-lc-rs or ring";

fn provider() -> Option<CryptoProvider> {
    PROVIDERS.first().map(|provider| provider())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::NoCertificate),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(TlsError::BrokenCertificate),
    }
}

/// Reads certificates to trust. rustls accepts any DER at this point; the root store looks inside.
fn roots(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = certificates(pem)?;
    for certificate in &certificates {
        RootCertStore::empty().add(certificate.clone()).map_err(|_| TlsError::BrokenCertificate)?;
    }
    Ok(certificates)
}

fn trusting<'a>(
    roots: impl IntoIterator<Item = &'a CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.into_iter().cloned());
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map(|verifier| verifier as _)
        .map_err(|error| rustls::Error::General(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_usable_certificate_is_refused() {
        let mut options = TlsOptions::default();
        assert!(matches!(options.add_roots(b""), Err(TlsError::NoCertificate)));
        assert!(matches!(options.add_roots(b"not a pem"), Err(TlsError::NoCertificate)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(options.add_roots(broken), Err(TlsError::BrokenCertificate)));
    }
}
