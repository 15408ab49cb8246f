use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use pin_project_lite::pin_project;
use skyflow_types::RequestId;
use tower_layer::Layer;
use tower_service::Service;

#[cfg(doc)]
use crate::CallOptions;
use crate::auth::{Refusal, RefusalRule};
use crate::body::Collecting;
use crate::content_encoding;
use crate::{Body, BoxError, CallContext, Error, Idempotency, Progress, Request, Response};

/// Reads the request id that a server gave its response; it is never made up.
pub fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    RequestId::from_bytes(headers.get(RequestId::HEADER)?.as_bytes())
}

/// Reads each response body, up to a limit, and records what the response proves about the call.
///
/// The resulting response has its body in memory. Its [`request_id`] is removed when it repeats a header that the call
/// has sent. What the response proves is in the [`Progress`] of the call.
///
/// Reading here, below the attempt timeout and the retry layer, makes a slow or a cut body a failed attempt and never a
/// short response. A body that is compressed with gzip or deflate although the
/// request has no `accept-encoding` is decoded, and the limit is that of the decoded bytes. With
/// [`ResponseMetaLayer::gzip`] the layer itself asks for such a body.
///
/// ```
/// use skyflow_http::layers::ResponseMetaLayer;
/// use skyflow_http::{Body, BoxError, Progress, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let transport = tower::service_fn(|_: Request| async {
///     let response = http::Response::builder().header("x-request-id", "r-1").body(Body::from("{}"))?;
///     Ok::<Response, BoxError>(response)
/// });
/// let mut request = http::Request::get("https://api.example/").body(Body::empty())?;
/// let progress = Progress::of(request.extensions_mut());
/// let response = ResponseMetaLayer::new(1024).layer(transport).oneshot(request).await?;
/// assert!(response.body().as_bytes().is_some_and(|body| body == "{}"));
/// assert_eq!(progress.attempts(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ResponseMetaLayer {
    limit: usize,
    refusal: RefusalRule,
    gzip: bool,
}

impl ResponseMetaLayer {
    /// The default limit: 64 MiB.
    pub const DEFAULT_LIMIT: usize = 64 * 1024 * 1024;

    /// Refuses responses of more than `limit` bytes, unless [`CallOptions::response_limit`] says otherwise.
    pub const fn new(limit: usize) -> Self {
        // Without a rule, the `401` of a third party proves nothing.
        Self { limit, refusal: |_| Refusal::Unknown, gzip: false }
    }

    /// Sends `accept-encoding: gzip` with each request that has no such header, unless [`CallOptions::gzip`] says
    /// otherwise; off by default. What comes back compressed is decoded here.
    pub const fn gzip(mut self, yes: bool) -> Self {
        self.gzip = yes;
        self
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
{
    type Response = Response;
    type Error = BoxError;
    type Future = ResponseMetaFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let call = CallContext::of_mut(request.extensions_mut());
        let (progress, options, public) = (call.progress.clone(), call.options, call.public_headers.clone());
        let is_unknown = call.operation.is_some_and(|info| info.idempotency == Idempotency::Unknown);
        let before = progress.begin_attempt();
        progress.note_sent(request.headers(), public.as_ref());
        let accepts_encodings = request.headers().contains_key(ACCEPT_ENCODING);
        if options.gzip.unwrap_or(self.layer.gzip) && !accepts_encodings {
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let attempt = Attempt {
            progress,
            before,
            limit: options.response_limit.unwrap_or(self.layer.limit),
            decodes: !accepts_encodings,
            refusal: self.layer.refusal,
            is_unknown,
        };
        ResponseMetaFuture { state: State::Head { inner: self.inner.call(request) }, attempt }
    }
}

pin_project! {
    /// The future of [`ResponseMeta`].
    pub struct ResponseMetaFuture<F> {
        #[pin]
        state: State<F>,
        attempt: Attempt,
    }
}

pin_project! {
    #[project = StateNow]
    enum State<F> {
        Head { #[pin] inner: F },
        Body { head: Option<Parts>, body: Collecting },
    }
}

impl<F, E> Future for ResponseMetaFuture<F>
where
    F: Future<Output = Result<Response, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let (head, body) = match this.state.as_mut().project() {
                StateNow::Head { inner } => match ready!(inner.poll(cx)) {
                    Ok(response) => response.into_parts(),
                    Err(error) => return Poll::Ready(this.attempt.ended(Err(error.into()))),
                },
                StateNow::Body { head, body } => {
                    let bytes = ready!(body.poll(cx));
                    // A future that is polled after its end may do anything but be unsound.
                    let Some(head) = head.take() else { return Poll::Pending };
                    return Poll::Ready(this.attempt.read(head, bytes));
                }
            };
            let body = body.collecting(this.attempt.limit);
            this.state.set(State::Body { head: Some(head), body });
        }
    }
}

/// An attempt under way.
struct Attempt {
    progress: Progress,
    /// Whether an earlier attempt may have been applied.
    before: bool,
    limit: usize,
    decodes: bool,
    refusal: RefusalRule,
    is_unknown: bool,
}

impl Attempt {
    fn read(&self, mut head: Parts, body: Result<Bytes, Error>) -> Result<Response, BoxError> {
        let decoded = |bytes| match self.decodes && head.headers.contains_key(CONTENT_ENCODING) {
            true => content_encoding::decoded(&mut head.headers, bytes, self.limit),
            false => Ok(bytes),
        };
        let body = body.and_then(decoded).map(Body::from);
        self.ended(body.map(|body| Response::from_parts(head, body)).map_err(Into::into))
    }

    /// Records what the outcome proves.
    fn ended(&self, outcome: Result<Response, BoxError>) -> Result<Response, BoxError> {
        let certainly_not_applied = match &outcome {
            // A third party may respond with anything after it has acted.
            Ok(response) if self.is_unknown => {
                response.status() == StatusCode::UNAUTHORIZED
                    && (self.refusal)(response.headers()) == Refusal::BeforeActing
            }
            Ok(response) => {
                response.status().is_client_error() && response.status() != StatusCode::REQUEST_TIMEOUT
            }
            Err(error) => error.downcast_ref::<Error>().is_some_and(|error| !error.may_have_been_applied()),
        };
        if certainly_not_applied {
            self.progress.settle(self.before);
        }
        outcome.map(|mut response| {
            // A server that repeats a token there would bring it into every log.
            let is_secret = |id: &HeaderValue| self.progress.has_sent(id.as_bytes());
            if response.headers().get(RequestId::HEADER).is_some_and(is_secret) {
                response.headers_mut().remove(RequestId::HEADER);
            }
            response
        })
    }
}

#[cfg(test)]
mod tests;
