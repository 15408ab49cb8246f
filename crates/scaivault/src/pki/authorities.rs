use bytes::Bytes;

use super::{CaType, KeyType, Pki};
use crate::api::{pki_authorities, types};
use crate::call::{page_setters, setters};
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::paged;
use crate::{Call, Page, Timestamp};

model! {
    /// A certificate authority. Its key stays on the server.
    CertificateAuthority from Ca {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The common name of its certificate.
        common_name: Option<String>,
        /// Whether it is a root or below another authority.
        ca_type: Option<CaType>,
        /// The authority above.
        parent_ca_id: Option<String>,
        /// The algorithm of its key.
        key_type: Option<KeyType>,
        /// The size of its key in bits.
        key_size: Option<u64>,
        /// Since when it is valid.
        valid_from: Option<Timestamp>,
        /// Until when it is valid.
        valid_until: Option<Timestamp>,
        /// Whether it issues certificates.
        is_active: Option<bool>,
        /// How many certificates it has issued.
        certificates_issued: Option<u64>,
        /// When it was created.
        created_at: Option<Timestamp>,
    }
}

model! {
    /// A list of revoked certificates that was made just now.
    Crl from Crl {
        /// The list, in PEM format.
        crl_pem: Option<String>,
        /// Until when the next one appears.
        next_update: Option<Timestamp>,
    }
}

/// The certificate of an authority, in PEM format.
impl FromWire<types::CaCertificate> for String {
    fn from_wire(wire: types::CaCertificate) -> Result<Self, IncompleteResponse> {
        wire.certificate_pem.ok_or(IncompleteResponse("certificate_pem"))
    }
}

impl FromWire<Bytes> for Bytes {
    fn from_wire(wire: Self) -> Result<Self, IncompleteResponse> {
        Ok(wire)
    }
}

paged! {
    pki_authorities::List => CaList.data as CertificateAuthority;
}

impl<M: Mode> Pki<M> {
    /// Lists certificate authorities.
    pub fn list_cas(&self) -> Call<pki_authorities::List, Page<CertificateAuthority>, M> {
        self.call(pki_authorities::List::new())
    }

    /// Creates a certificate authority: a `root`, or an `intermediate` with [`parent`](Call::parent).
    pub fn create_ca(
        &self,
        name: impl Into<String>,
        common_name: impl Into<String>,
        ca_type: impl Into<CaType>,
    ) -> Call<pki_authorities::Create, CertificateAuthority, M> {
        self.call(pki_authorities::Create::new(types::CaCreate::new(name, common_name, ca_type)))
            .hint("an authority of this name may exist")
    }

    /// Returns a certificate authority.
    pub fn get_ca(&self, id: impl Into<String>) -> Call<pki_authorities::Get, CertificateAuthority, M> {
        self.call(pki_authorities::Get::new(id))
    }

    /// Returns the certificate of an authority, in PEM format.
    pub fn get_ca_certificate(
        &self,
        id: impl Into<String>,
    ) -> Call<pki_authorities::GetCertificate, String, M> {
        self.call(pki_authorities::GetCertificate::new(id))
    }

    /// Revokes an authority with everything below it.
    pub fn revoke_ca(&self, id: impl Into<String>) -> Call<pki_authorities::Revoke, CertificateAuthority, M> {
        self.call(pki_authorities::Revoke::new(id, types::ReasonBody::default()))
    }

    /// Returns the current list of revoked certificates of an authority, in DER format.
    pub fn get_crl(&self, id: impl Into<String>) -> Call<pki_authorities::GetCrl, Bytes, M> {
        self.call(pki_authorities::GetCrl::new(id))
    }

    /// Makes a new list of revoked certificates of an authority.
    pub fn generate_crl(&self, id: impl Into<String>) -> Call<pki_authorities::GenerateCrl, Crl, M> {
        self.call(pki_authorities::GenerateCrl::new(id))
    }
}

page_setters!(pki_authorities::List);

setters!(pki_authorities::Create {
    /// Sets the authority above; for an `intermediate`.
    parent(id: impl Into<String>) => |op| { op.body = op.body.parent_ca_id(id); op };
    /// Sets the algorithm of the key: `rsa` or `ec`.
    key_type(kind: impl Into<KeyType>) => |op| { op.body = op.body.key_type(kind); op };
    /// Sets the size of the key in bits: 2048 or 4096, or 256 or 384.
    key_size(bits: u32) => |op| { op.body = op.body.key_size(bits.into()); op };
    /// Sets for how many days the authority is valid.
    validity_days(days: u32) => |op| { op.body = op.body.validity_days(days.into()); op };
});

setters!(pki_authorities::Revoke {
    /// Says why.
    reason(reason: impl Into<String>) => |op| { op.body = op.body.reason(reason); op };
});
