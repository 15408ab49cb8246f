//! Certificate authorities, roles, certificates and signing requests.

mod authorities;
mod certificates;
mod chain;
mod csrs;
mod roles;
mod trust_anchors;

pub use self::authorities::{CertificateAuthority, Crl};
pub use self::certificates::{Certificate, IssuedCertificate, Validation};
pub use self::chain::CertificateChain;
pub use self::csrs::CertificateRequest;
pub use self::roles::PkiRole;
pub use self::trust_anchors::TrustAnchor;
pub use crate::api::types::{CaType, CsrStatus, CsrSubject, KeyType};

use crate::client::area;

area! {
    /// The public key infrastructure of a client.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let ca = client
    ///     .pki()
    ///     .create_ca("acme-root", "Acme Root CA", "root")
    ///     .key_type("ec")
    ///     .key_size(256)
    ///     .validity_days(3650)
    ///     .await?;
    /// client.pki().create_role("svc-mtls", &ca.id).allowed_domains(["svc.cluster.local"]).allow_subdomains(true).await?;
    /// let certificate = client
    ///     .pki()
    ///     .issue("svc-mtls", "billing.svc.cluster.local")
    ///     .alt_names(["billing-api.svc.cluster.local"])
    ///     .ttl("168h")
    ///     .await?;
    /// let for_a_server = certificate.full_chain_pem();
    /// # Ok(()) }
    /// ```
    Pki
}
