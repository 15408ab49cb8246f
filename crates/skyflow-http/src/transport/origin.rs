use http::header::HeaderValue;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Uri, header};

/// A server: scheme, host and port.
#[derive(Debug)]
pub(super) struct Origin {
    uri: Uri,
    host_header: HeaderValue,
}

/// What tells two servers apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct OriginKey {
    is_https: bool,
    authority: Authority,
}

impl OriginKey {
    /// Reads the server of a request; `None` when its URI is not an absolute one of HTTP.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        uri.authority().map(|authority| Self { is_https, authority: authority.clone() })
    }
}

impl Origin {
    pub(super) fn new(key: &OriginKey) -> Result<Self, http::Error> {
        let scheme = if key.is_https { Scheme::HTTPS } else { Scheme::HTTP };
        let authority = &key.authority;
        let default_port = if key.is_https { 443 } else { 80 };
        let host_header = match authority.port_u16() {
            Some(port) if port != default_port => {
                HeaderValue::try_from(format!("{}:{port}", authority.host()))?
            }
            _ => HeaderValue::try_from(authority.host())?,
        };
        let uri = Uri::builder().scheme(scheme).authority(authority.clone()).path_and_query("/").build()?;
        Ok(Self { uri, host_header })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// Returns the host without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        let host = self.uri.host().unwrap_or_default();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Names host and port, as in `a.example:443`.
    pub(super) fn host_and_port(&self) -> String {
        let port = self.uri.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 });
        format!("{}:{port}", self.uri.host().unwrap_or_default())
    }

    /// Makes a request one of HTTP/1.1: the server goes into a header, and the URI keeps path and query only.
    pub(super) fn address_http1(&self, uri: &mut Uri, headers: &mut HeaderMap) {
        headers.entry(header::HOST).or_insert_with(|| self.host_header.clone());
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        *uri = Uri::from(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Origin {
        Origin::new(&OriginKey::of(&uri.parse().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn default_ports_are_not_in_the_host_header() {
        for (uri, host) in [
            ("https://a.example/x", "a.example"),
            ("https://a.example:443/x", "a.example"),
            ("https://a.example:8443/x", "a.example:8443"),
            ("http://a.example:80", "a.example"),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080"),
            ("https://[::1]:9/", "[::1]:9"),
        ] {
            assert_eq!(origin(uri).host_header, host, "{uri}");
        }
    }

    #[test]
    fn brackets_of_an_address_are_no_host_name() {
        assert_eq!(origin("https://[::1]:9/").host(), "::1");
        assert_eq!(origin("https://a.example/").host(), "a.example");
    }

    #[test]
    fn only_absolute_uris_of_http_have_an_origin() {
        for uri in ["/x", "a.example:80", "ftp://a.example/"] {
            assert!(OriginKey::of(&uri.parse().unwrap()).is_none(), "{uri}");
        }
    }

    #[test]
    fn http1_requests_keep_path_query_and_host() {
        let mut uri = "https://a.example/x?y=1".parse().unwrap();
        let mut headers = HeaderMap::new();
        origin("https://a.example").address_http1(&mut uri, &mut headers);
        assert_eq!(uri, "/x?y=1");
        assert_eq!(headers["host"], "a.example");
    }
}
