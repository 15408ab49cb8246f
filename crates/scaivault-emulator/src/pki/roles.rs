//! Roles: the rules by which certificates are issued.

use scaivault::VaultDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, Reply, page, page_body};
use crate::failure::{Failure, Outcome, invalid};
use crate::pki::{authorities, keys};
use crate::state::State;

/// A role as it is stored.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct RoleDocument {
    pub(crate) name: String,
    pub(crate) ca_id: String,
    #[serde(default)]
    pub(crate) allowed_domains: Vec<String>,
    #[serde(default)]
    pub(crate) allow_subdomains: bool,
    #[serde(default)]
    pub(crate) allow_ip_sans: bool,
    pub(crate) max_ttl: Option<String>,
    #[serde(default = "rsa")]
    pub(crate) key_type: String,
    pub(crate) key_bits: Option<u64>,
    #[serde(default)]
    pub(crate) require_cn: bool,
    #[serde(default)]
    pub(crate) store_private_keys: bool,
    #[serde(default)]
    pub(crate) created_at: String,
}

fn rsa() -> String {
    "rsa".to_owned()
}

impl RoleDocument {
    fn checked(self) -> Outcome<Self> {
        if self.name.is_empty() || self.name.contains('/') {
            return Err(Failure::field("name", "must be a word"));
        }
        if let Some(ttl) = &self.max_ttl {
            VaultDuration::new(ttl).map_err(invalid("invalid_duration"))?;
        }
        let known = [("ec", 256), ("ec", 384), ("rsa", 2048), ("rsa", 4096)];
        let bits = self.key_bits.unwrap_or_else(|| keys::default_bits(&self.key_type));
        match known.contains(&(self.key_type.as_str(), bits)) {
            true => Ok(self),
            false => Err(Failure::field("key_bits", "must fit the key type: 2048 or 4096, or 256 or 384")),
        }
    }
}

pub(crate) fn find(state: &State, tenant: &str, name: &str) -> Outcome<RoleDocument> {
    state.find("pki_role", tenant, name, "role_not_found")
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let mut roles = state.store.list::<Value>("pki_role", &call.tenant)?;
    roles.sort_by(|a, b| a.0.cmp(&b.0));
    let (roles, cursor) = page(&state.epoch, call, roles, 100, |(name, _)| name.clone())?;
    Reply::ok(&page_body("data", roles.into_iter().map(|(_, role)| role).collect(), cursor))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let role: RoleDocument = call.json()?;
    authorities::find(state, &call.tenant, &role.ca_id)?;
    let role = RoleDocument { created_at: call.time(), ..role.checked()? };
    state.put("pki_role", &call.tenant, &role.name, &role)?;
    Reply::created(&role)
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&find(state, &call.tenant, call.parameter("name"))?)
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Patch {
        allowed_domains: Option<Vec<String>>,
        allow_subdomains: Option<bool>,
        allow_ip_sans: Option<bool>,
        max_ttl: Option<String>,
        key_type: Option<String>,
        key_bits: Option<u64>,
        require_cn: Option<bool>,
        store_private_keys: Option<bool>,
    }
    let body: Patch = call.json()?;
    let mut role = find(state, &call.tenant, call.parameter("name"))?;
    role.allowed_domains = body.allowed_domains.unwrap_or(role.allowed_domains);
    role.allow_subdomains = body.allow_subdomains.unwrap_or(role.allow_subdomains);
    role.allow_ip_sans = body.allow_ip_sans.unwrap_or(role.allow_ip_sans);
    role.max_ttl = body.max_ttl.or(role.max_ttl);
    role.key_type = body.key_type.unwrap_or(role.key_type);
    role.key_bits = body.key_bits.or(role.key_bits);
    role.require_cn = body.require_cn.unwrap_or(role.require_cn);
    role.store_private_keys = body.store_private_keys.unwrap_or(role.store_private_keys);
    let role = role.checked()?;
    state.put("pki_role", &call.tenant, &role.name, &role)?;
    Reply::ok(&role)
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let role = find(state, &call.tenant, call.parameter("name"))?;
    state.store.remove("pki_role", &call.tenant, &role.name)?;
    Reply::nothing()
}
