//! Lists of revoked certificates.

use rcgen::{
    CertificateRevocationList, CertificateRevocationListParams, KeyIdMethod, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use serde_json::json;

use crate::call::{Call, Reply, time};
use crate::failure::Outcome;
use crate::pki::authorities::{CaDocument, find, keep, since_epoch};
use crate::pki::certificates::CertificateDocument;
use crate::state::State;

/// How long a list is valid: a day.
const VALID: i64 = 86_400_000;

/// Makes a list with a number that no list had before.
fn make(state: &State, call: &Call) -> Outcome<(CertificateRevocationList, i64)> {
    let mut ca = find(state, &call.tenant, call.parameter("id"))?;
    ca.crl_number += 1;
    keep(state, &call.tenant, &ca)?;
    let mut revoked = Vec::new();
    for (_, certificate) in state.store.list::<CertificateDocument>("certificate", &call.tenant)? {
        if let (true, Some(at)) = (certificate.ca_id == ca.id, certificate.revoked_at) {
            revoked.push(entry(&certificate.serial_number, at, certificate.reason.as_deref()));
        }
    }
    for (_, below) in state.store.list::<CaDocument>("ca", &call.tenant)? {
        if let (true, Some(at)) = (below.parent_ca_id.as_ref() == Some(&ca.id), below.revoked_at) {
            revoked.push(entry(&below.serial_number, at, below.reason.as_deref()));
        }
    }
    let next = call.now + VALID;
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(1970, 1, 1) + since_epoch(call.now),
        next_update: date_time_ymd(1970, 1, 1) + since_epoch(next),
        crl_number: SerialNumber::from(ca.crl_number),
        issuing_distribution_point: None,
        revoked_certs: revoked,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok((params.signed_by(&ca.issuer()?)?, next))
}

fn entry(serial: &str, at: i64, reason: Option<&str>) -> RevokedCertParams {
    let reason = reason.map(|reason| match reason.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "key_compromise" | "compromise" => RevocationReason::KeyCompromise,
        "ca_compromise" => RevocationReason::CaCompromise,
        "superseded" => RevocationReason::Superseded,
        "cessation_of_operation" => RevocationReason::CessationOfOperation,
        "affiliation_changed" => RevocationReason::AffiliationChanged,
        _ => RevocationReason::Unspecified,
    });
    let bytes: Vec<u8> = serial
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(&bytes),
        revocation_time: date_time_ymd(1970, 1, 1) + since_epoch(at),
        // The reason that says nothing is left out, as the standard asks for.
        reason_code: reason.filter(|reason| *reason != RevocationReason::Unspecified),
        invalidity_date: None,
    }
}

pub(crate) fn generate(state: &State, call: &Call) -> Outcome<Reply> {
    let (list, next) = make(state, call)?;
    Reply::ok(&json!({ "crl_pem": list.pem()?, "next_update": time(next) }))
}

/// Returns a list in DER format, or in PEM format when the request asks for it.
pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    let (list, _) = make(state, call)?;
    let accept = call.headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(match accept.contains("pem") {
        true => Reply::new(200, "application/x-pem-file", list.pem()?.into_bytes()),
        false => Reply::new(200, "application/pkix-crl", list.der().to_vec()),
    })
}
