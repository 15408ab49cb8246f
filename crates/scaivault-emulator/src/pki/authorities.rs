//! Certificate authorities.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber, date_time_ymd,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Reply, page, page_body, time};
use crate::events::{Event, emit};
use crate::failure::{Failure, Outcome};
use crate::pki::certificates::CertificateDocument;
use crate::pki::keys;
use crate::state::State;

/// How far back certificates are valid, so that a clock which is a little late accepts them.
pub(crate) const BACKDATED: i64 = 60_000;

const DAY: i64 = 86_400_000;

/// An authority as it is stored.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct CaDocument {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) common_name: String,
    ca_type: String,
    pub(crate) parent_ca_id: Option<String>,
    key_type: String,
    key_size: u64,
    valid_from: i64,
    pub(crate) valid_until: i64,
    pub(crate) serial_number: String,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) certificate_pem: String,
    key_pem: String,
    pub(crate) crl_number: u64,
    created_at: String,
}

impl CaDocument {
    fn shown(&self, state: &State, tenant: &str) -> Outcome<Value> {
        let issued = state.store.list::<CertificateDocument>("certificate", tenant)?;
        let issued = issued.iter().filter(|(_, certificate)| certificate.ca_id == self.id).count();
        Ok(json!({
            "id": self.id,
            "name": self.name,
            "common_name": self.common_name,
            "ca_type": self.ca_type,
            "parent_ca_id": self.parent_ca_id,
            "key_type": self.key_type,
            "key_size": self.key_size,
            "valid_from": time(self.valid_from),
            "valid_until": time(self.valid_until),
            "is_active": self.revoked_at.is_none(),
            "certificates_issued": issued,
            "created_at": self.created_at,
        }))
    }

    /// Returns what signs for the authority.
    pub(crate) fn issuer(&self) -> Outcome<Issuer<'static, KeyPair>> {
        Ok(Issuer::from_ca_cert_pem(&self.certificate_pem, KeyPair::from_pem(&self.key_pem)?)?)
    }
}

pub(crate) fn find(state: &State, tenant: &str, id: &str) -> Outcome<CaDocument> {
    state.find("ca", tenant, id, "ca_not_found")
}

pub(crate) fn keep(state: &State, tenant: &str, ca: &CaDocument) -> Outcome<()> {
    state.put("ca", tenant, &ca.id, ca)
}

/// Returns an authority and those above it, up to the root.
pub(crate) fn line(state: &State, tenant: &str, ca: &CaDocument) -> Outcome<Vec<CaDocument>> {
    let mut line = vec![ca.clone()];
    while let Some(parent) = line.last().and_then(|ca| ca.parent_ca_id.clone()) {
        line.push(find(state, tenant, &parent)?);
    }
    Ok(line)
}

/// Checks that an authority can issue now, and returns until when: its own end, or that of one above it.
pub(crate) fn usable(state: &State, tenant: &str, ca: &CaDocument, now: i64) -> Outcome<i64> {
    let line = line(state, tenant, ca)?;
    for ca in &line {
        let problem = match ca {
            ca if ca.revoked_at.is_some() => "is revoked",
            ca if now >= ca.valid_until => "has expired",
            ca if now < ca.valid_from => "is not yet valid",
            _ => continue,
        };
        let message = format!("the certificate authority {} {problem}", ca.name);
        return Err(Failure::new("invalid_request", message).with("ca_id", ca.id.as_str()));
    }
    Ok(line.iter().map(|ca| ca.valid_until).min().unwrap_or(now))
}

/// Returns what is added to 1970 for a time in a certificate; years beyond the range of the format end with it.
pub(crate) fn since_epoch(millis: i64) -> Duration {
    Duration::from_secs(u64::try_from(millis.div_euclid(1000)).unwrap_or_default().min(253_402_300_799))
}

/// Returns a random serial number, positive and of full length.
pub(crate) fn serial(state: &State) -> (SerialNumber, String) {
    let mut bytes = state.random.bytes::<16>();
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    (SerialNumber::from_slice(&bytes), crate::call::hex(&bytes))
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let mut authorities = state.store.list::<CaDocument>("ca", &call.tenant)?;
    authorities.sort_by(|a, b| a.0.cmp(&b.0));
    let (authorities, cursor) = page(&state.epoch, call, authorities, 100, |(id, _)| id.clone())?;
    let shown: Outcome<Vec<_>> = authorities.iter().map(|(_, ca)| ca.shown(state, &call.tenant)).collect();
    Reply::ok(&page_body("data", shown?, cursor))
}

/// What an authority is made from.
struct Plan {
    name: String,
    common_name: String,
    ca_type: String,
    parent: Option<CaDocument>,
    key_type: String,
    key_size: u64,
    days: u64,
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        common_name: String,
        ca_type: String,
        parent_ca_id: Option<String>,
        key_type: Option<String>,
        key_size: Option<u64>,
        validity_days: Option<u64>,
    }
    let body: Body = call.json()?;
    if body.name.is_empty() || body.common_name.is_empty() {
        return Err(Failure::field("name", "and common_name must not be empty"));
    }
    let parent = match (body.ca_type.as_str(), body.parent_ca_id) {
        ("root", None) => None,
        ("root", Some(_)) => return Err(Failure::field("parent_ca_id", "must be absent for a root")),
        ("intermediate", Some(parent)) => Some(find(state, &call.tenant, &parent)?),
        ("intermediate", None) => {
            return Err(Failure::field("parent_ca_id", "is required for an intermediate"));
        }
        _ => return Err(Failure::field("ca_type", "must be root or intermediate")),
    };
    let key_type = body.key_type.unwrap_or_else(|| "rsa".to_owned());
    let days = body.validity_days.unwrap_or(if parent.is_some() { 1825 } else { 3650 });
    if !(1..=36_500).contains(&days) {
        return Err(Failure::field("validity_days", "must be from 1 to 36500"));
    }
    let key_size = body.key_size.unwrap_or_else(|| keys::default_bits(&key_type));
    let (name, common_name, ca_type) = (body.name, body.common_name, body.ca_type);
    let ca = make(
        state,
        &call.tenant,
        call.now,
        Plan { name, common_name, ca_type, parent, key_type, key_size, days },
    )?;
    Reply::created(&ca.shown(state, &call.tenant)?)
}

fn make(state: &State, tenant: &str, now: i64, plan: Plan) -> Outcome<CaDocument> {
    let key = keys::generate(&plan.key_type, plan.key_size)?;
    let days = i64::try_from(plan.days).unwrap_or_default();
    let mut until = now.saturating_add(days.saturating_mul(DAY));
    let (serial_number, serial_text) = serial(state);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, plan.common_name.as_str());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params.serial_number = Some(serial_number);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(now - BACKDATED);
    let certificate = match &plan.parent {
        Some(parent) => {
            until = until.min(usable(state, tenant, parent, now)?);
            params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(until);
            params.use_authority_key_identifier_extension = true;
            params.signed_by(&key, &parent.issuer()?)?
        }
        None => {
            params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(until);
            params.self_signed(&key)?
        }
    };
    let ca = CaDocument {
        id: state.id("ca"),
        name: plan.name,
        common_name: plan.common_name,
        ca_type: plan.ca_type,
        parent_ca_id: plan.parent.map(|parent| parent.id),
        key_type: plan.key_type,
        key_size: plan.key_size,
        valid_from: now - BACKDATED,
        valid_until: until,
        serial_number: serial_text,
        revoked_at: None,
        reason: None,
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        crl_number: 0,
        created_at: time(now),
    };
    keep(state, tenant, &ca)?;
    Ok(ca)
}

/// Returns the authority that takes the place of public ones in ACME orders.
pub(crate) fn acme(state: &State, tenant: &str, now: i64) -> Outcome<CaDocument> {
    if let Some(id) = state.store.get::<String>("acme_ca", tenant, "id")? {
        let ca = find(state, tenant, &id)?;
        if usable(state, tenant, &ca, now).is_ok() {
            return Ok(ca);
        }
    }
    let ca = make(
        state,
        tenant,
        now,
        Plan {
            name: "acme".to_owned(),
            common_name: "Emulated ACME Root".to_owned(),
            ca_type: "root".to_owned(),
            parent: None,
            key_type: "ec".to_owned(),
            key_size: 256,
            days: 3650,
        },
    )?;
    state.put("acme_ca", tenant, "id", &ca.id)?;
    Ok(ca)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, &call.tenant, call.parameter("id"))?.shown(state, &call.tenant)?)
}

pub(crate) fn certificate(state: &State, call: &Call) -> Outcome<Reply> {
    let ca = find(state, &call.tenant, call.parameter("id"))?;
    Reply::ok(&json!({ "certificate_pem": ca.certificate_pem, "valid_until": time(ca.valid_until) }))
}

#[derive(Deserialize, Default)]
pub(crate) struct ReasonBody {
    pub(crate) reason: Option<String>,
}

/// Revokes an authority with everything below it; a second time changes nothing.
pub(crate) fn revoke(state: &State, call: &Call) -> Outcome<Reply> {
    let body: ReasonBody = call.optional_json()?;
    let id = call.parameter("id");
    revoke_below(state, call, id, body.reason.as_deref())?;
    Reply::ok(&find(state, &call.tenant, id)?.shown(state, &call.tenant)?)
}

fn revoke_below(state: &State, call: &Call, id: &str, reason: Option<&str>) -> Outcome<()> {
    let mut ca = find(state, &call.tenant, id)?;
    if ca.revoked_at.is_none() {
        ca.revoked_at = Some(call.now);
        ca.reason = reason.map(ToOwned::to_owned);
        keep(state, &call.tenant, &ca)?;
    }
    for (certificate_id, mut certificate) in
        state.store.list::<CertificateDocument>("certificate", &call.tenant)?
    {
        if certificate.ca_id == id && certificate.revoked_at.is_none() {
            certificate.revoked_at = Some(call.now);
            state.put("certificate", &call.tenant, &certificate_id, &certificate)?;
            let data =
                json!({ "certificate_id": certificate_id, "serial_number": certificate.serial_number });
            emit(state, call, &Event { kind: "certificate.revoked", path: None, data })?;
        }
    }
    for (below, ca) in state.store.list::<CaDocument>("ca", &call.tenant)? {
        if ca.parent_ca_id.as_deref() == Some(id) {
            revoke_below(state, call, &below, reason)?;
        }
    }
    Ok(())
}
