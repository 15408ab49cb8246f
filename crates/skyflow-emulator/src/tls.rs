//! A certificate authority of the vault's own, so that clients which insist on HTTPS can be tested.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rusqlite::Connection;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::clock::Now;
use crate::store::settings;
use crate::timestamps::{Day, day_of};

const DAY: i64 = 86_400_000;
/// How long certificates are valid, in days.
const VALID: i64 = 90;
/// The age at which an authority is replaced, in days.
const REPLACED: i64 = 60;

/// Every domain whose hosts the certificate stands in for. The authority can sign for nothing else, so that a client
/// which trusts it is no worse off than before.
const DOMAINS: [&str; 4] =
    ["skyflowapis.com", "skyflowapis-preview.com", "skyflowapis.dev", "skyflowapis.tech"];

/// What a server needs to speak TLS, and what a client needs to trust it.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
}

/// Reports a certificate that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    #[error(transparent)]
    Store(#[from] rusqlite::Error),
}

impl Identity {
    /// Signs a fresh server certificate; the authority is kept in the store.
    pub(crate) fn load(connection: &Connection, now: Now) -> Result<Self, TlsError> {
        let (issuer, ca_pem) = authority(connection, now)?;
        let mut params = CertificateParams::default();
        set_validity(&mut params, now.millis());
        params.distinguished_name = name("skyflow-emulator");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = vec![
            SanType::DnsName("localhost".try_into()?),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
        ];
        for domain in DOMAINS {
            for host in ["*.vault", "*.gateway", "manage"] {
                params.subject_alt_names.push(SanType::DnsName(format!("{host}.{domain}").try_into()?));
            }
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), ca_pem })
    }
}

/// Returns the stored authority, or a new one when there is none or it is too old.
fn authority(connection: &Connection, now: Now) -> Result<(Issuer<'static, KeyPair>, String), TlsError> {
    let stored = |setting| -> rusqlite::Result<Option<String>> {
        Ok(settings::get(connection, setting)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    if let (Some(key), Some(certificate), Some(made)) =
        (stored("ca_key")?, stored("ca_pem")?, stored("ca_made")?)
        && let Ok(made) = made.parse::<i64>()
        && (0..REPLACED * DAY).contains(&(now.millis() - made))
    {
        return Ok((Issuer::new(authority_params(made), KeyPair::from_pem(&key)?), certificate));
    }
    let key = KeyPair::generate()?;
    let made = now.millis();
    let params = authority_params(made);
    let certificate = params.self_signed(&key)?.pem();
    settings::set(connection, "ca_key", key.serialize_pem().as_bytes())?;
    settings::set(connection, "ca_pem", certificate.as_bytes())?;
    settings::set(connection, "ca_made", made.to_string().as_bytes())?;
    Ok((Issuer::new(params, key), certificate))
}

fn authority_params(made: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    set_validity(&mut params, made);
    params.distinguished_name = name("skyflow-emulator test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let local = [
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)),
    ];
    let domains = DOMAINS.map(|domain| GeneralSubtree::DnsName(domain.to_owned()));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: local.into_iter().chain(domains).collect(),
        excluded_subtrees: Vec::new(),
    });
    params
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Makes certificates valid from a day before, because the clocks of clients differ.
fn set_validity(params: &mut CertificateParams, made: i64) {
    let midnight = |Day { year, month, day }| date_time_ymd(i32::try_from(year).unwrap_or(1970), month, day);
    params.not_before = midnight(day_of(made - DAY));
    params.not_after = midnight(day_of(made + VALID * DAY));
}
