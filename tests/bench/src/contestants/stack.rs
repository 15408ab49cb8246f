//! The layers without a socket, as `tests/tests/allocations.rs` has them: what a call costs beyond its transport.

use std::sync::Arc;

use skyflow::http::auth::{AccessToken, AuthHeader, AuthLayer, Cached, HostGuard, provider_fn};
use skyflow::http::layers::MetadataLayer;
use skyflow::http::{
    BaseUri, Body, BoxError, CallContext, HttpService, Idempotency, OperationInfo, Request, Response, Stack,
    SystemClock,
};

use crate::Failure;

const ORIGIN: &str = "https://vault.example";

pub fn bare() -> HttpService {
    HttpService::new(tower::service_fn(|_: Request| {
        std::future::ready(Ok::<_, BoxError>(Response::new(Body::from("{}"))))
    }))
}

pub fn layered() -> Result<HttpService, Failure> {
    let tokens = Cached::new(provider_fn(|| async { Ok(AccessToken::new("token")?) }));
    let hosts = HostGuard::new(BaseUri::parse(ORIGIN)?);
    let stack = Stack::new(SystemClock::shared())
        .metadata(MetadataLayer::new("bench/1")?)
        .auth(AuthLayer::new(Arc::new(tokens), AuthHeader::bearer(), hosts));
    Ok(stack.build(bare()))
}

pub async fn send(service: &HttpService) -> Result<(), Failure> {
    let mut request = http::Request::post(ORIGIN).body(Body::from("{}"))?;
    let info = OperationInfo::new("bench.call", "/", Idempotency::Safe);
    request.extensions_mut().insert(CallContext::new(info));
    let response = service.clone().send(request).await?;
    if response.status().is_success() { Ok(()) } else { Err(format!("status {}", response.status()).into()) }
}
