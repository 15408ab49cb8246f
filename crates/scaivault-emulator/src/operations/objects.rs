//! Objects that are only kept: trust anchors and DNS providers.

use serde_json::{Map, Value};

use crate::call::{Call, Reply, page, page_body};
use crate::failure::{Failure, Outcome};
use crate::pki::x509;
use crate::state::State;

/// How a kind of object is kept.
struct Kind {
    name: &'static str,
    prefix: &'static str,
    not_found: &'static str,
    required: &'static [&'static str],
    /// Members that are not returned.
    hidden: &'static [&'static str],
}

const TRUST_ANCHORS: Kind = Kind {
    name: "trust_anchor",
    prefix: "ta",
    not_found: "trust_anchor_not_found",
    required: &["name", "certificate_pem"],
    hidden: &[],
};

const DNS_PROVIDERS: Kind = Kind {
    name: "dns_provider",
    prefix: "dnsp",
    not_found: "dns_provider_not_found",
    required: &["name", "provider_type", "credentials"],
    hidden: &["credentials", "verify"],
};

fn shown(kind: &Kind, mut object: Map<String, Value>) -> Map<String, Value> {
    object.retain(|name, _| !kind.hidden.contains(&name.as_str()));
    object
}

fn create(state: &State, call: &Call, kind: &Kind, mut object: Map<String, Value>) -> Outcome<Reply> {
    if let Some(missing) = kind.required.iter().find(|name| object.get(**name).is_none_or(Value::is_null)) {
        return Err(Failure::field(missing, "is required"));
    }
    let id = state.id(kind.prefix);
    object.insert("id".to_owned(), id.clone().into());
    object.insert("created_at".to_owned(), call.time().into());
    state.put(kind.name, &call.tenant, &id, &object)?;
    Reply::created(&shown(kind, object))
}

fn find(state: &State, call: &Call, kind: &Kind) -> Outcome<Map<String, Value>> {
    state.find(kind.name, &call.tenant, call.parameter("id"), kind.not_found)
}

fn list(state: &State, call: &Call, kind: &Kind) -> Outcome<Reply> {
    let mut objects = state.store.list::<Map<String, Value>>(kind.name, &call.tenant)?;
    objects.sort_by(|a, b| a.0.cmp(&b.0));
    let (objects, cursor) = page(&state.epoch, call, objects, 100, |(id, _)| id.clone())?;
    let objects = objects.into_iter().map(|(_, object)| Value::Object(shown(kind, object)));
    Reply::ok(&page_body("data", objects.collect(), cursor))
}

fn delete(state: &State, call: &Call, kind: &Kind) -> Outcome<Reply> {
    find(state, call, kind)?;
    state.store.remove(kind.name, &call.tenant, call.parameter("id"))?;
    Reply::nothing()
}

pub(crate) fn list_trust_anchors(state: &State, call: &Call) -> Outcome<Reply> {
    list(state, call, &TRUST_ANCHORS)
}

pub(crate) fn create_trust_anchor(state: &State, call: &Call) -> Outcome<Reply> {
    let object: Map<String, Value> = call.json()?;
    let pem = object.get("certificate_pem").and_then(Value::as_str).unwrap_or_default();
    if x509::ders(pem).len() != 1 {
        return Err(Failure::field("certificate_pem", "must be one certificate in PEM format"));
    }
    create(state, call, &TRUST_ANCHORS, object)
}

pub(crate) fn get_trust_anchor(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&shown(&TRUST_ANCHORS, find(state, call, &TRUST_ANCHORS)?))
}

pub(crate) fn delete_trust_anchor(state: &State, call: &Call) -> Outcome<Reply> {
    delete(state, call, &TRUST_ANCHORS)
}

pub(crate) fn list_dns_providers(state: &State, call: &Call) -> Outcome<Reply> {
    list(state, call, &DNS_PROVIDERS)
}

pub(crate) fn create_dns_provider(state: &State, call: &Call) -> Outcome<Reply> {
    let mut object: Map<String, Value> = call.json()?;
    object.insert("is_active".to_owned(), true.into());
    create(state, call, &DNS_PROVIDERS, object)
}

pub(crate) fn get_dns_provider(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&shown(&DNS_PROVIDERS, find(state, call, &DNS_PROVIDERS)?))
}

pub(crate) fn update_dns_provider(state: &State, call: &Call) -> Outcome<Reply> {
    let mut object = find(state, call, &DNS_PROVIDERS)?;
    let changes: Map<String, Value> = call.json()?;
    object.extend(changes.into_iter().filter(|(name, _)| name != "id"));
    state.put(DNS_PROVIDERS.name, &call.tenant, call.parameter("id"), &object)?;
    Reply::ok(&shown(&DNS_PROVIDERS, object))
}

pub(crate) fn delete_dns_provider(state: &State, call: &Call) -> Outcome<Reply> {
    delete(state, call, &DNS_PROVIDERS)
}
