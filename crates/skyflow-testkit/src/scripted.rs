//! A service that responds as a test tells it to.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use skyflow_http::{BoxError, HttpService, Request, Response};
use tower_service::Service;

use crate::recorder::Recorder;
use crate::{Exchange, Reply};

/// The largest request body that is read.
const BODY_LIMIT: usize = 256 << 20;

/// A tower service that responds from a script and records each request. Clones share everything.
///
/// ```
/// use serde_json::json;
/// use skyflow_http::{Body, Request};
/// use skyflow_testkit::{Reply, Scripted};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let service = Scripted::new([Reply::status(503), Reply::json(200, &json!({"ok": true}))]);
/// for expected in [503, 200, 200] {
///     let request = http::Request::post("https://api.example/v1/things?a=1").body(Body::from("{}"))?;
///     assert_eq!(service.clone().oneshot(request).await?.status(), expected);
/// }
/// assert_eq!(service.requests().len(), 3);
/// assert_eq!(service.requests()[0].target(), "/v1/things?a=1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scripted {
    script: Arc<Script>,
    recorder: Recorder,
}

enum Script {
    List(Mutex<VecDeque<Reply>>),
    Function(Box<dyn Fn(&Exchange) -> Reply + Send + Sync>),
}

impl Scripted {
    /// Responds with these replies in order. The last one is repeated; with no reply at all, each request fails.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(Script::List(Mutex::new(replies.into_iter().collect())))
    }

    /// Responds with what the function returns for each request.
    ///
    /// ```
    /// use skyflow_testkit::{Reply, Scripted};
    ///
    /// let service = Scripted::from_fn(|request| match request.uri.path() {
    ///     "/token" => Reply::json(200, &serde_json::json!({"access_token": "t"})),
    ///     _ if request.header("authorization") != "Bearer t" => Reply::status(401),
    ///     _ => Reply::status(204),
    /// });
    /// ```
    pub fn from_fn(respond: impl Fn(&Exchange) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(Script::Function(Box::new(respond)))
    }

    fn with(script: Script) -> Self {
        Self { script: Arc::new(script), recorder: Recorder::new() }
    }

    /// Returns the requests received so far, in order.
    pub fn requests(&self) -> Vec<Exchange> {
        self.recorder.exchanges()
    }

    /// Returns how many requests were received so far.
    pub fn count(&self) -> usize {
        self.recorder.count()
    }

    /// Returns the service, erased.
    pub fn service(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    fn next(&self, request: &Exchange) -> Option<Reply> {
        match &*self.script {
            Script::List(replies) => {
                let mut replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
                if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
            }
            Script::Function(respond) => Some(respond(request)),
        }
    }

    async fn respond(self, request: Request) -> Result<Response, BoxError> {
        let (parts, body) = request.into_parts();
        let is_stream = body.as_bytes().is_none();
        let mut exchange = Exchange::new(&parts, body.collect(BODY_LIMIT).await?, is_stream);
        let reply = self.next(&exchange);
        exchange.response = reply.as_ref().map(Reply::content).unwrap_or_default();
        self.recorder.add(exchange);
        match reply {
            Some(reply) => reply.send().await,
            None => Err("the script has no reply".into()),
        }
    }
}

/// Fails each request, for calls that must not send one.
impl Default for Scripted {
    fn default() -> Self {
        Self::new([])
    }
}

impl Service<Request> for Scripted {
    type Response = Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(self.clone().respond(request))
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").field("requests", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Body, ErrorKind};

    use super::*;

    fn request(body: Body) -> Request {
        http::Request::put("https://api.example/things?a=1").header("x-a", "b").body(body).unwrap()
    }

    #[tokio::test]
    async fn replies_come_in_order_and_last_repeats() {
        let service = Scripted::new([Reply::status(500), Reply::status(204)]);
        for expected in [500, 204, 204] {
            let response = service.service().send(request(Body::empty())).await.unwrap();
            assert_eq!(response.status(), expected);
        }
        assert_eq!(service.count(), 3);
    }

    #[tokio::test]
    async fn request_is_recorded_with_its_stream() {
        let service = Scripted::new([Reply::status(200).header("x-b", "c").body("done")]);
        let chunks = futures_util::stream::iter([Ok::<_, BoxError>("one".into()), Ok("two".into())]);
        let response = service.service().send(request(Body::from_stream(chunks))).await.unwrap();
        assert_eq!(response.headers()["x-b"], "c");
        let seen = service.requests().remove(0);
        assert_eq!((seen.method.as_str(), seen.target(), seen.host()), ("PUT", "/things?a=1", "api.example"));
        assert_eq!((seen.text(), seen.header("x-a"), seen.is_stream), ("onetwo", "b", true));
        assert_eq!(seen.response, "done");
    }

    #[tokio::test]
    async fn streamed_reply_has_no_bytes_in_memory() {
        let service = Scripted::new([Reply::status(200).header("x-b", b"c\xff").body("done").streamed()]);
        let response = service.service().send(request(Body::empty())).await.unwrap();
        assert_eq!(response.headers()["x-b"].as_bytes(), b"c\xff");
        let body = response.into_body();
        assert_eq!(body.as_bytes(), None);
        assert_eq!(body.collect(64).await.unwrap(), "done");
    }

    #[tokio::test]
    async fn extensions_of_a_request_are_recorded() {
        let service = Scripted::new([Reply::status(200)]);
        let mut request = request(Body::empty());
        request.extensions_mut().insert(7_u8);
        service.service().send(request).await.unwrap();
        assert_eq!(service.requests()[0].extensions.get::<u8>(), Some(&7));
    }

    #[tokio::test]
    async fn failures_are_those_of_the_transport() {
        let service = Scripted::new([Reply::fails(ErrorKind::Connect)]);
        let error = service.service().send(request(Body::empty())).await.unwrap_err();
        assert_eq!(error.downcast_ref::<skyflow_http::Error>().unwrap().kind(), ErrorKind::Connect);
    }

    #[tokio::test]
    async fn wrong_scripts_fail_with_an_error() {
        for service in [
            Scripted::default(),
            Scripted::new([Reply::status(99)]),
            Scripted::new([Reply::status(200).header("a b", "c")]),
        ] {
            assert!(service.service().send(request(Body::empty())).await.is_err());
            assert_eq!(service.count(), 1);
        }
    }

    #[tokio::test]
    async fn function_sees_request_and_decides() {
        let service = Scripted::from_fn(|request| match request.json()["a"].as_u64() {
            Some(1) => Reply::status(201),
            _ => Reply::status(400),
        });
        for (body, expected) in [(r#"{"a":1}"#, 201), ("{}", 400), ("no JSON", 400)] {
            let response = service.service().send(request(Body::from(body))).await.unwrap();
            assert_eq!(response.status(), expected, "{body}");
        }
    }
}
