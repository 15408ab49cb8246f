use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All that is not "unreserved" in RFC 3986: what stays readable can mean nothing in any part of a URI.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Reports a value that a path cannot hold; the value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct TargetError {
    name: &'static str,
    problem: &'static str,
}

impl TargetError {
    /// Returns the name of the path parameter that was refused.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the violated rule, without the name.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

/// Builds the path and query of a request: the one place where they are encoded.
///
/// ```
/// use skyflow_http::RequestTarget;
///
/// let target = RequestTarget::new()
///     .literal("/v1/vaults/")
///     .segment("vault_id", "a/b?c")?
///     .query("fields", "card number")
///     .query("fields", "name")
///     .finish()?;
/// assert_eq!(target.as_str(), "/v1/vaults/a%2Fb%3Fc?fields=card%20number&fields=name");
/// # Ok::<(), skyflow_http::TargetError>(())
/// ```
#[derive(Clone)]
pub struct RequestTarget {
    text: String,
    has_query: bool,
}

impl RequestTarget {
    /// Room for the ids of a vault and a row, and the name of a table.
    const USUAL: usize = 128;

    /// Starts with nothing.
    pub fn new() -> Self {
        Self { text: String::with_capacity(Self::USUAL), has_query: false }
    }

    /// Appends a part of the path unchanged.
    pub fn literal(mut self, part: &'static str) -> Self {
        self.text.push_str(part);
        self
    }

    /// Appends a value as one segment of the path, percent-encoded.
    ///
    /// # Errors
    ///
    /// Fails when the value is empty, `.` or `..`: those change which path is meant, encoded or not.
    pub fn segment(mut self, name: &'static str, value: &str) -> Result<Self, TargetError> {
        match value {
            "" => Err(TargetError { name, problem: "must not be empty" }),
            "." | ".." => Err(TargetError { name, problem: "must not be a dot segment" }),
            _ => {
                self.text.extend(utf8_percent_encode(value, RESERVED));
                Ok(self)
            }
        }
    }

    /// Appends a value that may span several segments of the path: each part is percent-encoded, the slashes between
    /// them are not.
    ///
    /// # Errors
    ///
    /// Fails when a part is empty, `.` or `..`: those change which path is meant, encoded or not.
    pub fn segments(mut self, name: &'static str, value: &str) -> Result<Self, TargetError> {
        for (at, part) in value.split('/').enumerate() {
            if at > 0 {
                self.text.push('/');
            }
            self = self.segment(name, part)?;
        }
        Ok(self)
    }

    /// Appends text that is already encoded.
    pub(crate) fn encoded(mut self, part: &str) -> Self {
        self.text.push_str(part);
        self
    }

    /// Appends a value inside a segment, percent-encoded. The caller checks the segment as a whole.
    pub(crate) fn encoding(mut self, value: &str) -> Self {
        self.text.extend(utf8_percent_encode(value, RESERVED));
        self
    }

    /// Appends a query pair, percent-encoded; a list repeats its key.
    pub fn query(mut self, key: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.extend(utf8_percent_encode(key, RESERVED));
        self.text.push('=');
        self.text.extend(utf8_percent_encode(value, RESERVED));
        self
    }

    /// Returns the path and query.
    ///
    /// # Errors
    ///
    /// Fails when they are together longer than a URI may be (64 KiB).
    pub fn finish(self) -> Result<PathAndQuery, TargetError> {
        // Literals are ours and everything else is encoded, so the length is all that can be wrong.
        PathAndQuery::try_from(self.text)
            .map_err(|_| TargetError { name: "path and query", problem: "are too long" })
    }
}

impl Default for RequestTarget {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes pairs as `application/x-www-form-urlencoded`, in their order; a space becomes `%20`.
pub fn form_urlencoded<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(key, RESERVED));
        text.push('=');
        text.extend(utf8_percent_encode(value, RESERVED));
    }
    text
}

/// Reads `application/x-www-form-urlencoded` text; a space may be written as `+` or `%20`, and bytes that are
/// not UTF-8 are replaced.
pub fn form_pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// Paths and queries hold values.
impl fmt::Debug for RequestTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTarget").finish_non_exhaustive()
    }
}

/// Reports a base URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("base URL {problem}")]
pub struct BaseUriError {
    problem: &'static str,
}

impl BaseUriError {
    /// Returns the violated rule, such as `must be https:// unless the host is loopback`.
    pub fn problem(&self) -> &'static str {
        self.problem
    }
}

/// The address of a server: `https://host[:port][/prefix]`, or `http://` when the host is loopback.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUri {
    scheme: Scheme,
    authority: Authority,
    prefix: Box<str>,
}

impl BaseUri {
    /// Reads a base URL. A trailing slash is dropped.
    ///
    /// # Errors
    ///
    /// Fails when the text is no absolute URL, has user information, a query or a fragment, or when it is
    /// `http://` to a host that is not `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn parse(text: &str) -> Result<Self, BaseUriError> {
        let wrong = |problem| Err(BaseUriError { problem });
        if text.contains(['#', '\\']) {
            return wrong("must not have a fragment or a backslash");
        }
        // `http` accepts other characters in a path, invisible ones included.
        if !text.is_ascii() {
            return wrong("has characters that must be percent-encoded");
        }
        let Ok(uri) = Uri::from_str(text) else { return wrong("is not a valid URL") };
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return wrong("must start with https:// and name a host");
        };
        if authority.host().is_empty() {
            return wrong("must name a host");
        }
        if authority.as_str().contains('@') {
            return wrong("must not carry user information");
        }
        if port_of(&authority, &scheme).is_none() {
            return wrong("must have a port from 0 to 65535, or none");
        }
        if scheme == Scheme::HTTP {
            if !is_loopback(authority.host()) {
                return wrong("must be https:// unless the host is loopback");
            }
        } else if scheme != Scheme::HTTPS {
            return wrong("must be https://");
        }
        let path = parts.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return wrong("must not have a query");
        }
        if path.path().split('/').any(|segment| matches!(segment, "." | "..")) {
            return wrong("must not have dot segments");
        }
        let prefix = path.path().trim_end_matches('/').into();
        Ok(Self { scheme, authority, prefix })
    }

    /// Returns the absolute URI of `target` on this server.
    ///
    /// # Errors
    ///
    /// Fails when prefix and target are together longer than a URI may be (64 KiB).
    pub fn join(&self, target: &PathAndQuery) -> Result<Uri, BaseUriError> {
        let target = if self.prefix.is_empty() {
            target.clone()
        } else {
            PathAndQuery::try_from(format!("{}{target}", self.prefix))
                .map_err(|_| BaseUriError { problem: "and path are too long" })?
        };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(target);
        Uri::from_parts(parts).map_err(|_| BaseUriError { problem: "and path do not make a URI" })
    }

    /// Returns the host, as given; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Returns the port, which is that of the scheme when none is given.
    pub fn port(&self) -> u16 {
        // It was checked when this was parsed.
        port_of(&self.authority, &self.scheme).unwrap_or_default()
    }

    /// Tells whether the server is on this machine: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.authority.host())
    }

    /// Returns scheme and authority without the path prefix, as in `https://host:443`.
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Tells whether `uri` has this server's scheme, host and port.
    pub fn is_origin_of(&self, uri: &Uri) -> bool {
        match (uri.scheme(), uri.authority()) {
            // As this server's own addresses are written.
            (Some(scheme), Some(authority)) if authority.as_str() == self.authority.as_str() => {
                *scheme == self.scheme
            }
            (Some(scheme), Some(authority)) => {
                *scheme == self.scheme
                    && authority.host().eq_ignore_ascii_case(self.authority.host())
                    && port_of(authority, scheme)
                        .is_some_and(|port| Some(port) == port_of(&self.authority, &self.scheme))
                    && !authority.as_str().contains('@')
            }
            _ => false,
        }
    }
}

impl FromStr for BaseUri {
    type Err = BaseUriError;

    fn from_str(text: &str) -> Result<Self, BaseUriError> {
        Self::parse(text)
    }
}

impl fmt::Debug for BaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUri({self})")
    }
}

impl fmt::Display for BaseUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

/// Returns the port, or the scheme's; `None` for one that is no port, where `http` says that there is none.
fn port_of(authority: &Authority, scheme: &Scheme) -> Option<u16> {
    let (_, after_user) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    match after_user.strip_prefix(authority.host())? {
        "" => Some(if *scheme == Scheme::HTTP { 80 } else { 443 }),
        port => port.strip_prefix(':')?.parse().ok(),
    }
}

fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok_and(|ip| IpAddr::V6(ip).is_loopback()),
        None => host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_value_is_always_exactly_one_segment() {
        for value in
            ["a/b", "../x", "%2e%2e", "?q=1", "#f", "\\", "ü", "a b", "a\r\nb", "\u{0}", ";x", "a:b@c"]
        {
            let target = RequestTarget::new().literal("/v1/").segment("id", value).unwrap().finish().unwrap();
            assert_eq!(target.path().split('/').count(), 3, "{value:?} -> {target}");
            assert_eq!(target.query(), None, "{value:?}");
            let back = percent_encoding::percent_decode_str(target.path().strip_prefix("/v1/").unwrap());
            assert_eq!(back.decode_utf8().unwrap(), value);
        }
    }

    #[test]
    fn segments_that_name_another_path_are_refused() {
        for value in ["", ".", ".."] {
            assert_eq!(RequestTarget::new().segment("table", value).unwrap_err().name(), "table");
        }
    }

    #[test]
    fn several_segments_keep_their_slashes() {
        let target = |value| {
            let target = RequestTarget::new().literal("/v1/").segments("path", value)?;
            Ok::<_, TargetError>(target.finish()?.to_string())
        };
        assert_eq!(target("app/db?x/p w").unwrap(), "/v1/app/db%3Fx/p%20w");
        assert_eq!(target("app").unwrap(), "/v1/app");
        for value in ["", "/app", "app/", "app//db", "app/../db", "."] {
            assert_eq!(target(value).unwrap_err().name(), "path", "{value}");
        }
    }

    #[test]
    fn target_too_long_for_a_uri_is_an_error() {
        let target = RequestTarget::new().literal("/v1/").query("column_values", &"x".repeat(70_000));
        assert_eq!(target.finish().unwrap_err().to_string(), "path and query are too long");
    }

    #[test]
    fn a_form_is_read_as_it_was_written() {
        let pairs = [("a b", "1&2=3+4"), ("ü[0]", ""), ("", "%")];
        let text = form_urlencoded(pairs);
        assert_eq!(text, "a%20b=1%262%3D3%2B4&%C3%BC%5B0%5D=&=%25");
        let read = form_pairs(&text);
        assert!(read.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(pairs));
        assert_eq!(form_pairs("a=1+2&&b&c=x=y%zz").len(), 3);
    }

    #[test]
    fn base_urls_are_https_or_loopback() {
        for (text, shown) in [
            ("https://a.vault.skyflowapis.com/", "https://a.vault.skyflowapis.com"),
            ("https://h:8443/prefix/x//", "https://h:8443/prefix/x"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:1", "http://[::1]:1"),
        ] {
            assert_eq!(BaseUri::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn url_tricks_do_not_pass() {
        for text in [
            "",
            "a.example",
            "/v1",
            "ftp://a.example",
            "https://",
            "https:///v1",
            "http://a.example",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://0.0.0.0",
            "http://[::ffff:127.0.0.1]",
            "http://[::2]",
            "http://2130706433",
            "http://0x7f.1",
            "http://127.1",
            "https://user:password@a.example",
            "https://a.example:99999",
            "https://a.example:",
            "https://a.example?x=1",
            "https://a.example#x",
            "https://a.example/../x",
            "https://a.example\\@evil.example",
            "https://a b.example",
            "https://\u{e4}.example",
            "https://a.example/pr\u{e4}fix",
            "https://a.example/\u{200b}",
            "https://a.example/v1\u{feff}",
            "javascript:alert(1)",
        ] {
            assert!(BaseUri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn join_keeps_prefix_and_origin_compares_ports() {
        let base = BaseUri::parse("https://h/local").unwrap();
        let target = PathAndQuery::from_static("/v1/x?y=1");
        assert_eq!(base.join(&target).unwrap(), "https://h/local/v1/x?y=1");
        for (uri, same) in [
            ("https://h/other", true),
            ("https://H:443/x", true),
            ("https://h:444/x", false),
            ("http://h:443/x", false),
            ("https://h.evil/x", false),
            ("https://u@h/x", false),
            ("https://h:99999/x", false),
            ("/relative", false),
        ] {
            assert_eq!(base.is_origin_of(&Uri::from_static(uri)), same, "{uri}");
        }
    }
}
