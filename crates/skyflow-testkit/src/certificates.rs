//! Certificates that clients of a test can be told to trust.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS12;
use rustls::{DEFAULT_VERSIONS, RootCertStore, ServerConfig};

/// Reports a certificate that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("could not make a certificate")]
pub struct CertificateError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self(error.into())
    }
}

impl From<rustls::Error> for CertificateError {
    fn from(error: rustls::Error) -> Self {
        Self(error.into())
    }
}

/// A certificate authority with a key made on this machine. It is never installed anywhere.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use skyflow_testkit::Authority;
///
/// # fn main() -> Result<(), skyflow_testkit::CertificateError> {
/// let authority = Authority::new()?;
/// let valid = authority.issue("127.0.0.1")?;
/// let other_host = authority.issue("other.example")?;
/// let expired = authority.issue_valid("127.0.0.1", SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH + Duration::from_secs(1))?;
/// assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok(())
/// # }
/// ```
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes an authority that may sign for any host at any time.
    ///
    /// # Errors
    ///
    /// Fails when the crypto library cannot make a key.
    pub fn new() -> Result<Self, CertificateError> {
        Self::builder().generate()
    }

    /// Starts an authority with limits.
    pub fn builder() -> AuthorityBuilder {
        AuthorityBuilder { name: "skyflow-testkit".to_owned(), domains: None, valid: None }
    }

    /// Returns the certificate in PEM format, for clients to trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the private key in PEM format, to keep the authority for [`AuthorityBuilder::restore`].
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Issues a certificate for a host name or an address.
    ///
    /// # Errors
    ///
    /// Fails when a certificate cannot name the host.
    pub fn issue(&self, host: &str) -> Result<Identity, CertificateError> {
        self.issue_for([host], None)
    }

    /// Issues a certificate that is valid for a time.
    ///
    /// # Errors
    ///
    /// Fails when a certificate cannot name the host.
    pub fn issue_valid(&self, host: &str, valid: Range<SystemTime>) -> Result<Identity, CertificateError> {
        self.issue_for([host], Some(valid))
    }

    /// Issues a certificate for several hosts, such as `localhost`, `::1` and `*.api.example`, which is valid for a time
    /// or always.
    ///
    /// # Errors
    ///
    /// Fails when a certificate cannot name one of the hosts.
    pub fn issue_for<H: Into<String>>(
        &self,
        hosts: impl IntoIterator<Item = H>,
        valid: Option<Range<SystemTime>>,
    ) -> Result<Identity, CertificateError> {
        let mut params = end_entity(hosts)?;
        params.use_authority_key_identifier_extension = true;
        if let Some(valid) = valid {
            set_validity(&mut params, &valid);
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Identity::new(certificate.der().clone(), &key)
    }

    /// Issues a certificate for a client, and returns it and its private key in PEM format.
    ///
    /// # Errors
    ///
    /// Fails when the crypto library cannot make a key.
    pub fn issue_client(&self, name: &str) -> Result<(String, String), CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// Describes an [`Authority`] with limits: a client that trusts it risks no more than they allow.
#[derive(Debug, Clone)]
#[must_use = "an authority is made by `generate` or `restore`"]
pub struct AuthorityBuilder {
    name: String,
    domains: Option<Vec<String>>,
    valid: Option<Range<SystemTime>>,
}

impl AuthorityBuilder {
    /// Sets the common name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Limits it to these domains, their subdomains, and loopback.
    pub fn domains<D: Into<String>>(mut self, domains: impl IntoIterator<Item = D>) -> Self {
        self.domains = Some(domains.into_iter().map(Into::into).collect());
        self
    }

    /// Limits the time in which it is valid.
    pub fn valid(mut self, valid: Range<SystemTime>) -> Self {
        self.valid = Some(valid);
        self
    }

    /// Makes the authority with a fresh key.
    ///
    /// # Errors
    ///
    /// Fails when the crypto library cannot make a key.
    pub fn generate(self) -> Result<Authority, CertificateError> {
        let (params, key) = (self.params(), KeyPair::generate()?);
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// Makes an authority again that was kept: from [`Authority::key_pem`], [`Authority::pem`] and the same limits.
    ///
    /// # Errors
    ///
    /// Fails when the key cannot be read.
    pub fn restore(self, key_pem: &str, pem: impl Into<String>) -> Result<Authority, CertificateError> {
        let key = KeyPair::from_pem(key_pem)?;
        Ok(Authority { issuer: Issuer::new(self.params(), key), pem: pem.into() })
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.name.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        if let Some(valid) = &self.valid {
            set_validity(&mut params, valid);
        }
        if let Some(domains) = &self.domains {
            let domains = domains.iter().cloned().map(GeneralSubtree::DnsName);
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: loopback().into_iter().chain(domains).collect(),
                excluded_subtrees: Vec::new(),
            });
        }
        params
    }
}

fn loopback() -> [GeneralSubtree; 3] {
    [
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)),
    ]
}

/// A certificate with its key: what a server needs to speak TLS.
#[derive(Clone)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Arc<[u8]>,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// Makes a certificate for a host that no authority has signed.
    ///
    /// # Errors
    ///
    /// Fails when a certificate cannot name the host.
    pub fn self_signed(host: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let certificate = end_entity([host])?.self_signed(&key)?;
        Self::new(certificate.der().clone(), &key)
    }

    /// Offers these protocols by ALPN, the preferred one first; none by default.
    #[must_use]
    pub fn offering(self, protocols: &[&str]) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config), ..self }
    }

    /// Requires a certificate of each client, signed by this authority. It speaks HTTP/1.1 afterwards, unless
    /// [`Identity::offering`] says otherwise.
    ///
    /// # Errors
    ///
    /// Fails when the authority cannot be used.
    pub fn requiring_clients_of(mut self, authority: &Authority) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem().as_bytes());
        roots.add(root.map_err(|error| CertificateError(Box::new(error)))?)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| CertificateError(Box::new(error)))?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(DEFAULT_VERSIONS)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], self.private_key().into())?;
        self.config = Arc::new(config);
        Ok(self)
    }

    /// Speaks TLS 1.2 only.
    ///
    /// # Errors
    ///
    /// Fails when the crypto library does not support it.
    pub fn tls12_only(mut self) -> Result<Self, CertificateError> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS12])?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.private_key().into())?;
        self.config = Arc::new(config);
        Ok(self)
    }

    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Result<Self, CertificateError> {
        let private_key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], private_key.into())?;
        Ok(Self { certificate, key: key.serialize_der().into(), config: Arc::new(config) })
    }

    fn private_key(&self) -> PrivatePkcs8KeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.to_vec())
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

fn end_entity<H: Into<String>>(
    hosts: impl IntoIterator<Item = H>,
) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::new(hosts.into_iter().map(Into::into).collect::<Vec<_>>())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, valid: &Range<SystemTime>) {
    // A time before 1970 is no time for a certificate.
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(valid.start);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(valid.end);
}
