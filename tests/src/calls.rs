//! Calls to send, and what came of them.

use std::sync::Arc;

use http::{Method, Uri};
use skyflow_http::auth::{AccessToken, AuthHeader, AuthLayer, HostGuard, provider_fn};
use skyflow_http::{
    BaseUri, Body, BoxError, CallContext, Error, ErrorKind, HttpService, Idempotency, OperationInfo, Request,
    Response,
};

/// A `GET` that may be repeated.
pub fn get(url: &str) -> Request {
    request(Method::GET, url, Idempotency::Safe, Body::empty())
}

/// A `POST` that writes a record each time it is sent.
pub fn insert(url: &str, body: impl Into<Body>) -> Request {
    request(Method::POST, url, Idempotency::NonIdempotent, body.into())
}

/// Any request, with what a layer may know about it.
pub fn request(method: Method, url: &str, idempotency: Idempotency, body: Body) -> Request {
    let mut request = http::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = url.parse::<Uri>().unwrap();
    let info = OperationInfo::new("test.call", "/test", idempotency);
    request.extensions_mut().insert(CallContext::new(info));
    request
}

/// An auth layer whose token takes a while, for calls of `https://vault.example`.
pub fn auth_after<F>(wait: impl Fn() -> F + Send + Sync + 'static) -> AuthLayer
where
    F: Future<Output = ()> + Send + 'static,
{
    let tokens = provider_fn(move || {
        let wait = wait();
        async move {
            wait.await;
            Ok(AccessToken::new("token")?)
        }
    });
    let hosts = HostGuard::new(BaseUri::parse("https://vault.example").unwrap());
    AuthLayer::new(Arc::new(tokens), AuthHeader::bearer(), hosts)
}

/// A response with its complete body.
#[derive(Debug, PartialEq, Eq)]
pub struct FullResponse {
    /// The status.
    pub status: u16,
    /// The body, as far as it is text.
    pub text: String,
}

/// Sends a request and reads the response to its end.
///
/// # Errors
///
/// Fails with the typed error of this workspace; a foreign error in its place is a defect and fails the test.
pub async fn send(service: &HttpService, request: Request) -> Result<FullResponse, Error> {
    read(service.send(request).await.map_err(typed)?).await
}

/// Reads a response to its end.
///
/// # Errors
///
/// Fails when the body breaks off.
pub async fn read(response: Response) -> Result<FullResponse, Error> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect(64 * 1024 * 1024).await?;
    Ok(FullResponse { status: parts.status.as_u16(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// Takes the typed error out of its box.
pub fn typed(error: BoxError) -> Error {
    *error
        .downcast::<Error>()
        .expect("every failure of the transport and the layers is a skyflow_http::Error")
}

/// Asserts that a call failed for this reason.
pub fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.expect_err("the call should fail");
    assert_eq!(error.kind(), kind, "{error:?}");
    assert_eq!(error.may_have_been_applied(), !kind.is_not_sent(), "{error:?}");
    error
}
