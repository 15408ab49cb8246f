//! The names that a certificate may have.

use std::net::IpAddr;

use crate::failure::{Failure, Outcome};

/// Names of a certificate, brought into one form: lowercase, without a dot at the end, each once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) hosts: Vec<String>,
    pub(crate) addresses: Vec<IpAddr>,
}

impl Names {
    /// Adds a host or an address, wherever it was written.
    pub(crate) fn add(&mut self, field: &str, name: &str) -> Outcome<()> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        if let Ok(address) = name.parse::<IpAddr>() {
            if !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
            return Ok(());
        }
        if !is_host(name) {
            return Err(Failure::field(field, "must be a host name in ASCII, or an address"));
        }
        if !self.hosts.iter().any(|known| known == name) {
            self.hosts.push(name.to_owned());
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.addresses.is_empty()
    }

    /// Returns all names as text.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.hosts.iter().cloned().chain(self.addresses.iter().map(ToString::to_string)).collect()
    }

    /// Checks the names against the rules of a role.
    pub(crate) fn check(&self, domains: &[String], subdomains: bool, addresses: bool) -> Outcome<()> {
        if !addresses && !self.addresses.is_empty() {
            return Err(Failure::field("ip_sans", "are not allowed by the role"));
        }
        for host in &self.hosts {
            let (base, is_wildcard) =
                host.strip_prefix("*.").map_or((host.as_str(), false), |base| (base, true));
            let allowed = domains.iter().map(|domain| domain.trim_end_matches('.').to_ascii_lowercase()).any(
                |domain| {
                    let is_below = base.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'));
                    match is_wildcard {
                        true => subdomains && (base == domain || is_below),
                        false => base == domain || (subdomains && is_below),
                    }
                },
            );
            if !allowed {
                return Err(Failure::field(
                    "common_name",
                    format!("or another name is not allowed by the role: {host}"),
                ));
            }
        }
        Ok(())
    }
}

/// Tells whether text is a host name, which may begin with a wildcard.
pub(crate) fn is_host(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        !label.is_empty() && label.len() <= 63 && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    !name.is_empty() && name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(name: &str, subdomains: bool, addresses: bool) -> bool {
        let mut names = Names::default();
        let domains = ["svc.example".to_owned()];
        names.add("common_name", name).is_ok() && names.check(&domains, subdomains, addresses).is_ok()
    }

    #[test]
    fn rules_of_roles_hold_for_every_form_of_a_name() {
        for (name, subdomains, addresses, expected) in [
            ("svc.example", false, false, true),
            ("SVC.Example.", false, false, true),
            ("a.svc.example", false, false, false),
            ("a.svc.example", true, false, true),
            ("a.b.svc.example", true, false, true),
            ("evilsvc.example", true, false, false),
            ("*.svc.example", false, false, false),
            ("*.svc.example", true, false, true),
            ("*.example", true, false, false),
            ("a.*.svc.example", true, false, false),
            ("10.0.0.1", true, false, false),
            ("10.0.0.1", true, true, true),
            ("::1", true, true, true),
            ("bücher.svc.example", true, true, false),
            ("a b.svc.example", true, true, false),
            ("-a.svc.example", true, true, false),
            ("", true, true, false),
        ] {
            assert_eq!(allowed(name, subdomains, addresses), expected, "{name}");
        }
    }
}
