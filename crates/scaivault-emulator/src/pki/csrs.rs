//! Certificate signing requests.

use rcgen::{CertificateParams, DistinguishedName, DnType, SanType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Reply, page, page_body};
use crate::failure::{Failure, Outcome};
use crate::pki::authorities::{self, ReasonBody};
use crate::pki::names::Names;
use crate::pki::request::Request;
use crate::pki::{certificates, keys};
use crate::state::State;

/// A request as it is stored.
#[derive(Serialize, Deserialize)]
struct CsrDocument {
    id: String,
    csr_pem: String,
    subject: Value,
    san_dns: Vec<String>,
    status: String,
    certificate_id: Option<String>,
    created_at: String,
    reason: Option<String>,
    /// The key of a request that the server has made.
    key_pem: Option<String>,
}

impl CsrDocument {
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "csr_pem": self.csr_pem,
            "subject": self.subject,
            "san_dns": self.san_dns,
            "status": self.status,
            "certificate_id": self.certificate_id,
            "created_at": self.created_at,
            "reason": self.reason,
        })
    }
}

fn find(state: &State, call: &Call) -> Outcome<CsrDocument> {
    state.find("csr", &call.tenant, call.parameter("id"), "csr_not_found")
}

fn keep(state: &State, call: &Call, csr: &CsrDocument) -> Outcome<()> {
    state.put("csr", &call.tenant, &csr.id, csr)
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let mut csrs = state.store.list::<CsrDocument>("csr", &call.tenant)?;
    csrs.retain(|(_, csr)| call.query("status").is_none_or(|status| csr.status == status));
    csrs.sort_by(|a, b| a.0.cmp(&b.0));
    let (csrs, cursor) = page(&state.epoch, call, csrs, 100, |(id, _)| id.clone())?;
    Reply::ok(&page_body("data", csrs.iter().map(|(_, csr)| csr.shown()).collect(), cursor))
}

pub(crate) fn generate(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        subject: SubjectBody,
        #[serde(default)]
        san_dns: Vec<String>,
        #[serde(default)]
        san_ip: Vec<String>,
        key_type: Option<String>,
        key_size: Option<u64>,
    }
    #[derive(Deserialize, Serialize)]
    struct SubjectBody {
        common_name: String,
        organization: Option<String>,
        organizational_unit: Option<String>,
        country: Option<String>,
        state: Option<String>,
        locality: Option<String>,
    }
    let body: Body = call.json()?;
    let key_type = body.key_type.unwrap_or_else(|| "rsa".to_owned());
    let key = keys::generate(&key_type, body.key_size.unwrap_or_else(|| keys::default_bits(&key_type)))?;
    let mut names = Names::default();
    for name in body.san_dns.iter().chain(&body.san_ip) {
        names.add("san_dns", name)?;
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let subject = &body.subject;
    for (kind, text) in [
        (DnType::CommonName, Some(&subject.common_name)),
        (DnType::OrganizationName, subject.organization.as_ref()),
        (DnType::OrganizationalUnitName, subject.organizational_unit.as_ref()),
        (DnType::CountryName, subject.country.as_ref()),
        (DnType::StateOrProvinceName, subject.state.as_ref()),
        (DnType::LocalityName, subject.locality.as_ref()),
    ] {
        if let Some(text) = text {
            params.distinguished_name.push(kind, text.as_str());
        }
    }
    for host in &names.hosts {
        params.subject_alt_names.push(SanType::DnsName(host.as_str().try_into()?));
    }
    params.subject_alt_names.extend(names.addresses.iter().map(|address| SanType::IpAddress(*address)));
    let csr = CsrDocument {
        id: state.id("csr"),
        csr_pem: params.serialize_request(&key)?.pem()?,
        subject: serde_json::to_value(&body.subject).unwrap_or_default(),
        san_dns: names.hosts,
        status: "pending".to_owned(),
        certificate_id: None,
        created_at: call.time(),
        reason: None,
        key_pem: Some(key.serialize_pem()),
    };
    keep(state, call, &csr)?;
    Reply::created(&csr.shown())
}

pub(crate) fn import(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        csr_pem: String,
    }
    let body: Body = call.json()?;
    let request = Request::read(&body.csr_pem)?;
    let csr = CsrDocument {
        id: state.id("csr"),
        csr_pem: body.csr_pem,
        subject: json!({ "common_name": request.common_name, "organization": request.organization }),
        san_dns: request.names.hosts,
        status: "pending".to_owned(),
        certificate_id: None,
        created_at: call.time(),
        reason: None,
        key_pem: None,
    };
    keep(state, call, &csr)?;
    Reply::created(&csr.shown())
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, call)?.shown())
}

pub(crate) fn approve(state: &State, call: &Call) -> Outcome<Reply> {
    decide(state, call, "approved", None)
}

pub(crate) fn reject(state: &State, call: &Call) -> Outcome<Reply> {
    let body: ReasonBody = call.optional_json()?;
    decide(state, call, "rejected", body.reason)
}

fn decide(state: &State, call: &Call, status: &str, reason: Option<String>) -> Outcome<Reply> {
    let mut csr = find(state, call)?;
    if csr.status != "pending" && csr.status != status {
        return Err(Failure::new(
            "invalid_request",
            format!("the signing request is {} already", csr.status),
        ));
    }
    csr.status = status.to_owned();
    csr.reason = reason;
    keep(state, call, &csr)?;
    Reply::ok(&csr.shown())
}

pub(crate) fn sign(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        ca_id: String,
        validity_days: Option<u64>,
    }
    let body: Body = call.json()?;
    let mut csr = find(state, call)?;
    if csr.status != "approved" {
        return Err(Failure::new(
            "invalid_request",
            format!("the signing request is {}, not approved", csr.status),
        ));
    }
    let days = body.validity_days.unwrap_or(90);
    if !(1..=36_500).contains(&days) {
        return Err(Failure::field("validity_days", "must be from 1 to 36500"));
    }
    let ca = authorities::find(state, &call.tenant, &body.ca_id)?;
    let request = Request::read(&csr.csr_pem)?;
    if request.names.is_empty() {
        return Err(Failure::field("csr_pem", "names no host and no address"));
    }
    let issued = certificates::sign_request(state, call, &ca, &request, days)?;
    csr.status = "signed".to_owned();
    csr.certificate_id = Some(issued.id);
    keep(state, call, &csr)?;
    Reply::ok(&issued.body)
}
