//! The public key infrastructure: real X.509 certificates and lists of revoked ones.

pub(crate) mod authorities;
pub(crate) mod certificates;
pub(crate) mod crl;
pub(crate) mod csrs;
pub(crate) mod keys;
pub(crate) mod names;
pub(crate) mod request;
pub(crate) mod roles;
pub(crate) mod validation;
pub(crate) mod x509;

impl From<rcgen::Error> for crate::failure::Failure {
    fn from(_: rcgen::Error) -> Self {
        Self::new("internal_error", "a certificate could not be made")
    }
}
