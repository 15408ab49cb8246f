use super::{CsrStatus, CsrSubject, IssuedCertificate, KeyType, Pki};
use crate::api::{pki_csrs, types};
use crate::call::{page_setters, setters};
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::paged;
use crate::{Call, Page, Timestamp};

model! {
    /// A certificate signing request.
    CertificateRequest from Csr {
        /// The id.
        id: String,
        /// The request, in PEM format.
        csr_pem: Option<String>,
        /// The subject that it asks for.
        subject: Option<CsrSubject>,
        /// The names that it asks for.
        san_dns: Vec<String>,
        /// Whether it is pending, approved, rejected or signed.
        status: Option<CsrStatus>,
        /// The certificate that it was signed to.
        certificate_id: Option<String>,
        /// When it came in.
        created_at: Option<Timestamp>,
    }
}

impl FromWire<CsrSubject> for CsrSubject {
    fn from_wire(subject: Self) -> Result<Self, IncompleteResponse> {
        Ok(subject)
    }
}

paged! {
    pki_csrs::List => CsrList.data as CertificateRequest;
}

impl<M: Mode> Pki<M> {
    /// Lists signing requests.
    pub fn list_csrs(&self) -> Call<pki_csrs::List, Page<CertificateRequest>, M> {
        self.call(pki_csrs::List::new())
    }

    /// Makes a key and a signing request on the server; the key stays there.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use scaivault::pki::CsrSubject;
    ///
    /// let csr = client
    ///     .pki()
    ///     .generate_csr(CsrSubject::new("vendor.example"))
    ///     .san_dns(["vendor-api.example"])
    ///     .key_type("ec")
    ///     .key_size(256)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn generate_csr(&self, subject: CsrSubject) -> Call<pki_csrs::Generate, CertificateRequest, M> {
        self.call(pki_csrs::Generate::new(types::CsrGenerate::new(subject)))
    }

    /// Imports a signing request that was made elsewhere.
    pub fn import_csr(&self, csr_pem: impl Into<String>) -> Call<pki_csrs::Import, CertificateRequest, M> {
        self.call(pki_csrs::Import::new(types::CsrImport::new(csr_pem)))
    }

    /// Returns a signing request.
    pub fn get_csr(&self, id: impl Into<String>) -> Call<pki_csrs::Get, CertificateRequest, M> {
        self.call(pki_csrs::Get::new(id))
    }

    /// Approves a signing request.
    pub fn approve_csr(&self, id: impl Into<String>) -> Call<pki_csrs::Approve, CertificateRequest, M> {
        self.call(pki_csrs::Approve::new(id))
    }

    /// Rejects a signing request.
    pub fn reject_csr(&self, id: impl Into<String>) -> Call<pki_csrs::Reject, CertificateRequest, M> {
        self.call(pki_csrs::Reject::new(id, types::ReasonBody::default()))
    }

    /// Signs an approved signing request with an authority.
    pub fn sign_csr_by_id(
        &self,
        id: impl Into<String>,
        ca_id: impl Into<String>,
    ) -> Call<pki_csrs::Sign, IssuedCertificate, M> {
        self.call(pki_csrs::Sign::new(id, types::CsrSign::new(ca_id)))
            .hint("a certificate may have been issued")
    }
}

page_setters!(pki_csrs::List);

setters!(pki_csrs::List {
    /// Lists requests in this state.
    status(status: impl Into<CsrStatus>) => |list| list.status(status.into().as_str());
});

setters!(pki_csrs::Generate {
    /// Asks for names.
    san_dns(names: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.san_dns(names); op };
    /// Asks for addresses.
    san_ip(addresses: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.san_ip(addresses); op };
    /// Sets the algorithm of the key: `rsa` or `ec`.
    key_type(kind: impl Into<KeyType>) => |op| { op.body = op.body.key_type(kind); op };
    /// Sets the size of the key in bits.
    key_size(bits: u32) => |op| { op.body = op.body.key_size(bits.into()); op };
});

setters!(pki_csrs::Reject {
    /// Says why.
    reason(reason: impl Into<String>) => |op| { op.body = op.body.reason(reason); op };
});

setters!(pki_csrs::Sign {
    /// Sets for how many days the certificate is valid.
    validity_days(days: u32) => |op| { op.body = op.body.validity_days(days.into()); op };
});
