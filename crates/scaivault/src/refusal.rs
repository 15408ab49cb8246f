//! The code of a `401`, for the layer that decides whether another token helps.

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use skyflow_http::rest::ErrorBody as _;
use skyflow_http::{Body, BoxError, HttpService, Request, Response};

use crate::ErrorCode;
use crate::error::ErrorBody;

/// Carries the code of the body to the layers of this process.
const CODE: HeaderName = HeaderName::from_static("x-scaivault-error-code");

/// The largest body of a `401` that is read.
const LIMIT: usize = 64 * 1024;

/// Copies the code of a `401` from its body into a header: the decision about a token is made by headers.
pub(crate) struct ErrorCodeLayer;

impl ErrorCodeLayer {
    pub(crate) fn around(transport: HttpService) -> HttpService {
        HttpService::new(tower::service_fn(move |request: Request| {
            let transport = transport.clone();
            async move { marked(transport.send(request).await?).await }
        }))
    }
}

async fn marked(mut response: Response) -> Result<Response, BoxError> {
    response.headers_mut().remove(CODE);
    if response.status() != StatusCode::UNAUTHORIZED {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let body = body.collect(LIMIT).await?;
    let code = ErrorBody::read(parts.status, &parts.headers, &body).code;
    if let Ok(code) = HeaderValue::from_str(code.as_str()) {
        parts.headers.insert(CODE, code);
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Returns the code of a `401`.
pub(crate) fn code(headers: &HeaderMap) -> Option<ErrorCode> {
    headers.get(CODE)?.to_str().ok().map(ErrorCode::from)
}
