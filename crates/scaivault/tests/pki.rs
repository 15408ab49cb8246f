//! Certificates and lists of revoked certificates, checked by rustls, rustls-webpki and `openssl`: cases 40, 43 and 44.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of a test")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, SanType};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use scaivault::pki::IssuedCertificate;
use scaivault::{Client, Error};
use scaivault_emulator::EmbeddedScaiVault;

/// A root, an authority below it, and a role. The clock is the system's, because `openssl` has no other.
struct Authorities {
    client: Client,
    root: String,
    issuing: String,
}

async fn authorities() -> Authorities {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let builder = Client::builder().base_url("https://scaivault.example").environment(|_| None);
    let client = builder.token(vault.token().clone()).transport(vault.service()).build().unwrap();
    let pki = client.pki();
    let root = pki.create_ca("root", "Root", "root").key_type("ec").key_size(384).await.unwrap().id;
    let below = pki.create_ca("issuing", "Issuing", "intermediate").parent(&root);
    let issuing = below.key_type("ec").key_size(256).await.unwrap().id;
    let role = pki.create_role("svc", &issuing).allowed_domains(["svc.example"]);
    role.allow_subdomains(true).allow_ip_sans(true).key_type("ec").key_bits(256).await.unwrap();
    Authorities { client, root, issuing }
}

impl Authorities {
    async fn issue(&self, name: &str) -> IssuedCertificate {
        self.client.pki().issue("svc", name).ip_sans(["127.0.0.1"]).ttl("24h").await.unwrap()
    }

    async fn crls(&self) -> Vec<CertificateRevocationListDer<'static>> {
        let mut lists = Vec::new();
        for ca in [&self.issuing, &self.root] {
            lists.push(self.client.pki().get_crl(ca).await.unwrap().to_vec().into());
        }
        lists
    }

    async fn crls_pem(&self) -> String {
        let mut lists = String::new();
        for ca in [&self.issuing, &self.root] {
            lists += &self.client.pki().generate_crl(ca).await.unwrap().crl_pem.unwrap();
        }
        lists
    }
}

fn roots(certificate: &IssuedCertificate) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    let root = certificate.ca_chain.root_pem().unwrap();
    store.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    Arc::new(store)
}

fn identity(certificate: &IssuedCertificate) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = certificate.full_chain_pem();
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = certificate.private_key_pem.as_ref().unwrap().expose();
    (chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
}

/// Carries out a handshake in which each side presents a certificate and checks that of the other.
fn handshake(
    server: &IssuedCertificate,
    client: &IssuedCertificate,
    crls: &[CertificateRevocationListDer<'static>],
    name: &'static str,
) -> Result<(), rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(client), Arc::clone(&provider))
        .with_crls(crls.iter().cloned())
        .enforce_revocation_expiration();
    let (chain, key) = identity(client);
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier.build().unwrap())
        .with_client_auth_cert(chain, key)?;
    let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap())?;

    let verifier = WebPkiClientVerifier::builder_with_provider(roots(server), Arc::clone(&provider))
        .with_crls(crls.iter().cloned())
        .enforce_revocation_expiration();
    let (chain, key) = identity(server);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key)?;
    let mut server = ServerConnection::new(Arc::new(config))?;

    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

fn is_revoked(result: &Result<(), rustls::Error>) -> bool {
    matches!(result, Err(rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked)))
}

#[tokio::test]
async fn case_43_issued_certificates_shake_hands() {
    let authorities = authorities().await;
    let server = authorities.issue("server.svc.example").await;
    let client = authorities.issue("client.svc.example").await;
    let crls = authorities.crls().await;
    assert_eq!(server.ca_chain.len(), 2, "the issuing authority and the root");
    assert_eq!(server.full_chain_pem().matches("BEGIN CERTIFICATE").count(), 2, "without the root");
    handshake(&server, &client, &crls, "server.svc.example").unwrap();
    handshake(&server, &client, &crls, "127.0.0.1").unwrap();
    for other in ["other.svc.example", "127.0.0.2"] {
        let error = handshake(&server, &client, &crls, other).unwrap_err();
        assert!(error.to_string().contains("not valid for"), "{error}");
    }
}

#[tokio::test]
async fn case_44_revoked_certificates_are_refused() {
    let authorities = authorities().await;
    let pki = authorities.client.pki();
    let server = authorities.issue("server.svc.example").await;
    let client = authorities.issue("client.svc.example").await;
    let other = authorities.issue("other.svc.example").await;
    let before = authorities.crls().await;
    for _ in 0..2 {
        pki.revoke_certificate(client.id.clone().unwrap()).reason("key compromise").await.unwrap();
    }
    let crls = authorities.crls().await;
    handshake(&server, &client, &before, "server.svc.example").unwrap();
    assert!(is_revoked(&handshake(&server, &client, &crls, "server.svc.example")));
    handshake(&server, &other, &crls, "server.svc.example").unwrap();
    assert!(is_revoked(&handshake(&client, &other, &crls, "client.svc.example")), "as a server too");

    // Everything below a revoked authority is refused.
    let issuing = authorities.crls().await.remove(0);
    pki.revoke_ca(&authorities.issuing).reason("ca compromise").await.unwrap();
    let root = pki.get_crl(&authorities.root).await.unwrap().to_vec().into();
    assert!(is_revoked(&handshake(&server, &other, &[issuing, root], "server.svc.example")));
}

/// Runs `openssl verify`; returns whether it accepts, and what it prints.
fn openssl_verify(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").arg("verify").args(arguments).current_dir(folder).output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "a test that proves nothing must say so")]
async fn cases_43_44_openssl_agrees() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("NOT TESTED: the program openssl is missing; rustls has checked the same certificates");
        return;
    }
    let authorities = authorities().await;
    let issued = authorities.issue("server.svc.example").await;
    let revoked = authorities.issue("revoked.svc.example").await;
    authorities.client.pki().revoke_certificate(revoked.id.clone().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let chain = issued.ca_chain.iter().next().unwrap();
    for (name, text) in [
        ("root", issued.ca_chain.root_pem().unwrap()),
        ("chain", chain),
        ("issued", issued.certificate_pem.as_str()),
        ("revoked", revoked.certificate_pem.as_str()),
        ("crls", authorities.crls_pem().await.as_str()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let trust = ["-x509_strict", "-CAfile", "root", "-untrusted", "chain"];
    let verify = |more: &[&str]| openssl_verify(folder.path(), &[&trust, more].concat());
    let (accepted, printed) = verify(&["issued"]);
    assert!(accepted, "{printed}");
    let (accepted, printed) = verify(&["-crl_check_all", "-CRLfile", "crls", "issued"]);
    assert!(accepted, "{printed}");
    let (accepted, printed) = verify(&["-crl_check_all", "-CRLfile", "crls", "revoked"]);
    assert!(!accepted && printed.contains("revoked"), "{printed}");
    let (accepted, printed) = openssl_verify(folder.path(), &["-CAfile", "root", "issued"]);
    assert!(!accepted, "the chain is not complete: {printed}");
}

/// Makes a signing request for `a.svc.example` with a change.
fn request(change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::new(vec!["a.svc.example".to_owned()]).unwrap();
    change(&mut params);
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

fn extension(oid: &[u64], content: &[u8]) -> String {
    let extension = CustomExtension::from_oid_content(oid, content.to_vec());
    request(|params| params.custom_extensions.push(extension))
}

#[tokio::test]
async fn case_40_hostile_requests_are_refused() {
    let authorities = authorities().await;
    let pki = authorities.client.pki();
    let name = |name: SanType| request(|params| params.subject_alt_names.push(name));
    let forged = {
        // Another character in the signature, which is at the end.
        let honest = request(|_| {});
        let end = honest.find("\n-----END").or_else(|| honest.find("\r\n-----END")).unwrap();
        let at = honest[..end].rfind(|c: char| c.is_ascii_alphanumeric()).unwrap() - 8;
        let other = if &honest[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &honest[..at], &honest[at + 1..])
    };
    for (pem, problem) in [
        (
            extension(&[2, 5, 29, 19], &[0x30, 3, 1, 1, 0xff]),
            "must not ask for the right to issue certificates",
        ),
        (extension(&[1, 3, 6, 1, 5, 5, 7, 1, 24], &[0x30, 3, 2, 1, 5]), "the extension 1.3.6.1.5.5.7.1.24"),
        (extension(&[1, 2, 3, 4], &[5, 0]), "the extension 1.2.3.4, which is not supported"),
        (extension(&[2, 5, 29, 54], &[2, 1, 0]), "inhibitAnyPolicy (2.5.29.54), which is not supported"),
        (extension(&[2, 5, 29, 36], &[0x30, 3, 0x80, 1, 0]), "policyConstraints (2.5.29.36), which is not"),
        (extension(&[2, 5, 29, 17], &[0xff, 0xff]), "subjectAltName (2.5.29.17), which cannot be read"),
        (
            name(SanType::Rfc822Name("root@svc.example".try_into().unwrap())),
            "must not have an e-mail address",
        ),
        (name(SanType::URI("spiffe://svc.example/a".try_into().unwrap())), "must not have a URI as a name"),
        (forged, "has a signature that is not its own"),
    ] {
        for result in [pki.sign("svc", &pem).await.map(|_| ()), pki.import_csr(&pem).await.map(|_| ())] {
            let Err(Error::Validation(error)) = result else { panic!("{problem}: {result:?}") };
            assert_eq!(error.status.as_u16(), 422);
            let found = error.details["fields"]["csr_pem"].as_str().unwrap_or_default();
            assert!(found.contains(problem), "{problem}: {found}");
        }
    }
    let foreign =
        request(|params| params.subject_alt_names = vec![SanType::DnsName("a.example".try_into().unwrap())]);
    assert!(matches!(pki.sign("svc", foreign).await, Err(Error::Validation(_))));
    let address = name(SanType::IpAddress([10, 0, 0, 1].into()));
    pki.sign("svc", &address).await.unwrap();
    pki.update_role("svc").allow_ip_sans(false).await.unwrap();
    assert!(matches!(pki.sign("svc", &address).await, Err(Error::Validation(_))));

    let nameless = request(|params| params.subject_alt_names.clear());
    let nameless = pki.import_csr(nameless).await.unwrap().id;
    pki.approve_csr(&nameless).await.unwrap();
    assert!(matches!(pki.sign_csr_by_id(&nameless, &authorities.issuing).await, Err(Error::Validation(_))));

    let host = request(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(DnType::CommonName, "cn.svc.example");
    });
    let signed = pki.sign("svc", host).await.unwrap();
    let kept = pki.get_certificate(signed.id.unwrap()).await.unwrap();
    assert_eq!(kept.alt_names, ["cn.svc.example"], "a host in the common name is a name");
}
