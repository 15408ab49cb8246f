//! Certificates: an authority, a role, a certificate, a signing request, a validation.

use scaivault::Client;
use scaivault_emulator::EmbeddedScaiVault;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects to an embedded server. Against a real one, `Client::from_env()` is all there is.
async fn connect() -> Result<(scaivault_emulator::Server, Client), Failure> {
    let server = EmbeddedScaiVault::builder().build()?.serve().await?;
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build()?;
    Ok((server, client))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    use scaivault::pki::CsrSubject;

    let (_server, client) = connect().await?;
    let pki = client.pki();
    let ca = pki
        .create_ca("acme-root", "Acme Root CA", "root")
        .key_type("ec")
        .key_size(256)
        .validity_days(3650)
        .await?;
    pki.create_role("svc-mtls", &ca.id)
        .allowed_domains(["svc.cluster.local"])
        .allow_subdomains(true)
        .key_type("ec")
        .key_bits(256)
        .await?;
    let certificate = pki
        .issue("svc-mtls", "billing.svc.cluster.local")
        .alt_names(["billing-api.svc.cluster.local"])
        .ttl("168h")
        .await?;
    println!("issued with a key: {}", certificate.private_key_pem.is_some());

    let csr = pki
        .generate_csr(CsrSubject::new("vendor.example"))
        .san_dns(["vendor-api.example"])
        .key_type("ec")
        .key_size(256)
        .await?;
    let imported = pki.import_csr(csr.csr_pem.unwrap_or_default()).await?;
    pki.approve_csr(&imported.id).await?;
    let signed = pki.sign_csr_by_id(&imported.id, &ca.id).validity_days(90).await?;
    let result = pki
        .validate_certificate(&signed.certificate_pem)
        .chain_pem(signed.ca_chain.to_pem())
        .check_revocation(true)
        .await?;
    println!("valid: {} {:?}", result.valid, result.errors);
    Ok(())
}
