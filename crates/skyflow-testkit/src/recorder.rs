//! What passes a point of a stack.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Uri};
use serde_json::Value;
use skyflow_http::{Body, BoxError, DynLayer, HttpService, OperationInfo, Request, Response};
use tower_layer::Layer;

/// The largest response body that is read.
const BODY_LIMIT: usize = 64 << 20;

/// Records every request that passes and the response to it. Clones share the record.
///
/// ```
/// use skyflow_http::{Body, HttpService};
/// use skyflow_testkit::{Recorder, Reply, Scripted};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let recorder = Recorder::new();
/// let service = recorder.around(Scripted::new([Reply::status(200).body("pong")]).service());
/// service.send(http::Request::get("https://api.example/ping").body(Body::empty())?).await?;
/// assert_eq!(recorder.exchanges()[0].uri.path(), "/ping");
/// assert_eq!(recorder.exchanges()[0].response, "pong");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

/// A request and the body of its response.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The whole URI.
    pub uri: Uri,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// The operation that the request belongs to.
    pub operation: Option<OperationInfo>,
    /// The extensions of the request: what a layer has put on it.
    pub extensions: Extensions,
    /// Whether the body of the request is a stream.
    pub is_stream: bool,
    /// The body of the request. A [`Recorder`] passes a stream on unread, and keeps this empty.
    pub body: Bytes,
    /// The body of the response; empty without a response.
    pub response: Bytes,
}

impl Exchange {
    pub(crate) fn new(parts: &Parts, body: Bytes, is_stream: bool) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            operation: OperationInfo::of(&parts.extensions).copied(),
            extensions: parts.extensions.clone(),
            is_stream,
            body,
            response: Bytes::new(),
        }
    }

    /// Returns path and query of the request.
    pub fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    /// Returns the host of the request; empty when the URI has none.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// Returns a header of the request; empty when it is absent or not ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body of the request as a string; empty when it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// Returns the body of the request as JSON; null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Shows no header, no query and no content: values and tokens must not reach a log.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("method", &self.method)
            .field("host", &self.host())
            .field("operation", &self.operation.map(|operation| operation.name))
            .field("body", &self.body.len())
            .field("response", &self.response.len())
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Starts with an empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a layer that records what passes the service it is put around.
    pub fn layer(&self) -> DynLayer {
        let recorder = self.clone();
        DynLayer::from_fn(move |inner: HttpService| {
            let recorder = recorder.clone();
            tower::service_fn(move |request: Request| recorder.clone().pass(inner.clone(), request))
        })
    }

    /// Returns the service with this recorder around it.
    pub fn around(&self, service: HttpService) -> HttpService {
        self.layer().layer(service)
    }

    /// Returns what has passed so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.lock().clone()
    }

    /// Returns how many requests have passed so far.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn add(&self, exchange: Exchange) -> usize {
        let mut exchanges = self.lock();
        exchanges.push(exchange);
        exchanges.len() - 1
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(self, inner: HttpService, request: Request) -> Result<Response, BoxError> {
        let (parts, body) = request.into_parts();
        let content = body.as_bytes().cloned();
        let is_stream = content.is_none();
        let at = self.add(Exchange::new(&parts, content.unwrap_or_default(), is_stream));
        let (parts, body) = inner.send(Request::from_parts(parts, body)).await?.into_parts();
        let body = body.collect(BODY_LIMIT).await?;
        if let Some(exchange) = self.lock().get_mut(at) {
            exchange.response = body.clone();
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("exchanges", &self.count()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reply, Scripted};

    #[tokio::test]
    async fn debug_shows_no_value_and_no_token() {
        let service = Scripted::new([Reply::status(200).body("secret-response")]);
        let recorder = Recorder::new();
        let request = http::Request::post("https://api.example/secret-path?q=secret-query")
            .header("authorization", "secret-token")
            .body(Body::from("secret-body"))
            .unwrap();
        recorder.around(service.service()).send(request).await.unwrap();
        let seen = recorder.exchanges();
        assert_eq!((seen[0].text(), &seen[0].response[..]), ("secret-body", &b"secret-response"[..]));
        let shown = format!("{seen:?} {recorder:?} {service:?} {:?}", service.requests());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
