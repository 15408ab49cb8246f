use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::StatusCode;
use tower_layer::Layer;
use tower_service::Service;

use crate::auth::{Refusal, RefusalRule};
use crate::{Body, BoxError, CallOptions, Error, Idempotency, OperationInfo, Progress, Request, Response};

/// Reads each answer whole, up to a limit, and notes what it says about the call.
///
/// The answer that comes out has its body in memory and, in its extensions, the [`RequestId`](skyflow_types::RequestId) (when the server sent
/// one) and the call's [`Progress`]. Reading here, below the attempt timeout and the retry layer, makes a slow or a
/// cut body a failed attempt and never a short answer.
#[derive(Debug, Clone, Copy)]
pub struct ResponseMetaLayer {
    limit: usize,
    refusal: RefusalRule,
}

impl ResponseMetaLayer {
    /// The default limit: 64 MiB.
    pub const DEFAULT_LIMIT: usize = 64 * 1024 * 1024;

    /// Refuses answers of more than `limit` bytes, unless [`CallOptions::response_limit`] says otherwise.
    pub const fn new(limit: usize) -> Self {
        // Without a rule, the `401` of a third party proves nothing.
        Self { limit, refusal: |_| Refusal::Unknown }
    }

    /// Sets what a `401` proves for operations that a third party executes ([`Idempotency::Unknown`]).
    pub const fn refusal(mut self, rule: RefusalRule) -> Self {
        self.refusal = rule;
        self
    }
}

impl Default for ResponseMetaLayer {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl<S> Layer<S> for ResponseMetaLayer {
    type Service = ResponseMeta<S>;

    fn layer(&self, inner: S) -> ResponseMeta<S> {
        ResponseMeta { inner, layer: *self }
    }
}

/// The service of [`ResponseMetaLayer`].
#[derive(Debug, Clone)]
pub struct ResponseMeta<S> {
    inner: S,
    layer: ResponseMetaLayer,
}

impl<S> Service<Request> for ResponseMeta<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let options = request.extensions().get::<CallOptions>();
        let limit = options.and_then(|options| options.response_limit).unwrap_or(self.layer.limit);
        let refusal = self.layer.refusal;
        let progress = Progress::of(request.extensions_mut());
        let before = progress.begin_attempt();
        let is_unknown = request
            .extensions()
            .get::<OperationInfo>()
            .is_some_and(|info| info.idempotency == Idempotency::Unknown);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer: Result<Response, BoxError> = answer.await.map_err(Into::into);
            let result = match answer {
                Ok(answer) => buffered(answer, limit).await,
                Err(error) => Err(error),
            };
            let certainly_not_applied = match &result {
                // A third party may respond with anything after it has acted.
                Ok(answer) if is_unknown => {
                    answer.status() == StatusCode::UNAUTHORIZED
                        && refusal(answer.headers()) == Refusal::BeforeActing
                }
                Ok(answer) => {
                    answer.status().is_client_error() && answer.status() != StatusCode::REQUEST_TIMEOUT
                }
                Err(error) => {
                    error.downcast_ref::<Error>().is_some_and(|error| !error.may_have_been_applied())
                }
            };
            if certainly_not_applied {
                progress.settle(before);
            }
            result.map(|mut answer| {
                if let Some(id) = crate::request_id(answer.headers()) {
                    answer.extensions_mut().insert(id);
                }
                answer.extensions_mut().insert(progress);
                answer
            })
        })
    }
}

async fn buffered(answer: Response, limit: usize) -> Result<Response, BoxError> {
    let (parts, body) = answer.into_parts();
    let bytes = body.collect(limit).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;
    use crate::ErrorKind;
    use skyflow_types::RequestId;
    use tower::ServiceExt;

    async fn progress_after(status: u16) -> Progress {
        let mut request = probe::request();
        let progress = Progress::of(request.extensions_mut());
        let service = ResponseMetaLayer::default().layer(probe::Strict::answering(&[status]));
        service.oneshot(request).await.unwrap();
        progress
    }

    #[tokio::test]
    async fn a_definite_refusal_is_not_ambiguous_and_a_server_error_is() {
        for (status, ambiguous) in
            [(400, false), (401, false), (404, false), (429, false), (408, true), (500, true)]
        {
            let progress = progress_after(status).await;
            assert_eq!(progress.may_have_been_applied(), ambiguous, "{status}");
            assert_eq!(progress.attempts(), 1);
        }
    }

    #[tokio::test]
    async fn only_the_rule_proves_third_party_inaction() {
        for (status, refused, ambiguous) in [
            (400, Some("gateway"), true),
            (400, Some("target"), true),
            (401, None, true),
            (401, Some("target"), true),
            (401, Some("gateway"), false),
            (429, None, true),
            (503, Some("gateway"), true),
        ] {
            let leaf = tower::service_fn(move |_: Request| async move {
                let mut answer = http::Response::builder().status(status);
                if let Some(value) = refused {
                    answer = answer.header("x-refused-by", value);
                }
                Ok::<_, BoxError>(answer.body(Body::empty())?)
            });
            let mut request = probe::request_of(Idempotency::Unknown);
            let progress = Progress::of(request.extensions_mut());
            let layer = ResponseMetaLayer::default().refusal(|headers| {
                match headers.get("x-refused-by").map(http::HeaderValue::as_bytes) {
                    Some(b"gateway") => Refusal::BeforeActing,
                    Some(_) => Refusal::NotTheToken,
                    None => Refusal::Unknown,
                }
            });
            layer.layer(leaf).oneshot(request).await.unwrap();
            assert_eq!(progress.may_have_been_applied(), ambiguous, "{status} {refused:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_over_the_limit_is_a_typed_error() {
        let service = ResponseMetaLayer::new(1).layer(probe::Strict::answering(&[200]));
        let error = service.oneshot(probe::request()).await.unwrap_err();
        assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::BodyTooLarge);
    }

    #[tokio::test]
    async fn a_call_may_have_a_limit_of_its_own() {
        for (client, call, fits) in [(1, 100, true), (100, 1, false)] {
            let mut request = probe::request();
            request.extensions_mut().insert(CallOptions::new().response_limit(call));
            let service = ResponseMetaLayer::new(client).layer(probe::Strict::answering(&[200]));
            assert_eq!(service.oneshot(request).await.is_ok(), fits);
        }
    }

    #[tokio::test]
    async fn the_request_id_is_taken_from_the_answer_and_never_made_up() {
        let leaf = |id: Option<&'static str>| {
            tower::service_fn(move |_: Request| async move {
                let mut answer = Response::default();
                if let Some(id) = id {
                    answer.headers_mut().insert(RequestId::HEADER, http::HeaderValue::from_static(id));
                }
                Ok::<_, BoxError>(answer)
            })
        };
        let layer = ResponseMetaLayer::default();
        let with = layer.layer(leaf(Some("req-7"))).oneshot(probe::request()).await.unwrap();
        assert_eq!(with.extensions().get::<RequestId>().unwrap().as_str(), "req-7");
        let without = layer.layer(leaf(None)).oneshot(probe::request()).await.unwrap();
        assert!(without.extensions().get::<RequestId>().is_none());
    }

    #[tokio::test]
    async fn it_never_calls_a_service_that_is_not_ready() {
        probe::assert_respects_readiness(ResponseMetaLayer::default()).await;
    }
}
