use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use tower::{ServiceExt, layer::layer_fn};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Body, BoxError};

/// A request as every layer of this stack sees it.
pub type Request = http::Request<Body>;

/// A response as every layer of this stack sees it.
pub type Response = http::Response<Body>;

/// The future of the response to one request.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

/// Sends requests that need no service of their own: a shared service is never copied.
pub(crate) trait SendRequest: Send + Sync {
    fn send(&self, request: Request) -> ResponseFuture;
}

/// Any tower service for HTTP requests, erased.
///
/// Clones share the service. Each request is sent by a fresh copy of it, which is waited for until it is ready, so the
/// erased service itself is always ready.
#[derive(Clone)]
pub struct HttpService(Arc<dyn SendRequest>);

impl HttpService {
    /// Erases a service. An [`HttpService`] is returned as it is.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        match (&service as &dyn Any).downcast_ref::<Self>() {
            Some(erased) => erased.clone(),
            None => Self::sending(Copied(service)),
        }
    }

    /// Shares a service whose futures are boxed already.
    pub(crate) fn sending(service: impl SendRequest + 'static) -> Self {
        Self(Arc::new(service))
    }

    /// Waits until the service is ready, then sends one request.
    ///
    /// # Errors
    ///
    /// Fails with the error of the service or of one of its layers.
    pub async fn send(&self, request: Request) -> Result<Response, BoxError> {
        self.0.send(request).await
    }
}

/// A service that is copied for each request: it has state, such as a permit, from readiness on.
struct Copied<S>(S);

impl<S> SendRequest for Copied<S>
where
    S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    fn send(&self, request: Request) -> ResponseFuture {
        Box::pin(self.0.clone().oneshot(request).map_err(Into::into))
    }
}

impl Service<Request> for HttpService {
    type Response = Response;
    type Error = BoxError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> ResponseFuture {
        self.0.send(request)
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpService")
    }
}

/// Any tower layer over an [`HttpService`], erased, so that stacks can be assembled at run time.
///
/// ```
/// use skyflow_http::{Body, BoxError, DynLayer, HttpService, Request, Response};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let named = DynLayer::from_fn(|inner: HttpService| {
///     inner.map_request(|mut request: Request| {
///         request.headers_mut().insert("x-team", http::HeaderValue::from_static("payments"));
///         request
///     })
/// });
/// let transport = HttpService::new(tower::service_fn(|request: Request| async move {
///     assert_eq!(request.headers()["x-team"], "payments");
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// }));
/// let stack = DynLayer::stack(&[named], transport);
/// stack.send(http::Request::get("https://api.example/").body(Body::empty())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DynLayer(Arc<dyn Fn(HttpService) -> HttpService + Send + Sync>);

impl DynLayer {
    /// Erases a layer.
    pub fn new<L>(layer: L) -> Self
    where
        L: Layer<HttpService> + Send + Sync + 'static,
        L::Service: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Error: Into<BoxError> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self(Arc::new(move |inner| HttpService::new(layer.layer(inner))))
    }

    /// Puts `layers` around `service`; the first of them becomes the outermost.
    pub fn stack(layers: &[Self], service: HttpService) -> HttpService {
        layers.iter().rev().fold(service, |inner, layer| layer.layer(inner))
    }

    /// Makes a layer from a function of the inner service.
    pub fn from_fn<F, S>(wrap: F) -> Self
    where
        F: Fn(HttpService) -> S + Clone + Send + Sync + 'static,
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        Self::new(layer_fn(wrap))
    }
}

impl Layer<HttpService> for DynLayer {
    type Service = HttpService;

    fn layer(&self, inner: HttpService) -> HttpService {
        (self.0)(inner)
    }
}

impl fmt::Debug for DynLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DynLayer")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn first_layer_is_the_outermost() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let named = |name: &'static str| {
            let seen = Arc::clone(&seen);
            DynLayer::from_fn(move |inner: HttpService| {
                let seen = Arc::clone(&seen);
                inner.map_request(move |request: Request| {
                    seen.lock().unwrap().push(name);
                    request
                })
            })
        };
        let transport =
            HttpService::new(tower::service_fn(|_| async { Ok::<_, BoxError>(Response::default()) }));
        let stack = DynLayer::stack(&[named("outer"), named("inner")], transport);
        stack.send(Request::default()).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), ["outer", "inner"]);
    }
}
