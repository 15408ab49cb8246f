//! Eyes on the wire: what passes a point of a stack.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use skyflow_http::{Body, BoxError, DynLayer, HttpService, OperationInfo, Request, Response};

/// Remembers every request that passes, and the answer to it.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Exchange>>>);

/// A request and what came back.
#[derive(Clone)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// The whole URI.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// What the request says about itself.
    pub operation: Option<OperationInfo>,
    /// The body; empty for a stream.
    pub body: Bytes,
    /// The body of the answer; empty when there was none.
    pub answer: Bytes,
}

impl Recorder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a layer that watches the service it is put around.
    pub fn layer(&self) -> DynLayer {
        let recorder = self.clone();
        DynLayer::from_fn(move |inner: HttpService| {
            let recorder = recorder.clone();
            tower::service_fn(move |request: Request| recorder.clone().pass(inner.clone(), request))
        })
    }

    /// Returns the service with this recorder around it.
    pub fn around(&self, service: HttpService) -> HttpService {
        tower::Layer::layer(&self.layer(), service)
    }

    /// Returns what has passed so far.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.0.lock().unwrap().clone()
    }

    /// Returns how many requests have passed so far.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    async fn pass(self, inner: HttpService, request: Request) -> Result<Response, BoxError> {
        let at = {
            let mut exchanges = self.0.lock().unwrap();
            exchanges.push(Exchange {
                method: request.method().clone(),
                uri: request.uri().clone(),
                headers: request.headers().clone(),
                operation: request.extensions().get().copied(),
                body: request.body().as_bytes().cloned().unwrap_or_default(),
                answer: Bytes::new(),
            });
            exchanges.len() - 1
        };
        let (parts, body) = inner.send(request).await?.into_parts();
        let body = body.collect(64 * 1024 * 1024).await?;
        self.0.lock().unwrap()[at].answer = body.clone();
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}
