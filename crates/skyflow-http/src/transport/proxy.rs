//! Which proxy a connection goes through.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The variables that name a proxy for `https://`, from the one that is read first.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const NO_PROXY_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What the environment never sends through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxies that connections go through: HTTP `CONNECT` and, with the feature `socks`, SOCKS5.
///
/// ```
/// use skyflow_http::{Proxies, Transport};
///
/// let proxies = Proxies::all("http://user:password@proxy.example:3128")?.except("localhost,.internal,10.0.0.0/8")?;
/// let transport = Transport::builder().proxies(proxies).build();
/// let direct = Transport::builder().proxies(Proxies::none()).build();
/// # Ok::<(), skyflow_http::ProxyError>(())
/// ```
///
/// Everything is tunneled: a proxy sees host and port, and never a request. `Debug` shows no user name and no password.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<String>,
    http: Option<String>,
    exceptions: String,
}

/// Reports a proxy setting that cannot be used. It names the setting, and shows no value with a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// The address of the proxy is no URL of a host.
    #[error("{0} is not the URL of a proxy, such as http://proxy.example:3128")]
    Url(&'static str),
    /// The scheme of the proxy is not supported.
    #[error("{0} has a scheme that is not supported: use http{socks}", socks = SOCKS_SCHEMES)]
    Scheme(&'static str),
    /// An entry of the exceptions is neither a name nor a suffix, an address or a network.
    #[error("{setting} has an entry that is not a name, a suffix, an address or a network: {entry}")]
    Exception {
        /// The setting.
        setting: &'static str,
        /// The entry.
        entry: String,
    },
    /// A variable is not UTF-8.
    #[error("{0} is not valid UTF-8")]
    NotText(&'static str),
}

#[cfg(feature = "socks")]
const SOCKS_SCHEMES: &str = ", socks5 or socks5h";
#[cfg(not(feature = "socks"))]
const SOCKS_SCHEMES: &str = "; socks5 needs the feature `socks`";

impl Proxies {
    /// Uses no proxy, whatever the environment says.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the environment: `HTTPS_PROXY`, else `ALL_PROXY`, for `https://`, and `NO_PROXY`; each in uppercase or
    /// lowercase, an empty one as a missing one. Loopback addresses and plain `http://` are never proxied.
    ///
    /// # Errors
    ///
    /// Fails when one of the variables cannot be used.
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::from_variables(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(ProxyError::NotText(name)),
        })
    }

    fn from_variables(
        read: impl Fn(&'static str) -> Result<Option<String>, ProxyError>,
    ) -> Result<Self, ProxyError> {
        let first = |names: &'static [&'static str]| {
            for name in names {
                if let Some(value) = read(name)?.filter(|value| !value.trim().is_empty()) {
                    return Ok(Some((*name, value)));
                }
            }
            Ok(None)
        };
        let Some((name, url)) = first(&PROXY_VARIABLES)? else { return Ok(Self::none()) };
        let mut proxies = Self { https: Some(checked_url(name, &url)?), ..Self::none() };
        if let Some((name, entries)) = first(&NO_PROXY_VARIABLES)? {
            proxies.exceptions = checked_exceptions(name, &entries)?;
        }
        proxies.exceptions = [LOOPBACK, &proxies.exceptions].join(",");
        Ok(proxies)
    }

    /// Sends every connection through this proxy, loopback addresses and plain `http://` included.
    ///
    /// The scheme is `http` (the default), or `socks5` or `socks5h` with the feature `socks`; `socks5h` lets the proxy
    /// resolve names. User name and password stand in the URL, percent-encoded.
    ///
    /// # Errors
    ///
    /// Fails when it is not the URL of a proxy, or the scheme is not supported.
    pub fn all(url: &str) -> Result<Self, ProxyError> {
        let url = checked_url("proxy", url)?;
        Ok(Self { https: Some(url.clone()), http: Some(url), exceptions: String::new() })
    }

    /// Names what is connected to directly, separated by commas: `*`, names (with their subdomains, as
    /// `example.com` and `.example.com`), addresses, and networks such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// Fails when an entry is none of them.
    pub fn except(mut self, entries: &str) -> Result<Self, ProxyError> {
        let entries = checked_exceptions("no_proxy", entries)?;
        self.exceptions = [self.exceptions, entries].join(",");
        Ok(self)
    }

    pub(super) fn into_matcher(self) -> Matcher {
        Matcher::builder()
            .https(self.https.unwrap_or_default())
            .http(self.http.unwrap_or_default())
            .no(self.exceptions)
            .build()
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |url: &Option<String>| url.as_deref().map(without_credentials);
        f.debug_struct("Proxies")
            .field("https", &shown(&self.https))
            .field("http", &shown(&self.http))
            .field("exceptions", &self.exceptions)
            .finish()
    }
}

fn without_credentials(url: &str) -> String {
    url.parse::<Uri>()
        .ok()
        .and_then(|uri| {
            let host_and_port = uri.authority()?.as_str().rsplit('@').next()?.to_owned();
            Some(format!("{}://{host_and_port}", uri.scheme_str().unwrap_or("http")))
        })
        .unwrap_or_default()
}

/// Returns the URL as the matcher takes it, which ignores what it cannot use.
fn checked_url(setting: &'static str, url: &str) -> Result<String, ProxyError> {
    let url = url.trim();
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let uri: Uri = url.parse().map_err(|_| ProxyError::Url(setting))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("socks5" | "socks5h") if cfg!(feature = "socks") => {}
        _ => return Err(ProxyError::Scheme(setting)),
    }
    // `http` takes any number for a port.
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(ProxyError::Url(setting))?;
    let host_and_port = uri.authority().and_then(|authority| authority.as_str().rsplit('@').next());
    let port = host_and_port.and_then(|text| text.strip_prefix(host)).unwrap_or_default();
    let is_usable = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    if !is_usable || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(ProxyError::Url(setting));
    }
    Ok(url)
}

/// Returns the entries as the matcher takes them, which ignores what it cannot use.
fn checked_exceptions(setting: &'static str, entries: &str) -> Result<String, ProxyError> {
    let entries = entries.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let checked = entries.map(|entry| {
        exception(entry).ok_or_else(|| ProxyError::Exception { setting, entry: entry.to_owned() })
    });
    Ok(checked.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn exception(entry: &str) -> Option<String> {
    if entry == "*" {
        // The asterisk of the matcher stands for names only.
        return Some("*,0.0.0.0/0,::/0".to_owned());
    }
    let address = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    if let Ok(address) = address.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    if let Some((network, length)) = entry.split_once('/') {
        let most = match network.parse::<IpAddr>().ok()? {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        let is_length = length.bytes().all(|byte| byte.is_ascii_digit())
            && length.parse::<u8>().is_ok_and(|length| length <= most);
        return is_length.then(|| entry.to_owned());
    }
    let name = entry.strip_suffix('.').unwrap_or(entry);
    let labels = name.strip_prefix('.').unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // Only digits and dots: an address with a mistake.
    let is_number = labels.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (!is_number && labels.split('.').all(is_label)).then(|| name.to_ascii_lowercase())
}

/// The proxy of a connection.
pub(super) struct Proxy(pub(super) Intercept);

impl Proxy {
    pub(super) fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// Names host and port without credentials.
    pub(super) fn host_and_port(&self) -> String {
        self.uri().authority().map(ToString::to_string).unwrap_or_default()
    }

    #[cfg(feature = "socks")]
    pub(super) fn is_socks(&self) -> bool {
        self.uri().scheme() != Some(&http::uri::Scheme::HTTP)
    }

    /// Tells whether names are resolved here and not by the proxy.
    #[cfg(feature = "socks")]
    pub(super) fn resolves_here(&self) -> bool {
        self.uri().scheme_str() == Some("socks5")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_variables(variables: &[(&'static str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_variables(|name| {
            Ok(variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        })
    }

    fn through(proxies: Proxies, uri: &str) -> Option<String> {
        let matcher = proxies.into_matcher();
        matcher.intercept(&uri.parse().unwrap()).map(|intercept| Proxy(intercept).host_and_port())
    }

    #[test]
    fn environment_names_proxy_and_exceptions() {
        let https = ("HTTPS_PROXY", "http://proxy.example:3128");
        for variables in [
            &[https][..],
            &[("https_proxy", "proxy.example:3128")],
            &[("ALL_PROXY", "proxy.example:3128")],
            &[("all_proxy", "http://proxy.example:3128/")],
            &[("HTTPS_PROXY", ""), ("https_proxy", " proxy.example:3128 ")],
            &[https, ("ALL_PROXY", "http://other.example:1")],
        ] {
            let proxies = || from_variables(variables).unwrap();
            assert_eq!(through(proxies(), "https://vault.example/").as_deref(), Some("proxy.example:3128"));
            for direct in [
                "http://vault.example/",
                "https://localhost:8443/",
                "https://127.0.0.1:8443/",
                "https://[::1]/",
            ] {
                assert_eq!(through(proxies(), direct), None, "{direct}");
            }
        }
        for variables in [&[][..], &[("HTTP_PROXY", "http://proxy.example:1")], &[("HTTPS_PROXY", " ")]] {
            assert_eq!(through(from_variables(variables).unwrap(), "https://vault.example/"), None);
        }
    }

    #[test]
    fn exceptions_are_names_suffixes_and_networks() {
        let exceptions = "example.com, .internal,10.0.0.0/8,192.168.1.7,[fd00::1],fd01::/16,";
        let proxies = |exceptions| Proxies::all("http://proxy:1").unwrap().except(exceptions).unwrap();
        for (host, is_direct) in [
            ("example.com", true),
            ("a.example.com", true),
            ("notexample.com", false),
            ("db.internal", true),
            ("internal.example", false),
            ("10.200.0.1", true),
            ("11.0.0.1", false),
            ("192.168.1.7", true),
            ("192.168.1.8", false),
            ("[fd01::7]", true),
            ("[fd02::7]", false),
        ] {
            let uri = format!("https://{host}/");
            assert_eq!(through(proxies(exceptions), &uri).is_none(), is_direct, "{host}");
            assert_eq!(through(proxies("*"), &uri), None, "{host}");
            assert!(through(proxies(""), &uri).is_some(), "{host}");
        }
    }

    #[test]
    fn malformed_settings_name_the_setting() {
        for url in [
            "http://",
            "http://:80",
            "http://a b",
            "http://proxy:99999",
            "http://proxy:0",
            "http://p/path",
            "http://p?q",
        ] {
            assert_eq!(Proxies::all(url).unwrap_err(), ProxyError::Url("proxy"), "{url}");
        }
        for url in ["ftp://proxy:1", "https://proxy:1", "socks4://proxy:1", "://proxy"] {
            assert!(Proxies::all(url).is_err(), "{url}");
            let error = from_variables(&[("https_proxy", url)]).unwrap_err();
            assert!(error.to_string().contains("https_proxy"), "{error}");
        }
        let socks = Proxies::all("socks5://proxy:1");
        assert_eq!(socks.is_ok(), cfg!(feature = "socks"));
        for entry in [
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "a/8",
            "fd00::/129",
            "10.0.0.256",
            "a b",
            "host:80",
            "http://a",
            "*.example.com",
            "..",
            "[::1",
            "10.0.0.0/+8",
        ] {
            let entries = format!("example.com, {entry}");
            let expected = |setting| ProxyError::Exception { setting, entry: entry.to_owned() };
            let all = Proxies::all("http://proxy:1").unwrap();
            assert_eq!(all.except(&entries).unwrap_err(), expected("no_proxy"), "{entry}");
            let variables = [("HTTPS_PROXY", "http://proxy:1"), ("NO_PROXY", entries.as_str())];
            assert_eq!(from_variables(&variables).unwrap_err(), expected("NO_PROXY"), "{entry}");
        }
    }

    #[test]
    fn credentials_of_proxies_are_never_shown() {
        let secret = "http://canary-user:canary-password@proxy.example:3128";
        let proxies = Proxies::all(secret).unwrap();
        let shown = format!("{proxies:?}");
        assert!(shown.contains("http://proxy.example:3128") && !shown.contains("canary"), "{shown}");
        for broken in [
            "http://canary-user:canary-password@",
            "ftp://canary-user:canary-password@proxy",
            "http://canary:x@proxy/path",
        ] {
            let error = Proxies::all(broken).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }
}
