//! Layers that were written for other stacks.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::Mutex;
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Body, BoxError, DynLayer, HttpService, Request, Response};

/// Any tower layer that fits around an [`HttpService`].
///
/// It is implemented for every layer whose service takes a [`Request`] and returns an [`http::Response`] of any body;
/// the service need not be `Clone`. So `tower::limit::RateLimitLayer` and the layers of `tower-http` fit as they are.
///
/// ```
/// use std::time::Duration;
///
/// use skyflow_http::HttpLayer;
/// use tower::limit::RateLimitLayer;
///
/// let layer = RateLimitLayer::new(100, Duration::from_secs(1)).into_dyn();
/// # let _ = layer;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tower layer over `HttpService`",
    note = "its service must take `skyflow_http::Request` and return an `http::Response` of any body"
)]
pub trait HttpLayer: Send + Sync + 'static {
    /// Erases the layer. A [`DynLayer`] is returned as it is.
    ///
    /// The layer is applied at the first call and not before, because some layers need a tokio runtime for it. Each
    /// stack that is built with it gets one service, which the clones of the stack share behind a lock that is held
    /// until the service is ready and called, not until it has responded. [`DynLayer::new`] takes layers whose services
    /// are `Clone` without that lock.
    fn into_dyn(self) -> DynLayer;
}

impl<L, B> HttpLayer for L
where
    L: Layer<HttpService> + Send + Sync + 'static,
    L::Service: Service<Request, Response = http::Response<B>> + Send + 'static,
    <L::Service as Service<Request>>::Error: Into<BoxError>,
    <L::Service as Service<Request>>::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn into_dyn(self) -> DynLayer {
        if let Some(erased) = (&self as &dyn Any).downcast_ref::<DynLayer>() {
            return erased.clone();
        }
        let layer = Arc::new(self);
        DynLayer::from_fn(move |inner| Shared::new(Arc::clone(&layer), inner))
    }
}

/// One service of a layer, shared by all clones.
struct Shared<L: Layer<HttpService>>(Arc<Mutex<Applied<L>>>);

/// A layer and the service it makes, once there is one.
struct Applied<L: Layer<HttpService>> {
    layer: Arc<L>,
    inner: HttpService,
    service: Option<L::Service>,
}

impl<L: Layer<HttpService>> Shared<L> {
    fn new(layer: Arc<L>, inner: HttpService) -> Self {
        Self(Arc::new(Mutex::new(Applied { layer, inner, service: None })))
    }
}

impl<L: Layer<HttpService>> Clone for Shared<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L, B> Service<Request> for Shared<L>
where
    L: Layer<HttpService> + Send + Sync + 'static,
    L::Service: Service<Request, Response = http::Response<B>> + Send + 'static,
    <L::Service as Service<Request>>::Error: Into<BoxError>,
    <L::Service as Service<Request>>::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    /// The service is made ready under the lock, right before it is called.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let mut applied = shared.lock().await;
            let Applied { layer, inner, service } = &mut *applied;
            let service = service.get_or_insert_with(|| layer.layer(inner.clone()));
            let call = service.ready().await.map_err(Into::into)?.call(request);
            drop(applied);
            let response = call.await.map_err(Into::into)?;
            Ok(response.map(into_body))
        })
    }
}

/// Keeps a [`Body`] as it is, so that bytes in memory stay in memory.
fn into_body<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut body = Some(body);
    if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>() {
        return own.take().unwrap_or_default();
    }
    body.map_or_else(Body::empty, Body::new)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use http_body_util::Full;
    use tower::limit::{ConcurrencyLimitLayer, RateLimitLayer};
    use tower::util::MapResponseLayer;

    use super::*;
    use crate::layers::probe;

    fn transport() -> HttpService {
        HttpService::new(tower::service_fn(|_: Request| async {
            Ok::<_, BoxError>(Response::new(Body::from("whole")))
        }))
    }

    #[tokio::test]
    async fn response_of_another_body_is_taken() {
        let layer = MapResponseLayer::new(|_: Response| http::Response::new(Full::new(Bytes::from("other"))));
        let response = layer.into_dyn().layer(transport()).send(Request::default()).await.unwrap();
        assert_eq!(response.into_body().collect(100).await.unwrap(), "other");
    }

    #[tokio::test]
    async fn response_in_memory_stays_in_memory() {
        let stack = ConcurrencyLimitLayer::new(1).into_dyn().layer(transport());
        let response = stack.send(Request::default()).await.unwrap();
        assert_eq!(response.body().as_bytes().unwrap(), "whole");
    }

    #[test]
    fn layer_is_applied_without_a_runtime() {
        let stack = RateLimitLayer::new(1, Duration::from_secs(1)).into_dyn().layer(transport());
        drop(stack);
    }

    #[tokio::test]
    async fn clones_share_one_rate_limit() {
        let stack = RateLimitLayer::new(1, Duration::from_secs(3600)).into_dyn().layer(transport());
        assert!(stack.send(Request::default()).now_or_never().is_some_and(|first| first.is_ok()));
        assert!(
            stack.clone().send(Request::default()).now_or_never().is_none(),
            "it waits for the hour to pass"
        );
    }

    #[tokio::test]
    async fn call_that_waits_does_not_stop_others() {
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let released = Arc::new(std::sync::Mutex::new(Some(released)));
        let slow_first = HttpService::new(tower::service_fn(move |_: Request| {
            let wait = released.lock().unwrap().take();
            async move {
                if let Some(wait) = wait {
                    wait.await.unwrap();
                }
                Ok::<_, BoxError>(Response::default())
            }
        }));
        let stack = MapResponseLayer::new(|response: Response| response).into_dyn().layer(slow_first);
        let first = tokio::spawn({
            let stack = stack.clone();
            async move { stack.send(Request::default()).await }
        });
        tokio::task::yield_now().await;
        stack.send(Request::default()).await.unwrap();
        assert!(!first.is_finished());
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn service_is_called_only_when_ready() {
        let strict = HttpService::new(probe::Strict::responding(&[200]));
        let stack = ConcurrencyLimitLayer::new(1).into_dyn().layer(strict);
        for stack in [stack.clone(), stack] {
            assert_eq!(stack.send(probe::request()).await.unwrap().status(), 200);
        }
    }
}
