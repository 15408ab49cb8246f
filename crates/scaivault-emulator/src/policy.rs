//! What the policies allow.

use std::net::IpAddr;

use scaivault::PathPattern;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Call, millis};
use crate::failure::{Failure, Outcome};
use crate::state::State;

/// A policy as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PolicyDocument {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) scope: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) path_pattern: String,
    pub(crate) permissions: Vec<String>,
    /// Conditions that the server does not know are kept, and are never met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) conditions: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub(crate) id: String,
    pub(crate) identity_type: String,
    pub(crate) identity_id: String,
    pub(crate) expires_at: Option<String>,
    pub(crate) created_at: String,
}

/// The circumstances of a request.
pub(crate) struct Circumstances<'a> {
    pub(crate) identity_id: &'a str,
    pub(crate) groups: &'a [String],
    pub(crate) source_ip: Option<IpAddr>,
    pub(crate) mfa: bool,
    pub(crate) now: i64,
}

/// What the policies decide, and why.
pub(crate) enum Decision {
    Allowed {
        policy: String,
    },
    /// A rule matches, and this condition of it is not met.
    Blocked {
        policy: String,
        condition: String,
    },
    NoRule,
}

/// Checks the right of the caller to a path.
pub(crate) fn authorize(state: &State, call: &Call, path: &str, permission: &str) -> Outcome<()> {
    let identity = &call.caller.identity;
    if identity.root {
        return Ok(());
    }
    let circumstances = Circumstances {
        identity_id: &identity.id,
        groups: &identity.groups,
        source_ip: call.source_ip.parse().ok(),
        mfa: identity.mfa,
        now: call.now,
    };
    match decide(state, &call.tenant, &circumstances, path, permission)? {
        Decision::Allowed { .. } => Ok(()),
        Decision::Blocked { condition, .. } => {
            let code = match condition.as_str() {
                "require_mfa" => "mfa_required",
                "ip_ranges" => "ip_not_allowed",
                _ => "access_denied",
            };
            Err(Failure::new(code, format!("the condition {condition} of a policy is not met"))
                .with("failed_condition", condition)
                .with("path", path))
        }
        Decision::NoRule => {
            Err(Failure::new("access_denied", format!("no policy allows {permission} here"))
                .with("path", path))
        }
    }
}

/// Tells whether the caller may see a path in a list.
pub(crate) fn may_list(state: &State, call: &Call, path: &str) -> bool {
    authorize(state, call, path, "list").is_ok()
}

/// Evaluates the policies that are bound to an identity: one rule that matches and whose conditions hold is enough.
pub(crate) fn decide(
    state: &State,
    tenant: &str,
    who: &Circumstances<'_>,
    path: &str,
    permission: &str,
) -> Outcome<Decision> {
    let mut blocked = None;
    let own = state.store.list::<PolicyDocument>("policy", tenant)?;
    for (_, policy) in own.into_iter().filter(|(_, policy)| policy.is_active && is_bound(policy, who)) {
        for rule in policy.rules.iter().filter(|rule| concerns(rule, path, permission)) {
            match unmet(rule, who) {
                None => return Ok(Decision::Allowed { policy: policy.id }),
                Some(condition) => {
                    blocked.get_or_insert((policy.id.clone(), condition));
                }
            }
        }
    }
    Ok(match blocked {
        Some((policy, condition)) => Decision::Blocked { policy, condition },
        None => Decision::NoRule,
    })
}

fn is_bound(policy: &PolicyDocument, who: &Circumstances<'_>) -> bool {
    policy.bindings.iter().any(|binding| {
        let is_live =
            binding.expires_at.as_deref().is_none_or(|end| millis(end).is_some_and(|end| who.now < end));
        let is_own = binding.identity_id == who.identity_id || who.groups.contains(&binding.identity_id);
        is_live && is_own
    })
}

fn concerns(rule: &Rule, path: &str, permission: &str) -> bool {
    let permitted = rule.permissions.iter().any(|held| held == permission || held == "admin");
    permitted && PathPattern::new(&rule.path_pattern).is_ok_and(|pattern| pattern.matches(path))
}

/// Returns the first condition that is not met.
fn unmet(rule: &Rule, who: &Circumstances<'_>) -> Option<String> {
    let conditions = rule.conditions.as_ref()?;
    let met = |name: &str, value: &Value| match (name, value) {
        ("ip_ranges", Value::Array(ranges)) => who
            .source_ip
            .is_some_and(|ip| ranges.iter().filter_map(Value::as_str).any(|range| in_range(ip, range))),
        ("require_mfa", Value::Bool(required)) => !required || who.mfa,
        (_, Value::Null) => true,
        // A condition that is not understood must not open a door.
        _ => false,
    };
    conditions.iter().find(|(name, value)| !met(name, value)).map(|(name, _)| name.clone())
}

/// Tells whether an address is in a range in CIDR form. An IPv4 address that is mapped into IPv6 counts as itself.
pub(crate) fn in_range(ip: IpAddr, range: &str) -> bool {
    let (network, bits) = match range.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (range, Some(128)),
    };
    let (Ok(network), Some(bits)) = (network.parse::<IpAddr>(), bits) else { return false };
    let mask = |width: u32, bits: u32| match bits.min(width) {
        0 => 0,
        bits => u128::MAX << (width - bits),
    };
    match (ip.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let mask = mask(32, bits);
            u128::from(ip.to_bits()) & mask == u128::from(network.to_bits()) & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let mask = mask(128, bits);
            ip.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_addresses_of_both_families() {
        for (ip, range, expected) in [
            ("10.0.1.50", "10.0.0.0/8", true),
            ("11.0.1.50", "10.0.0.0/8", false),
            ("::ffff:10.0.1.50", "10.0.0.0/8", true),
            ("192.168.1.1", "192.168.1.1", true),
            ("192.168.1.2", "192.168.1.1", false),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db9::1", "2001:db8::/32", false),
            ("1.2.3.4", "0.0.0.0/0", true),
            ("10.0.0.1", "2001:db8::/32", false),
            ("10.0.0.1", "10.0.0.0/x", false),
            ("10.0.0.1", "nonsense", false),
        ] {
            assert_eq!(in_range(ip.parse().unwrap(), range), expected, "{ip} {range}");
        }
    }
}
