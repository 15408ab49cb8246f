use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::StatusCode;
use http::header::HeaderName;
use skyflow_http::{BoxError, Clock, OperationInfo, Request, Response};
use tower::ServiceExt;
use tower_layer::Layer;
use tower_service::Service;

use crate::faults::{Faults, Plan, Verdict};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the faults of a script around any service.
///
/// The operation of a request is the name of its [`OperationInfo`]; latency passes on the given clock.
///
/// ```
/// use std::sync::Arc;
/// use http::StatusCode;
/// use skyflow_http::{Body, ManualClock};
/// use skyflow_testkit::{Fault, FaultLayer, Faults, Reply, Scripted};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let faults = Faults::new();
/// let layer = FaultLayer::new(faults.clone(), Arc::new(ManualClock::auto_advancing()));
/// let service = layer.layer(Scripted::new([Reply::status(200)]));
///
/// faults.inject(Fault::status(StatusCode::TOO_MANY_REQUESTS).retry_after("1").times(1));
/// for expected in [429, 200] {
///     let request = http::Request::get("https://api.example/things").body(Body::empty())?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), expected);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct FaultLayer {
    faults: Faults,
    clock: Arc<dyn Clock>,
}

impl FaultLayer {
    /// Applies these faults; they can be injected and cleared at any time.
    pub fn new(faults: Faults, clock: Arc<dyn Clock>) -> Self {
        Self { faults, clock }
    }
}

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> FaultService<S> {
        FaultService { inner, layer: self.clone() }
    }
}

/// The service of a [`FaultLayer`].
#[derive(Debug, Clone)]
pub struct FaultService<S> {
    inner: S,
    layer: FaultLayer,
}

impl<S> Service<Request> for FaultService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // A request that a fault takes needs no ready service; `oneshot` waits for the others.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(respond(self.inner.clone(), self.layer.clone(), request))
    }
}

async fn respond<S>(inner: S, layer: FaultLayer, request: Request) -> Result<Response, BoxError>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
{
    let operation = OperationInfo::of(request.extensions()).map(|operation| operation.name);
    let plan = layer.faults.plan(request.method(), request.uri().path(), operation);
    if !plan.latency().is_zero() {
        layer.clock.sleep(plan.latency()).await;
    }
    let mut response = match plan.verdict(empty) {
        Verdict::Close => return Err(Plan::closed().into()),
        Verdict::Respond(response) => response,
        Verdict::WorkThenClose => {
            inner.oneshot(request).await.map_err(Into::into)?;
            return Err(Plan::closed().into());
        }
        Verdict::Work => plan.spoil(inner.oneshot(request).await.map_err(Into::into)?),
    };
    if plan.hides_request_id() {
        response.headers_mut().remove(REQUEST_ID);
    }
    Ok(response)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use skyflow_http::{Body, CallContext, Error, Idempotency, ManualClock};

    use super::*;
    use crate::{Fault, Reply, Scripted};

    fn request(name: &'static str) -> Request {
        let mut request = http::Request::get("https://api.example/things").body(Body::empty()).unwrap();
        let info = OperationInfo::new(name, "/things", Idempotency::Safe);
        request.extensions_mut().insert(CallContext::new(info));
        request
    }

    struct Bench {
        faults: Faults,
        clock: ManualClock,
        inner: Scripted,
        service: FaultService<Scripted>,
    }

    fn bench() -> Bench {
        let (faults, clock) = (Faults::new(), ManualClock::auto_advancing());
        let inner = Scripted::new([Reply::status(200).header("x-request-id", "r").body("0123456789")]);
        let layer = FaultLayer::new(faults.clone(), Arc::new(clock.clone()));
        let service = layer.layer(inner.clone());
        Bench { faults, clock, inner, service }
    }

    #[tokio::test]
    async fn only_the_named_operation_is_hit() {
        let bench = bench();
        bench.faults.inject(Fault::html_502().operation("things.list"));
        for (name, expected) in [("things.get", 200), ("things.list", 502)] {
            let response = bench.service.clone().oneshot(request(name)).await.unwrap();
            assert_eq!(response.status(), expected);
        }
        assert_eq!(bench.inner.count(), 1);
    }

    #[tokio::test]
    async fn close_fault_may_do_the_work_first() {
        for (fault, work) in [(Fault::close_before_response(), 0), (Fault::commit_then_close(), 1)] {
            let bench = bench();
            bench.faults.inject(fault);
            let error = bench.service.oneshot(request("a")).await.unwrap_err();
            assert!(error.downcast_ref::<Error>().unwrap().may_have_been_applied());
            assert_eq!(bench.inner.count(), work);
        }
    }

    #[tokio::test]
    async fn latency_passes_on_the_clock() {
        let bench = bench();
        bench.faults.inject(Fault::latency(Duration::from_secs(90)));
        bench.service.oneshot(request("a")).await.unwrap();
        assert_eq!(bench.clock.slept(), [Duration::from_secs(90)]);
    }

    #[tokio::test]
    async fn spoiled_bodies_break_or_lie() {
        for (fault, expected) in [
            (Fault::empty_body(), Some("")),
            (Fault::wrong_shape(), Some(r#"["unexpected"]"#)),
            (Fault::truncate_body(), None),
        ] {
            let bench = bench();
            bench.faults.inject(fault.without_request_id());
            let response = bench.service.oneshot(request("a")).await.unwrap();
            assert!(!response.headers().contains_key("x-request-id"));
            let body = response.into_body().collect(64).await;
            assert_eq!(body.ok().as_deref(), expected.map(str::as_bytes));
        }
    }
}
