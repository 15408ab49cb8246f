use http::{HeaderMap, HeaderName};
use skyflow_http::auth::{AuthHeader, Refusal, Scheme};
use skyflow_types::{ERROR_FROM_CLIENT, error_from_client};

/// The header that connections take their token in, without `Bearer`.
pub const CONNECTION_HEADER: HeaderName = HeaderName::from_static("x-skyflow-authorization");

/// Describes how connections take a token: in [`CONNECTION_HEADER`], where a caller's own value wins.
///
/// A `401` behind a connection may be the third party's, after it has acted: see [`connection_refusal`].
pub fn connection_header() -> AuthHeader {
    AuthHeader::new(CONNECTION_HEADER, Scheme::NONE).keep_existing().refusal(connection_refusal)
}

/// Says what a `401` of a connection proves, by its header [`ERROR_FROM_CLIENT`].
///
/// Only Skyflow's own statement that the third party did not fail proves that nothing was done. Without a statement
/// the token is not used again, and the request is not sent again.
pub fn connection_refusal(response: &HeaderMap) -> Refusal {
    match response.get(ERROR_FROM_CLIENT).and_then(|value| error_from_client(value.as_bytes())) {
        Some(false) => Refusal::BeforeActing,
        Some(true) => Refusal::NotTheToken,
        None => Refusal::Unknown,
    }
}
