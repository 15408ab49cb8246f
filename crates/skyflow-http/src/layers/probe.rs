//! Services that check how a layer uses them.

use std::future::{Pending, pending};
use std::task::{Context, Poll};

use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Body, BoxError, CallContext, Idempotency, OperationInfo, Request, Response};

/// A safe `POST` with a small body.
pub(crate) fn request() -> Request {
    request_of(Idempotency::Safe)
}

pub(crate) fn request_of(idempotency: Idempotency) -> Request {
    let mut request =
        http::Request::post("https://vault.example/v1/vaults/v1/detokenize").body(Body::from("{}")).unwrap();
    let info = OperationInfo::new("tokens.test", "/v1/vaults/{vault_id}/test", idempotency);
    request.extensions_mut().insert(CallContext::new(info));
    request
}

#[derive(Clone)]
pub(crate) struct Hanging;

/// A service that never responds.
pub(crate) fn hanging() -> Hanging {
    Hanging
}

impl Service<Request> for Hanging {
    type Response = Response;
    type Error = BoxError;
    type Future = Pending<Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        pending()
    }
}

/// A service that has to be polled for readiness before each call, as `ConcurrencyLimit` does; its clones are not
/// ready, and a call without readiness panics.
pub(crate) struct Strict {
    ready: bool,
    pending_first: bool,
    statuses: Vec<u16>,
}

impl Strict {
    pub(crate) fn responding(statuses: &[u16]) -> Self {
        Self { ready: false, pending_first: true, statuses: statuses.to_vec() }
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, pending_first: true, statuses: self.statuses.clone() }
    }
}

impl Service<Request> for Strict {
    type Response = Response;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if std::mem::take(&mut self.pending_first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without readiness");
        self.pending_first = true;
        let status = if self.statuses.len() > 1 { self.statuses.remove(0) } else { self.statuses[0] };
        let response = http::Response::builder().status(status).body(Body::from("{}")).unwrap();
        std::future::ready(Ok(response))
    }
}

/// Sends two calls through `layer` over a [`Strict`] service, one of them over a clone of a service that was ready.
pub(crate) async fn assert_respects_readiness<L>(layer: L)
where
    L: Layer<Strict>,
    L::Service: Service<Request, Response = Response, Error = BoxError> + Clone,
{
    let mut service = layer.layer(Strict::responding(&[200]));
    let response = service.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    service.ready().await.unwrap();
    let mut clone = service.clone();
    service.call(request()).await.unwrap();
    clone.ready().await.unwrap().call(request()).await.unwrap();
}
