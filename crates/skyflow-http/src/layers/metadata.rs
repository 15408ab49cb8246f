use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderName, HeaderValue};
use tower_layer::Layer;
use tower_service::Service;

use crate::progress::PublicHeaders;
use crate::{CallContext, Request, Response};

/// Headers that belong to the connection, the body or the auth layer.
const RESERVED: [HeaderName; 10] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Reports a header that [`MetadataLayer`] refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The text is not a header value: it is blank or holds control characters.
    #[error("header value of {0} must be visible text without control characters")]
    InvalidValue(HeaderName),
    /// The header belongs to another layer.
    #[error("header {0} cannot be set: it is managed by the client")]
    Reserved(HeaderName),
}

/// Adds headers that name the caller, unless a request already has them.
///
/// `Debug` shows the names of the headers; a value may be a secret.
///
/// ```
/// use http::HeaderName;
/// use skyflow_http::layers::MetadataLayer;
/// use skyflow_http::{Body, BoxError, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let transport = tower::service_fn(|request: Request| async move {
///     assert_eq!(request.headers()["user-agent"], "billing/1.0");
///     assert_eq!(request.headers()["x-team"], "payments");
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// });
/// let metadata = MetadataLayer::new("billing/1.0")?.header(HeaderName::from_static("x-team"), "payments")?;
/// metadata.layer(transport).oneshot(http::Request::get("https://api.example/").body(Body::empty())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MetadataLayer {
    headers: Arc<Vec<(HeaderName, HeaderValue)>>,
    public: PublicHeaders,
    reserved: Arc<Vec<HeaderName>>,
}

impl fmt::Debug for MetadataLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.headers.iter().map(|(name, _)| name.as_str())).finish()
    }
}

impl MetadataLayer {
    /// Sends `user_agent` as `User-Agent`.
    ///
    /// # Errors
    ///
    /// Fails when the text is not a header value.
    pub fn new(user_agent: &str) -> Result<Self, MetadataError> {
        Self::empty().header(header::USER_AGENT, user_agent)
    }

    /// Sends no header.
    pub(crate) fn empty() -> Self {
        Self { headers: Arc::default(), public: PublicHeaders::default(), reserved: Arc::default() }
    }

    /// Refuses `names` in [`MetadataLayer::header`] too, such as the header that an auth layer fills.
    pub fn reserve(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        Arc::make_mut(&mut self.reserved).extend(names);
        self
    }

    /// Adds a header; it replaces a header of the same name.
    ///
    /// # Errors
    ///
    /// Fails when the value is blank or not a header value, and for headers that belong to the connection, the body or
    /// the auth layer.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, MetadataError> {
        if RESERVED.contains(&name) || self.reserved.contains(&name) {
            return Err(MetadataError::Reserved(name));
        }
        let value = match HeaderValue::from_str(value) {
            Ok(valid) if !value.trim().is_empty() => valid,
            _ => return Err(MetadataError::InvalidValue(name)),
        };
        let headers = Arc::make_mut(&mut self.headers);
        headers.retain(|(known, _)| *known != name);
        headers.push((name, value));
        Ok(self)
    }

    /// Adds a header as [`MetadataLayer::header`] does, whose value is no secret: a message of the server may repeat it.
    ///
    /// # Errors
    ///
    /// Fails as [`MetadataLayer::header`] does.
    pub fn public_header(mut self, name: HeaderName, value: &str) -> Result<Self, MetadataError> {
        Arc::make_mut(&mut self.public.0).push(name.clone());
        self.header(name, value)
    }
}

impl<S> Layer<S> for MetadataLayer {
    type Service = Metadata<S>;

    fn layer(&self, inner: S) -> Metadata<S> {
        Metadata { inner, layer: self.clone() }
    }
}

/// The service of [`MetadataLayer`]; its future is the inner future.
#[derive(Debug, Clone)]
pub struct Metadata<S> {
    inner: S,
    layer: MetadataLayer,
}

impl<S> Service<Request> for Metadata<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        for (name, value) in self.layer.headers.iter() {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        if !self.layer.public.0.is_empty() {
            CallContext::of_mut(request.extensions_mut()).public_headers = Some(self.layer.public.clone());
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::BoxError;
    use tower::ServiceExt;

    fn acme() -> MetadataLayer {
        MetadataLayer::new("acme/1").unwrap().reserve([HeaderName::from_static("x-acme-key")])
    }

    #[tokio::test]
    async fn headers_are_added_only_where_absent() {
        let echo = tower::service_fn(|request: Request| async move {
            let mut response = Response::default();
            *response.headers_mut() = request.headers().clone();
            Ok::<_, BoxError>(response)
        });
        let layer = acme().header(HeaderName::from_static("x-request-id"), "mine").unwrap();
        let mut request = probe::request();
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("caller"));
        let response = layer.layer(echo).oneshot(request).await.unwrap();
        assert_eq!(response.headers()["user-agent"], "caller");
        assert_eq!(response.headers()["x-request-id"], "mine");
    }

    #[test]
    fn reserved_headers_and_bad_values_are_refused() {
        let refused =
            |name: &'static str, value: &str| acme().header(HeaderName::from_static(name), value).is_err();
        assert!(refused("authorization", "Bearer x"));
        assert!(refused("x-acme-key", "x"));
        assert!(refused("host", "evil.example"));
        assert!(refused("transfer-encoding", "chunked"));
        for value in ["", "  ", "a\r\nx: y", "a\nb", "a\0b"] {
            assert!(refused("x-request-id", value), "{value:?}");
        }
    }

    #[tokio::test]
    async fn metadata_calls_only_a_ready_service() {
        probe::assert_respects_readiness(acme()).await;
    }
}
