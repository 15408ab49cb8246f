//! Reading certificates.

use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Returns the contents of the certificates in PEM text.
pub(crate) fn ders(text: &str) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(text.as_bytes())
        .filter_map(Result::ok)
        .filter(|pem| pem.label == "CERTIFICATE")
        .map(|pem| pem.contents)
        .filter(|der| parse(der).is_some())
        .collect()
}

/// Reads a certificate; `None` when it is none, or has something behind it.
pub(crate) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .map(|(_, certificate)| certificate)
}

/// Returns a serial number as hexadecimal text.
pub(crate) fn serial(certificate: &X509Certificate<'_>) -> String {
    let bytes = certificate.raw_serial();
    let significant =
        bytes.iter().position(|byte| *byte != 0).and_then(|at| bytes.get(at..)).unwrap_or(bytes);
    crate::call::hex(significant)
}
