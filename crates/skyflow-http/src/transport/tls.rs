use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
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
}

/// The certificates to trust besides those of the operating system.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    extra: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(super) fn add_pem(&mut self, pem: &[u8]) -> Result<(), TlsError> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TlsError::BrokenCertificate)?;
            // rustls accepts any DER at this point; the root store looks inside.
            RootCertStore::empty().add(certificate.clone()).map_err(|_| TlsError::BrokenCertificate)?;
            self.extra.push(certificate);
        }
        if self.extra.len() == before { Err(TlsError::NoCertificate) } else { Ok(()) }
    }

    /// Builds the configuration of the client side. The provider is passed, never installed for the process.
    pub(super) fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let verifier = match Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&provider))
        {
            Ok(verifier) => Ok(Arc::new(verifier) as Arc<dyn rustls::client::danger::ServerCertVerifier>),
            // A machine without root certificates can still use the configured ones.
            Err(error) if self.extra.is_empty() => Err(error),
            Err(_) => self.only_extra(&provider),
        }?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn only_extra(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn rustls::client::danger::ServerCertVerifier>, rustls::Error> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.extra.iter().cloned());
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .build()
            .map(|verifier| verifier as _)
            .map_err(|error| rustls::Error::General(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_usable_certificate_is_refused() {
        let mut roots = Roots::default();
        assert!(matches!(roots.add_pem(b""), Err(TlsError::NoCertificate)));
        assert!(matches!(roots.add_pem(b"not a pem"), Err(TlsError::NoCertificate)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(roots.add_pem(broken), Err(TlsError::BrokenCertificate)));
    }
}
