//! The headers that connect the trace of a caller with that of a server.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderName, HeaderValue};
use tower_layer::Layer;
use tower_service::Service;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that every receiver has to take.
const LONGEST_STATE: usize = 512;

/// The position of a span in a trace, as W3C Trace Context has it.
///
/// ```
/// use skyflow_http::layers::TraceContext;
///
/// let incoming = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
/// assert!(incoming.is_sampled());
/// assert_eq!(incoming.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
    state: Option<HeaderValue>,
}

impl TraceContext {
    /// Takes the ids of a trace and of a span; `None` when one of them is zero, which the specification forbids.
    pub fn new(trace_id: u128, span_id: u64, sampled: bool) -> Option<Self> {
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, sampled, state: None })
    }

    /// Reads a header `traceparent`; `None` when it is invalid, and then a new trace begins.
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = u8::try_from(hex(parts.next()?, 2)?).ok()?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        // Later versions may have further parts.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return None;
        }
        Self::new(trace_id, span_id, flags & 1 == 1)
    }

    /// Adds the header `tracestate`. A text that cannot be sent, or of more than 512 bytes, is left out.
    pub fn state(mut self, state: &str) -> Self {
        let is_short = (1..=LONGEST_STATE).contains(&state.len());
        self.state = HeaderValue::from_str(state).ok().filter(|_| is_short && state.is_ascii());
        self
    }

    /// Returns the id of the trace.
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// Returns the id of the span.
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Tells whether the caller records the trace.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }
}

/// Writes the header `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Reads a number of exactly so many lowercase hexadecimal digits.
fn hex(digits: &str, length: usize) -> Option<u128> {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    let is_valid = digits.len() == length && digits.bytes().all(is_digit);
    u128::from_str_radix(digits, 16).ok().filter(|_| is_valid)
}

type Source = dyn Fn() -> Option<TraceContext> + Send + Sync;

/// Sends `traceparent` and `tracestate` (W3C Trace Context) with each request, so that a server or a proxy continues the
/// trace of the caller. A header that a request has already is kept.
///
/// The position comes from a function, so that any tracing library fits. It is called for each request, inside the span
/// of the call:
///
/// ```
/// use skyflow_http::layers::{TraceContext, TraceContextLayer};
/// use skyflow_http::{Body, BoxError, Request, Response};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let layer = TraceContextLayer::new(|| TraceContext::new(7, 1, true));
/// let transport = tower::service_fn(|request: Request| async move {
///     let sent = "00-00000000000000000000000000000007-0000000000000001-01";
///     assert_eq!(request.headers()["traceparent"], sent);
///     Ok::<_, BoxError>(Response::new(Body::empty()))
/// });
/// layer.layer(transport).oneshot(http::Request::get("https://api.example/").body(Body::empty())?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TraceContextLayer {
    source: Arc<Source>,
}

impl TraceContextLayer {
    /// Sends the position that `source` returns; nothing where it returns `None`.
    pub fn new(source: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source) }
    }
}

impl fmt::Debug for TraceContextLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceContextLayer")
    }
}

impl<S> Layer<S> for TraceContextLayer {
    type Service = WithTraceContext<S>;

    fn layer(&self, inner: S) -> WithTraceContext<S> {
        WithTraceContext { inner, layer: self.clone() }
    }
}

/// The service of [`TraceContextLayer`].
#[derive(Debug, Clone)]
pub struct WithTraceContext<S> {
    inner: S,
    layer: TraceContextLayer,
}

impl<S, B> Service<http::Request<B>> for WithTraceContext<S>
where
    S: Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        let headers = request.headers_mut();
        // A `tracestate` without its `traceparent` means nothing.
        if !headers.contains_key(TRACEPARENT)
            && let Some(context) = (self.layer.source)()
            && let Ok(parent) = HeaderValue::try_from(context.to_string())
        {
            headers.insert(TRACEPARENT, parent);
            headers.remove(TRACESTATE);
            headers.extend(context.state.map(|state| (TRACESTATE, state)));
        }
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tower::ServiceExt;

    use super::super::probe;
    use super::*;
    use crate::{Body, BoxError, Request, Response};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn invalid_traceparents_are_not_continued() {
        for header in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
        let later =
            TraceContext::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-later").unwrap();
        assert!(!later.is_sampled());
        assert_eq!(TraceContext::parse(PARENT).unwrap().to_string(), PARENT);
        assert_eq!(TraceContext::new(1, 0, true), None);
    }

    async fn sent(layer: &TraceContextLayer, request: Request) -> (Option<String>, Option<String>) {
        let seen = Arc::new(Mutex::new((None, None)));
        let note = Arc::clone(&seen);
        let transport = tower::service_fn(move |request: Request| {
            let text = |name: &HeaderName| {
                request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
            };
            *note.lock().unwrap() = (text(&TRACEPARENT), text(&TRACESTATE));
            async { Ok::<_, BoxError>(Response::new(Body::empty())) }
        });
        layer.layer(transport).oneshot(request).await.unwrap();
        seen.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn traceparent_is_sent_unless_it_is_set() {
        let context = TraceContext::parse(PARENT).unwrap();
        for (state, text) in
            [("vendor=1", Some("vendor=1")), ("a\nb", None), (&"x".repeat(513), None), ("", None)]
        {
            let context = context.clone().state(state);
            let layer = TraceContextLayer::new(move || Some(context.clone()));
            let expected = (Some(PARENT.to_owned()), text.map(ToOwned::to_owned));
            assert_eq!(sent(&layer, probe::request()).await, expected);

            let mut request = probe::request();
            request.headers_mut().insert(TRACEPARENT, HeaderValue::from_static("own"));
            request.headers_mut().insert(TRACESTATE, HeaderValue::from_static("own=1"));
            assert_eq!(sent(&layer, request).await, (Some("own".to_owned()), Some("own=1".to_owned())));
        }
        let none = TraceContextLayer::new(|| None);
        assert_eq!(sent(&none, probe::request()).await, (None, None));
    }

    #[tokio::test]
    async fn trace_context_calls_only_a_ready_service() {
        probe::assert_respects_readiness(TraceContextLayer::new(|| None)).await;
    }
}
