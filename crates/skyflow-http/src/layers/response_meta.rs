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
mod tests {
    use super::super::probe;
    use super::*;
    use crate::{CallOptions, ErrorKind};
    use tower::ServiceExt;

    async fn progress_after(status: u16) -> Progress {
        let mut request = probe::request();
        let progress = Progress::of(request.extensions_mut());
        let service = ResponseMetaLayer::default().layer(probe::Strict::responding(&[status]));
        service.oneshot(request).await.unwrap();
        progress
    }

    #[tokio::test]
    async fn only_definite_refusals_are_unambiguous() {
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
            let transport = tower::service_fn(move |_: Request| async move {
                let mut response = http::Response::builder().status(status);
                if let Some(value) = refused {
                    response = response.header("x-refused-by", value);
                }
                Ok::<_, BoxError>(response.body(Body::empty())?)
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
            layer.layer(transport).oneshot(request).await.unwrap();
            assert_eq!(progress.may_have_been_applied(), ambiguous, "{status} {refused:?}");
        }
    }

    #[tokio::test]
    async fn response_above_the_limit_is_a_typed_error() {
        let service = ResponseMetaLayer::new(1).layer(probe::Strict::responding(&[200]));
        let error = service.oneshot(probe::request()).await.unwrap_err();
        assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::BodyTooLarge);
    }

    #[tokio::test]
    async fn call_options_override_the_response_limit() {
        for (client, call, fits) in [(1, 100, true), (100, 1, false)] {
            let mut request = probe::request();
            CallContext::of_mut(request.extensions_mut()).options = CallOptions::new().response_limit(call);
            let service = ResponseMetaLayer::new(client).layer(probe::Strict::responding(&[200]));
            assert_eq!(service.oneshot(request).await.is_ok(), fits);
        }
    }

    #[tokio::test]
    async fn request_id_comes_only_from_the_response() {
        let transport = |id: Option<&'static str>| {
            tower::service_fn(move |_: Request| async move {
                let mut response = Response::default();
                if let Some(id) = id {
                    response.headers_mut().insert(RequestId::HEADER, http::HeaderValue::from_static(id));
                }
                Ok::<_, BoxError>(response)
            })
        };
        let layer = ResponseMetaLayer::default();
        let with = layer.layer(transport(Some("req-7"))).oneshot(probe::request()).await.unwrap();
        assert_eq!(request_id(with.headers()).unwrap().as_str(), "req-7");
        let without = layer.layer(transport(None)).oneshot(probe::request()).await.unwrap();
        assert!(request_id(without.headers()).is_none());
    }

    #[tokio::test]
    async fn repeated_token_is_no_request_id() {
        let transport = tower::service_fn(|request: Request| async move {
            let mut response = Response::default();
            response.headers_mut().insert(RequestId::HEADER, request.headers()["authorization"].clone());
            Ok::<_, BoxError>(response)
        });
        let mut request = probe::request();
        request
            .headers_mut()
            .insert("authorization", http::HeaderValue::from_static("Bearer canary-0123456789"));
        let response = ResponseMetaLayer::default().layer(transport).oneshot(request).await.unwrap();
        assert!(request_id(response.headers()).is_none());
    }

    #[tokio::test]
    async fn encoding_that_was_asked_for_is_kept() {
        let transport = tower::service_fn(|_: Request| async move {
            let response = http::Response::builder().header("content-encoding", "deflate");
            // An empty block without a header of zlib.
            Ok::<_, BoxError>(response.body(Body::from(vec![3_u8, 0]))?)
        });
        for (asked_for, length) in [(false, 0), (true, 2)] {
            let mut request = probe::request();
            if asked_for {
                request.headers_mut().insert("accept-encoding", http::HeaderValue::from_static("deflate"));
            }
            let response = ResponseMetaLayer::default().layer(transport).oneshot(request).await.unwrap();
            assert_eq!(response.body().as_bytes().unwrap().len(), length);
            assert_eq!(response.headers().contains_key("content-encoding"), asked_for);
        }
    }

    /// `{}` in gzip, when the request asks for it.
    async fn compressing(request: Request) -> Result<Response, BoxError> {
        const GZIP: [u8; 22] =
            [31, 139, 8, 0, 0, 0, 0, 0, 0, 255, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0];
        let asked_for = request.headers().get("accept-encoding").is_some_and(|value| value == "gzip");
        let response = http::Response::builder().header("x-asked-for", asked_for.to_string());
        Ok(match asked_for {
            true => response.header("content-encoding", "gzip").body(Body::from(GZIP.to_vec()))?,
            false => response.body(Body::from("{}"))?,
        })
    }

    #[tokio::test]
    async fn gzip_is_requested_per_client_and_call() {
        for (client, call, asked_for) in [
            (false, None, "false"),
            (true, None, "true"),
            (true, Some(false), "false"),
            (false, Some(true), "true"),
        ] {
            let mut request = probe::request();
            CallContext::of_mut(request.extensions_mut()).options.gzip = call;
            let layer = ResponseMetaLayer::default().gzip(client);
            let response = layer.layer(tower::service_fn(compressing)).oneshot(request).await.unwrap();
            assert_eq!(response.headers()["x-asked-for"], asked_for);
            assert_eq!(response.body().as_bytes().unwrap(), "{}");
            assert!(!response.headers().contains_key("content-encoding"));
        }
    }

    #[tokio::test]
    async fn limit_of_requested_gzip_counts_decoded_bytes() {
        let layer = ResponseMetaLayer::new(30).gzip(true);
        let bomb = tower::service_fn(|_: Request| async {
            // 31 spaces, in 23 bytes.
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut encoder, &[b' '; 31])?;
            let body = encoder.finish()?;
            assert!(body.len() < 30);
            let response = http::Response::builder().header("content-encoding", "gzip");
            Ok::<_, BoxError>(response.body(Body::from(body))?)
        });
        let error = layer.layer(bomb).oneshot(probe::request()).await.unwrap_err();
        assert_eq!(error.downcast::<Error>().unwrap().kind(), ErrorKind::BodyTooLarge);
    }

    #[tokio::test]
    async fn response_meta_calls_only_a_ready_service() {
        probe::assert_respects_readiness(ResponseMetaLayer::default()).await;
    }
}
