use std::task::{Context, Poll};

use skyflow_http::Request;
use tower_service::Service;

/// A service that insists on the contract of tower: it is not ready at the first poll, its clones are never ready, and a
/// call without readiness fails the test. Put a layer around it to see whether the layer keeps to the contract.
///
/// ```
/// use skyflow_http::Body;
/// use skyflow_testkit::{Reply, Scripted, Strict};
/// use tower::{Service, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut service = Strict::new(Scripted::new([Reply::status(204)]));
/// let request = http::Request::get("https://api.example/").body(Body::empty())?;
/// // `service.call(request)` alone panics.
/// assert_eq!(service.ready().await?.call(request).await?.status(), 204);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Strict<S> {
    inner: S,
    is_polled: bool,
    is_ready: bool,
}

impl<S> Strict<S> {
    /// Puts the check around a service.
    pub fn new(inner: S) -> Self {
        Self { inner, is_polled: false, is_ready: false }
    }
}

/// The clone is not ready, whatever the original is.
impl<S: Clone> Clone for Strict<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone())
    }
}

impl<S: Service<Request>> Service<Request> for Strict<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if !std::mem::replace(&mut self.is_polled, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let ready = self.inner.poll_ready(cx);
        self.is_ready = matches!(ready, Poll::Ready(Ok(())));
        ready
    }

    /// # Panics
    ///
    /// Panics when the service was not polled until it was ready.
    fn call(&mut self, request: Request) -> S::Future {
        assert!(std::mem::take(&mut self.is_ready), "called without readiness");
        self.is_polled = false;
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::Body;
    use tower::ServiceExt;

    use super::*;
    use crate::{Reply, Scripted};

    fn request() -> Request {
        http::Request::get("https://api.example/").body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn each_call_needs_its_own_readiness() {
        let inner = Scripted::new([Reply::status(200)]);
        let mut service = Strict::new(inner.clone());
        for _ in 0..2 {
            service.ready().await.unwrap().call(request()).await.unwrap();
        }
        service.ready().await.unwrap();
        let mut clone = service.clone();
        let unready = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(clone.call(request()))));
        assert!(unready.is_err());
        assert_eq!(inner.count(), 2);
    }
}
