use std::collections::BTreeMap;

use skyflow_http::rest::Json;
use skyflow_types::Secret as SecretText;

use super::{CertificateChain, Pki};
use crate::api::{pki_certificates, types};
use crate::call::{duration_setter, page_setters, setters};
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, may_be_empty, model};
use crate::page::paged;
use crate::{Call, Page, Timestamp};

/// A certificate that was issued just now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IssuedCertificate {
    /// The certificate, in PEM format.
    pub certificate_pem: String,
    /// The private key, in PEM format, when the server made it. It is returned once, and wiped when it is dropped.
    pub private_key_pem: Option<SecretText>,
    /// The authorities, from the issuing one to the root.
    pub ca_chain: CertificateChain,
    /// The serial number.
    pub serial_number: Option<String>,
    /// Until when the certificate is valid: shorter than asked for where the role or the authority ends first.
    pub not_after: Option<Timestamp>,
    /// The id.
    pub id: Option<String>,
    /// Members that no page documents.
    pub extra: BTreeMap<String, Json>,
}

impl IssuedCertificate {
    /// Returns the certificate and the intermediate ones, in PEM format: what a TLS server presents. The root is not
    /// among them, because clients have it.
    pub fn full_chain_pem(&self) -> String {
        let leaf = CertificateChain::of_pem(&self.certificate_pem).to_pem();
        format!("{leaf}{}", self.ca_chain.intermediates_pem())
    }
}

impl FromWire<types::IssuedCertificate> for IssuedCertificate {
    fn from_wire(wire: types::IssuedCertificate) -> Result<Self, IncompleteResponse> {
        Ok(Self {
            certificate_pem: wire.certificate.ok_or(IncompleteResponse("certificate"))?,
            private_key_pem: wire.private_key.map(SecretText::new),
            ca_chain: wire.ca_chain.as_ref().map(CertificateChain::of_json).unwrap_or_default(),
            serial_number: wire.serial_number,
            not_after: wire.not_after.map(Timestamp::new),
            id: wire.id,
            extra: wire.extra,
        })
    }
}

may_be_empty!(IssuedCertificate, IssuedCertificate, required);

model! {
    /// A certificate that the server keeps.
    Certificate from Certificate {
        /// The id.
        id: String,
        /// The serial number.
        serial_number: Option<String>,
        /// The common name.
        common_name: Option<String>,
        /// The authority that issued it.
        ca_id: Option<String>,
        /// The role by which it was issued.
        role: Option<String>,
        /// Its other names.
        alt_names: Vec<String>,
        /// Since when it is valid.
        not_before: Option<Timestamp>,
        /// Until when it is valid.
        not_after: Option<Timestamp>,
        /// Whether it was revoked.
        revoked: Option<bool>,
        /// When it was revoked.
        revoked_at: Option<Timestamp>,
        /// The certificate, in PEM format.
        certificate_pem: Option<String>,
    }
}

model! {
    /// What the validation of a certificate found.
    Validation from CertValidateResult {
        /// Whether the certificate can be trusted.
        valid: bool,
        /// Why not, one word for each reason.
        errors: Vec<String>,
    }
}

impl FromWire<String> for String {
    fn from_wire(wire: Self) -> Result<Self, IncompleteResponse> {
        Ok(wire)
    }
}

paged! {
    pki_certificates::List => CertificateList.data as Certificate;
}

impl<M: Mode> Pki<M> {
    /// Issues a certificate by a role, with a private key that the server makes.
    pub fn issue(
        &self,
        role: impl Into<String>,
        common_name: impl Into<String>,
    ) -> Call<pki_certificates::Issue, IssuedCertificate, M> {
        self.call(pki_certificates::Issue::new(role, types::CertIssue::new(common_name)))
            .hint("a certificate may have been issued")
    }

    /// Signs a signing request by a role.
    pub fn sign(
        &self,
        role: impl Into<String>,
        csr_pem: impl Into<String>,
    ) -> Call<pki_certificates::Sign, IssuedCertificate, M> {
        self.call(pki_certificates::Sign::new(role, types::CertSign::new(csr_pem)))
            .hint("a certificate may have been issued")
    }

    /// Lists certificates.
    pub fn list_certificates(&self) -> Call<pki_certificates::List, Page<Certificate>, M> {
        self.call(pki_certificates::List::new())
    }

    /// Returns a certificate.
    pub fn get_certificate(&self, id: impl Into<String>) -> Call<pki_certificates::Get, Certificate, M> {
        self.call(pki_certificates::Get::new(id))
    }

    /// Returns a certificate in PEM format.
    pub fn get_certificate_pem(&self, id: impl Into<String>) -> Call<pki_certificates::GetPem, String, M> {
        self.call(pki_certificates::GetPem::new(id))
    }

    /// Revokes a certificate; a second time changes nothing.
    pub fn revoke_certificate(
        &self,
        id: impl Into<String>,
    ) -> Call<pki_certificates::Revoke, Certificate, M> {
        self.call(pki_certificates::Revoke::new(id, types::ReasonBody::default()))
    }

    /// Checks a certificate against the authorities and trust anchors of the server.
    pub fn validate_certificate(
        &self,
        certificate_pem: impl Into<String>,
    ) -> Call<pki_certificates::Validate, Validation, M> {
        self.call(pki_certificates::Validate::new(types::CertValidate::new(certificate_pem)))
    }
}

page_setters!(pki_certificates::List);

setters!(pki_certificates::Issue {
    /// Adds names.
    alt_names(names: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.alt_names(names); op };
    /// Adds addresses; the role must allow them.
    ip_sans(addresses: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.ip_sans(addresses); op };
});

duration_setter!(pki_certificates::Issue,
    /// Sets the lifetime; the role and the authority may end it earlier.
    ttl => |op, value| op.body.ttl = Some(value));

setters!(pki_certificates::Sign {
    /// Replaces the names of the request.
    names(names: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.san(names); op };
});

duration_setter!(pki_certificates::Sign,
    /// Sets the lifetime; the role and the authority may end it earlier.
    ttl => |op, value| op.body.ttl = Some(value));

setters!(pki_certificates::List {
    /// Lists the certificates of one authority.
    ca(id: impl Into<String>) => |list| list.ca_id(id);
    /// Lists revoked certificates too.
    include_revoked(yes: bool) => |list| list.include_revoked(yes);
});

duration_setter!(pki_certificates::List,
    /// Lists certificates that expire within this time.
    expiring_within => |list, value| list.expiring_within = Some(value));

setters!(pki_certificates::Revoke {
    /// Says why.
    reason(reason: impl Into<String>) => |op| { op.body = op.body.reason(reason); op };
});

setters!(pki_certificates::Validate {
    /// Sets the certificates between this one and a root, in PEM format.
    chain_pem(pem: impl Into<String>) => |op| { op.body = op.body.chain_pem(pem); op };
    /// Says whether revoked certificates are found.
    check_revocation(yes: bool) => |op| { op.body = op.body.check_revocation(yes); op };
});
