use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use skyflow_http::{Body, BoxError, Request, Response};
use tower_service::Service;

/// A service that sends the same 200 response at once and keeps nothing of a request, for code that measures time or
/// allocations. [`Scripted`](crate::Scripted) records what it receives.
///
/// ```
/// use skyflow_http::{Body, HttpService};
/// use skyflow_testkit::Constant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let service = HttpService::new(Constant::new(r#"{"ok":true}"#));
/// let response = service.send(http::Request::get("https://api.example/").body(Body::empty())?).await?;
/// assert_eq!(response.into_body().collect(64).await?, r#"{"ok":true}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Constant(Bytes);

impl Constant {
    /// Sends this body with each response.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self(body.into())
    }
}

impl Service<Request> for Constant {
    type Response = Response;
    type Error = BoxError;
    type Future = Ready<Result<Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        ready(Ok(Response::new(Body::from(self.0.clone()))))
    }
}
