use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::util::{BoxCloneSyncService, MapErr};
use tower::{ServiceExt, layer::layer_fn};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::try_clone_body;
use crate::{Body, BoxError};

/// A request as every layer of this stack sees it.
pub type Request = http::Request<Body>;

/// A response as every layer of this stack sees it.
pub type Response = http::Response<Body>;

/// Copies a request with its extensions, so that it can be sent again; `None` when the body cannot be copied.
pub fn try_clone_request<B: 'static>(request: &http::Request<B>) -> Option<http::Request<B>> {
    try_clone_body(request.body()).map(|body| copy_with(request, body))
}

fn copy_with<B>(request: &http::Request<B>, body: B) -> http::Request<B> {
    let mut copy = http::Request::new(body);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    copy
}

/// A request to send in the place of one that is in flight.
pub(crate) struct Spare(Request);

impl Spare {
    /// Copies a request. A stream that cannot be opened again is shared between both.
    pub(crate) fn of(request: &mut Request) -> Self {
        let body = request.body_mut().spare();
        Self(copy_with(request, body))
    }

    /// Returns the request; `None` when its body can be sent once only and has been read.
    pub(crate) fn into_request(self) -> Option<Request> {
        self.0.body().is_unread().then_some(self.0)
    }
}

type Boxed = BoxCloneSyncService<Request, Response, BoxError>;

/// Any tower service for HTTP requests, erased.
///
/// It is cheap to clone and to move between threads. Stacks stay static inside and are boxed once, here.
#[derive(Clone)]
pub struct HttpService(Boxed);

impl HttpService {
    /// Erases a service.
    pub fn new<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send + 'static,
    {
        let into: fn(S::Error) -> BoxError = Into::into;
        Self(BoxCloneSyncService::new(MapErr::new(service, into)))
    }

    /// Waits until the service is ready, then sends one request.
    ///
    /// # Errors
    ///
    /// Fails with the error of the service or of one of its layers.
    pub async fn send(&self, request: Request) -> Result<Response, BoxError> {
        self.clone().oneshot(request).await
    }
}

impl Service<Request> for HttpService {
    type Response = Response;
    type Error = BoxError;
    type Future = <Boxed as Service<Request>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.call(request)
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
