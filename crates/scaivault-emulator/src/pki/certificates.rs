//! Certificates.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType, SubjectPublicKeyInfo, date_time_ymd,
};
use scaivault::VaultDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Reply, duration_millis, page, page_body, time};
use crate::events::{Event, emit};
use crate::failure::{Failure, Outcome, invalid};
use crate::pki::authorities::{self, BACKDATED, CaDocument, ReasonBody, serial, since_epoch};
use crate::pki::names::Names;
use crate::pki::request::Request;
use crate::pki::{keys, roles};
use crate::state::State;

/// The lifetime of a certificate whose request and role name none: 30 days.
const DEFAULT_LIFETIME: i64 = 30 * 86_400_000;

/// A certificate as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct CertificateDocument {
    pub(crate) id: String,
    pub(crate) serial_number: String,
    common_name: Option<String>,
    pub(crate) ca_id: String,
    role: Option<String>,
    alt_names: Vec<String>,
    not_before: i64,
    not_after: i64,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) certificate_pem: String,
    /// Kept where the role says so.
    private_key_pem: Option<String>,
}

impl CertificateDocument {
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "serial_number": self.serial_number,
            "common_name": self.common_name,
            "ca_id": self.ca_id,
            "role": self.role,
            "alt_names": self.alt_names,
            "not_before": time(self.not_before),
            "not_after": time(self.not_after),
            "revoked": self.revoked_at.is_some(),
            "revoked_at": self.revoked_at.map(time),
            "certificate_pem": self.certificate_pem,
        })
    }
}

/// Whom a certificate is for.
#[derive(Default)]
pub(crate) struct Subject {
    pub(crate) common_name: Option<String>,
    pub(crate) organization: Option<String>,
    pub(crate) names: Vec<String>,
}

/// An issued certificate.
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) body: Value,
}

/// Issues a certificate: with a new key, or for the key of a request.
pub(crate) fn issue_with(
    state: &State,
    call: &Call,
    ca: &CaDocument,
    role: &str,
    subject: &Subject,
    lifetime: i64,
    key: Option<&SubjectPublicKeyInfo>,
) -> Outcome<Issued> {
    let mut names = Names::default();
    for name in &subject.names {
        names.add("alt_names", name)?;
    }
    let own_key = if key.is_none() { Some(keys::generate("ec", 256)?) } else { None };
    let plan = Plan { subject, names: &names, lifetime, role: Some(role), keeps_key: false };
    sign_and_keep(state, call, ca, &plan, own_key.as_ref(), key)
}

/// What a certificate is made from.
struct Plan<'a> {
    subject: &'a Subject,
    names: &'a Names,
    lifetime: i64,
    role: Option<&'a str>,
    keeps_key: bool,
}

fn sign_and_keep(
    state: &State,
    call: &Call,
    ca: &CaDocument,
    plan: &Plan<'_>,
    own_key: Option<&KeyPair>,
    key: Option<&SubjectPublicKeyInfo>,
) -> Outcome<Issued> {
    let end = authorities::usable(state, &call.tenant, ca, call.now)?;
    // No certificate outlives its authority, or those above it.
    let not_after = call.now.saturating_add(plan.lifetime).min(end);
    let not_before = call.now - BACKDATED;
    let (serial_number, serial_text) = serial(state);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = &plan.subject.common_name {
        params.distinguished_name.push(DnType::CommonName, name.as_str());
    }
    if let Some(name) = &plan.subject.organization {
        params.distinguished_name.push(DnType::OrganizationName, name.as_str());
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.serial_number = Some(serial_number);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(not_before);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(not_after);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    for host in &plan.names.hosts {
        params.subject_alt_names.push(SanType::DnsName(host.as_str().try_into()?));
    }
    params.subject_alt_names.extend(plan.names.addresses.iter().map(|address| SanType::IpAddress(*address)));
    let issuer = ca.issuer()?;
    let certificate = match (own_key, key) {
        (Some(key), _) => params.signed_by(key, &issuer)?,
        (None, Some(key)) => params.signed_by(key, &issuer)?,
        (None, None) => return Err(Failure::new("internal_error", "a certificate needs a key")),
    };
    let key_pem = own_key.map(KeyPair::serialize_pem);
    let document = CertificateDocument {
        id: state.id("crt"),
        serial_number: serial_text,
        common_name: plan.subject.common_name.clone(),
        ca_id: ca.id.clone(),
        role: plan.role.map(ToOwned::to_owned),
        alt_names: plan.names.texts(),
        not_before,
        not_after,
        revoked_at: None,
        reason: None,
        certificate_pem: certificate.pem(),
        private_key_pem: key_pem.clone().filter(|_| plan.keeps_key),
    };
    state.put("certificate", &call.tenant, &document.id, &document)?;
    let chain: Vec<String> =
        authorities::line(state, &call.tenant, ca)?.into_iter().map(|ca| ca.certificate_pem).collect();
    let body = json!({
        "id": document.id,
        "certificate": document.certificate_pem,
        "private_key": key_pem,
        "ca_chain": chain,
        "serial_number": document.serial_number,
        "not_before": time(not_before),
        "not_after": time(not_after),
    });
    let data =
        json!({ "certificate_id": document.id, "serial_number": document.serial_number, "ca_id": ca.id });
    emit(state, call, &Event { kind: "certificate.issued", path: None, data })?;
    Ok(Issued { id: document.id, body })
}

/// Works out a lifetime: what was asked for, at most what the role allows.
fn lifetime(ttl: Option<String>, role: &roles::RoleDocument) -> Outcome<i64> {
    let parse =
        |text: &str| VaultDuration::new(text).map(duration_millis).map_err(invalid("invalid_duration"));
    let maximum = role.max_ttl.as_deref().map(parse).transpose()?;
    let asked = ttl.as_deref().map(parse).transpose()?;
    let asked = asked.or(maximum).unwrap_or(DEFAULT_LIFETIME);
    Ok(maximum.map_or(asked, |maximum| asked.min(maximum)))
}

pub(crate) fn issue(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        common_name: String,
        #[serde(default)]
        alt_names: Vec<String>,
        #[serde(default)]
        ip_sans: Vec<String>,
        ttl: Option<String>,
    }
    let body: Body = call.json()?;
    let role = roles::find(state, &call.tenant, call.parameter("role"))?;
    let ca = authorities::find(state, &call.tenant, &role.ca_id)?;
    if body.common_name.is_empty() && role.require_cn {
        return Err(Failure::field("common_name", "is required"));
    }
    let mut names = Names::default();
    if !body.common_name.is_empty() {
        names.add("common_name", &body.common_name)?;
    }
    for name in &body.alt_names {
        names.add("alt_names", name)?;
    }
    for address in &body.ip_sans {
        if address.parse::<std::net::IpAddr>().is_err() {
            return Err(Failure::field("ip_sans", "must be addresses"));
        }
        names.add("ip_sans", address)?;
    }
    if names.is_empty() {
        return Err(Failure::field("common_name", "or alt_names must name a host"));
    }
    names.check(&role.allowed_domains, role.allow_subdomains, role.allow_ip_sans)?;
    let bits = role.key_bits.unwrap_or_else(|| keys::default_bits(&role.key_type));
    let key = keys::generate(&role.key_type, bits)?;
    let common_name = names.texts().into_iter().next().filter(|_| !body.common_name.is_empty());
    let subject = Subject { common_name, ..Subject::default() };
    let plan = Plan {
        subject: &subject,
        names: &names,
        lifetime: lifetime(body.ttl, &role)?,
        role: Some(&role.name),
        keeps_key: role.store_private_keys,
    };
    Reply::ok(&sign_and_keep(state, call, &ca, &plan, Some(&key), None)?.body)
}

pub(crate) fn sign(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        csr_pem: String,
        ttl: Option<String>,
        san: Option<Vec<String>>,
    }
    let body: Body = call.json()?;
    let role = roles::find(state, &call.tenant, call.parameter("role"))?;
    let ca = authorities::find(state, &call.tenant, &role.ca_id)?;
    let request = Request::read(&body.csr_pem)?;
    let names = match body.san {
        Some(wanted) => {
            let mut names = Names::default();
            wanted.iter().try_for_each(|name| names.add("san", name))?;
            names
        }
        None => request.names,
    };
    if names.is_empty() {
        return Err(Failure::field("csr_pem", "names no host and no address"));
    }
    names.check(&role.allowed_domains, role.allow_subdomains, role.allow_ip_sans)?;
    let subject = Subject { common_name: request.common_name, ..Subject::default() };
    let lifetime = lifetime(body.ttl, &role)?;
    let plan = Plan { subject: &subject, names: &names, lifetime, role: Some(&role.name), keeps_key: false };
    Reply::ok(&sign_and_keep(state, call, &ca, &plan, None, Some(&request.key))?.body)
}

/// Signs a request that was approved, for its own names.
pub(crate) fn sign_request(
    state: &State,
    call: &Call,
    ca: &CaDocument,
    request: &Request,
    days: u64,
) -> Outcome<Issued> {
    let lifetime = i64::try_from(days).unwrap_or_default().saturating_mul(86_400_000);
    let subject = Subject {
        common_name: request.common_name.clone(),
        organization: request.organization.clone(),
        names: Vec::new(),
    };
    let plan = Plan { subject: &subject, names: &request.names, lifetime, role: None, keeps_key: false };
    sign_and_keep(state, call, ca, &plan, None, Some(&request.key))
}

fn find(state: &State, call: &Call) -> Outcome<CertificateDocument> {
    state.find("certificate", &call.tenant, call.parameter("id"), "certificate_not_found")
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let within = call
        .query("expiring_within")
        .map(|text| VaultDuration::new(text).map_err(invalid("invalid_duration")));
    let until = within.transpose()?.map(|duration| call.now.saturating_add(duration_millis(duration)));
    let revoked = call.flag("include_revoked")?.unwrap_or_default();
    let mut certificates = state.store.list::<CertificateDocument>("certificate", &call.tenant)?;
    certificates.retain(|(_, certificate)| {
        call.query("ca_id").is_none_or(|ca| certificate.ca_id == ca)
            && until.is_none_or(|until| certificate.not_after <= until)
            && (revoked || certificate.revoked_at.is_none())
    });
    certificates.sort_by(|a, b| a.0.cmp(&b.0));
    let (certificates, cursor) = page(&state.epoch, call, certificates, 100, |(id, _)| id.clone())?;
    let shown = certificates.iter().map(|(_, certificate)| certificate.shown());
    Reply::ok(&page_body("data", shown.collect(), cursor))
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, call)?.shown())
}

pub(crate) fn pem(state: &State, call: &Call) -> Outcome<Reply> {
    Ok(Reply::new(200, "application/x-pem-file", find(state, call)?.certificate_pem.into_bytes()))
}

pub(crate) fn revoke(state: &State, call: &Call) -> Outcome<Reply> {
    let body: ReasonBody = call.optional_json()?;
    let mut certificate = find(state, call)?;
    if certificate.revoked_at.is_none() {
        certificate.revoked_at = Some(call.now);
        certificate.reason = body.reason;
        state.put("certificate", &call.tenant, &certificate.id, &certificate)?;
        let data = json!({ "certificate_id": certificate.id, "serial_number": certificate.serial_number });
        emit(state, call, &Event { kind: "certificate.revoked", path: None, data })?;
    }
    Reply::ok(&certificate.shown())
}
