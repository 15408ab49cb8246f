//! Which pages in a browser may call the vault (CORS).

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode, Uri};
use skyflow_http::Body;

/// The page that holds the hosted fields of Skyflow's browser SDK.
const HOSTED_FIELDS: &str = "https://js.skyflow.com";
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, sky-metadata, x-skyflow-authorization");
const EXPOSED: HeaderValue = HeaderValue::from_static("x-request-id");
/// A browser asks again after ten minutes.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// A page of another network asks for permission to call this machine.
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origins that are allowed beside those of this machine.
#[derive(Debug)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(crate) fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// Returns the origin of a request when it is allowed.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let is_allowed =
            text == HOSTED_FIELDS || is_loopback(text) || self.0.iter().any(|known| known == text);
        is_allowed.then(|| origin.clone())
    }
}

/// Returns an origin without a trailing slash; `None` when it is not `scheme://host[:port]`.
pub(crate) fn origin_of(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = text.parse().ok()?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some_and(|authority| text.ends_with(authority.as_str()) && !text.contains('@'));
    is_origin.then(|| text.to_ascii_lowercase())
}

fn is_loopback(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Tells whether a browser asks what it may send.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(ORIGIN)
        && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Responds to a preflight; an origin that is not allowed gets no permission.
pub(crate) fn preflight(headers: &HeaderMap, allowed: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let asks_for_network = headers.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true");
    if allowed.is_some() {
        let given = response.headers_mut();
        given.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        given.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        given.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if asks_for_network {
            given.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
    }
    permit(response.headers_mut(), allowed);
    response
}

/// Lets the page of an allowed origin read a response.
pub(crate) fn permit(headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.insert(VARY, HeaderValue::from_static("origin"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_this_machine_are_allowed() {
        for origin in
            ["http://localhost", "https://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1"]
        {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "http://localhost.example.com",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://localhost:3000.example.com",
            "http://localhost@example.com",
            "file://localhost",
            "null",
            "",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_no_user() {
        assert_eq!(origin_of("https://App.example.com/").as_deref(), Some("https://app.example.com"));
        for bad in ["app.example.com", "https://a.com/path", "https://u@a.com", "ftp://a.com", "*", ""] {
            assert_eq!(origin_of(bad), None, "{bad}");
        }
    }
}
