//! The check of a certificate: every signature up to an authority of the server or a trust anchor, the times, and whether
//! something was revoked.

use serde::Deserialize;
use serde_json::{Value, json};
use x509_parser::prelude::X509Certificate;

use crate::call::{Call, Reply};
use crate::failure::{Failure, Outcome};
use crate::pki::authorities::CaDocument;
use crate::pki::certificates::CertificateDocument;
use crate::pki::x509::{ders, parse, serial};
use crate::state::State;

/// The longest chain that is followed.
const DEEPEST: usize = 10;

pub(crate) fn validate(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        certificate_pem: String,
        chain_pem: Option<String>,
        #[serde(default)]
        check_revocation: bool,
    }
    let body: Body = call.json()?;
    let own = ders(&body.certificate_pem);
    let Some(leaf) = own.first() else {
        return Err(Failure::field("certificate_pem", "must be a certificate in PEM format"));
    };
    let given = body.chain_pem.as_deref().map(ders).unwrap_or_default();
    if given.is_empty() && body.chain_pem.as_deref().is_some_and(|text| !text.trim().is_empty()) {
        return Err(Failure::field("chain_pem", "must be certificates in PEM format"));
    }
    let authorities = state.store.list::<CaDocument>("ca", &call.tenant)?;
    let anchors = state.store.list::<Value>("trust_anchor", &call.tenant)?;
    let anchor_texts = anchors.iter().filter_map(|(_, anchor)| anchor["certificate_pem"].as_str());
    let known = authorities.iter().map(|(_, ca)| ca.certificate_pem.as_str()).chain(anchor_texts);
    let known: Vec<Vec<u8>> = known.flat_map(ders).collect();
    let revoked = if body.check_revocation { revoked(state, &call.tenant)? } else { Vec::new() };
    let mut errors = problems(leaf, &given, &known, &revoked, call.now.div_euclid(1000));
    if runs_backwards(&given) {
        errors.push("wrong_order");
    }
    Reply::ok(&json!({ "valid": errors.is_empty(), "errors": errors }))
}

/// Returns the serial numbers of all that was revoked.
fn revoked(state: &State, tenant: &str) -> Outcome<Vec<String>> {
    let mut serials = Vec::new();
    for (_, certificate) in state.store.list::<CertificateDocument>("certificate", tenant)? {
        if certificate.revoked_at.is_some() {
            serials.push(certificate.serial_number);
        }
    }
    for (_, ca) in state.store.list::<CaDocument>("ca", tenant)? {
        if ca.revoked_at.is_some() {
            serials.push(ca.serial_number);
        }
    }
    Ok(serials)
}

/// Walks from a certificate to a root that is known. Each reason is reported once, by a word that does not change.
fn problems(
    leaf: &[u8],
    given: &[Vec<u8>],
    known: &[Vec<u8>],
    revoked: &[String],
    now: i64,
) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut note = |problem: &'static str| {
        if !found.contains(&problem) {
            found.push(problem);
        }
    };
    let mut current = leaf;
    for _ in 0..DEEPEST {
        let Some(certificate) = parse(current) else {
            note("malformed");
            break;
        };
        let validity = certificate.validity();
        if now > validity.not_after.timestamp() {
            note("expired");
        }
        if now < validity.not_before.timestamp() {
            note("not_yet_valid");
        }
        if revoked.contains(&serial(&certificate)) {
            note("revoked");
        }
        let is_known = known.iter().any(|der| der == current);
        if is_known && certificate.subject() == certificate.issuer() {
            return found;
        }
        let issuers = known.iter().chain(given);
        let issuer = issuers
            .map(Vec::as_slice)
            .find(|der| parse(der).is_some_and(|issuer| signed(&certificate, &issuer)));
        match issuer {
            Some(issuer) if issuer != current => current = issuer,
            // A trust anchor need not be a root.
            _ if is_known => return found,
            _ => {
                note("untrusted_issuer");
                return found;
            }
        }
    }
    note("chain_too_long");
    found
}

/// Tells whether a chain has an authority before a certificate that it has signed.
fn runs_backwards(chain: &[Vec<u8>]) -> bool {
    let chain: Vec<_> = chain.iter().filter_map(|der| parse(der)).collect();
    chain.iter().enumerate().any(|(at, issuer)| {
        let mut later = chain.iter().skip(at + 1);
        later.any(|later| later.subject() != issuer.subject() && signed(later, issuer))
    })
}

/// Tells whether an authority has signed a certificate.
fn signed(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    certificate.issuer() == issuer.subject()
        && issuer.is_ca()
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}
