use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use skyflow_http::{BaseUri, LogControl, is_metadata_address};
use skyflow_types::{Env, LogLevel};

use crate::{CredentialsError, CredentialsErrorKind, TokenUri};

/// The environment variable that names further hosts that tokens may come from, separated by commas.
pub const TOKEN_HOSTS_ENV: &str = "SKYFLOW_TOKEN_HOSTS";

/// The domains of Skyflow.
const DOMAINS: [&str; 4] =
    [Env::Prod.domain(), Env::Sandbox.domain(), Env::Stage.domain(), Env::Dev.domain()];

/// The ports of a machine's own services, such as SSH, mail and directories.
const SERVICES: std::ops::Range<u16> = 20..1024;

/// Those of web servers among them.
const WEB_PORTS: [u16; 2] = [80, 443];

/// The hosts that assertions are sent to: Skyflow's own, those on this machine, and those that are allowed by name.
///
/// A token URI comes from a file, and could lead an assertion to any server, or a request into the network of this
/// machine.
#[derive(Clone, Default)]
pub(crate) struct TokenHosts(Arc<Vec<AllowedHost>>);

#[derive(Clone, PartialEq, Eq)]
struct AllowedHost {
    host: Box<str>,
    /// Any port without one.
    port: Option<u16>,
}

impl TokenHosts {
    /// Takes the hosts of the environment variable; a value that is no host allows nothing.
    pub(crate) fn from_env(log: &LogControl) -> Self {
        let value = std::env::var(TOKEN_HOSTS_ENV).unwrap_or_default();
        let mut hosts = Self::default();
        for host in value.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            if hosts.allow(host).is_err() && log.permits(LogLevel::Warn) {
                tracing::warn!(
                    variable = TOKEN_HOSTS_ENV,
                    "a value is not the name of a host and is ignored"
                );
            }
        }
        hosts
    }

    pub(crate) fn allow(&mut self, host: &str) -> Result<(), CredentialsError> {
        let allowed = AllowedHost::parse(host)
            .ok_or(CredentialsError::new("token host", CredentialsErrorKind::TokenHostName))?;
        Arc::make_mut(&mut self.0).push(allowed);
        Ok(())
    }

    pub(crate) fn check(&self, uri: &TokenUri) -> Result<(), CredentialsError> {
        match self.allows(uri.origin()) {
            true => Ok(()),
            false => Err(CredentialsError::new("tokenURI", CredentialsErrorKind::TokenHost)),
        }
    }

    fn allows(&self, origin: &BaseUri) -> bool {
        let (host, port) = (origin.host(), origin.port());
        if names_metadata_address(host) {
            return false;
        }
        let is_skyflow = |domain: &str| {
            let subdomain = strip_suffix_ignore_case(host, domain);
            subdomain.is_some_and(|subdomain| subdomain.is_empty() || subdomain.ends_with('.'))
        };
        let is_allowed = |allowed: &AllowedHost| {
            host.eq_ignore_ascii_case(&allowed.host) && allowed.port.is_none_or(|allowed| allowed == port)
        };
        self.0.iter().any(is_allowed)
            || (port == 443 && DOMAINS.into_iter().any(is_skyflow))
            || (origin.is_loopback() && (!SERVICES.contains(&port) || WEB_PORTS.contains(&port)))
    }
}

impl AllowedHost {
    /// Reads `host` or `host:port`.
    fn parse(text: &str) -> Option<Self> {
        let base = BaseUri::parse(&format!("https://{text}")).ok()?;
        // Nothing but a host and a port.
        let port = text.strip_prefix(base.host())?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':')?.parse().ok()?),
        };
        let is_host = |host: &str| {
            host.starts_with('[') || host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        (is_host(base.host()) && !names_metadata_address(base.host()))
            .then(|| Self { host: base.host().into(), port })
    }
}

impl fmt::Debug for TokenHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|allowed| &allowed.host)).finish()
    }
}

fn names_metadata_address(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(is_metadata_address)
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (start, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}
