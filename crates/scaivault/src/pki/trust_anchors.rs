use super::Pki;
use crate::api::{pki_trust_anchors, types};
use crate::call::page_setters;
use crate::mode::Mode;
use crate::model::model;
use crate::page::paged;
use crate::{Call, Page, Timestamp};

model! {
    /// A certificate of another authority that validations trust.
    TrustAnchor from TrustAnchor {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The certificate, in PEM format.
        certificate_pem: Option<String>,
        /// When it was added.
        created_at: Option<Timestamp>,
    }
}

paged! {
    pki_trust_anchors::List => TrustAnchorList.data as TrustAnchor;
}

impl<M: Mode> Pki<M> {
    /// Lists trust anchors.
    pub fn list_trust_anchors(&self) -> Call<pki_trust_anchors::List, Page<TrustAnchor>, M> {
        self.call(pki_trust_anchors::List::new())
    }

    /// Adds a certificate that validations trust.
    pub fn create_trust_anchor(
        &self,
        name: impl Into<String>,
        certificate_pem: impl Into<String>,
    ) -> Call<pki_trust_anchors::Create, TrustAnchor, M> {
        self.call(pki_trust_anchors::Create::new(types::TrustAnchor::new(name, certificate_pem)))
    }

    /// Returns a trust anchor.
    pub fn get_trust_anchor(&self, id: impl Into<String>) -> Call<pki_trust_anchors::Get, TrustAnchor, M> {
        self.call(pki_trust_anchors::Get::new(id))
    }

    /// Removes a trust anchor.
    pub fn delete_trust_anchor(&self, id: impl Into<String>) -> Call<pki_trust_anchors::Delete, (), M> {
        self.call(pki_trust_anchors::Delete::new(id)).gone_is(|| ())
    }
}

page_setters!(pki_trust_anchors::List);
