use std::fmt;
use std::future::poll_fn;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, StatusCode, Uri};
use skyflow_types::RequestId;
use tower_service::Service;

use super::{ApiError, DecodeError, EncodeError, Error, ErrorBody, Operation};
use crate::layers::ResponseMetaLayer;
use crate::{
    BaseUri, Body, BoxError, CallContext, CallOptions, OperationInfo, Progress, Request, content_encoding,
};

/// Sends operations to one server over any tower service.
///
/// The service decides about authentication, retries and time limits; the client only encodes, sends and decodes. It
/// is as cheap to clone as the service.
///
/// The service may have any body that is made from a [`Body`]: besides `Body` itself these are `Full<Bytes>` of
/// `http-body-util` and `Bytes`, which hold no stream; an operation that streams fails with
/// [`EncodeError::Stream`] there, before anything is sent. So an ordinary `hyper_util` client will do:
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client as HyperClient;
/// use hyper_util::rt::TokioExecutor;
/// use skyflow_http::BaseUri;
/// use skyflow_http::rest::{Client, Operation};
///
/// async fn send<O: Operation>(operation: O) -> Result<O::Output, Box<dyn std::error::Error>>
/// where
///     O::Error: 'static,
/// {
///     let hyper: HyperClient<_, Full<Bytes>> = HyperClient::builder(TokioExecutor::new()).build_http();
///     let client = Client::new(hyper, BaseUri::parse("http://127.0.0.1:8080")?);
///     Ok(client.send(operation).await?.into_body())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Client<S> {
    service: S,
    base: BaseUri,
    limit: usize,
}

impl<S> Client<S> {
    /// Makes a client of the server at `base`.
    ///
    /// A body that the service has not read yet is read up to 64 MiB.
    pub const fn new(service: S, base: BaseUri) -> Self {
        Self { service, base, limit: ResponseMetaLayer::DEFAULT_LIMIT }
    }

    /// Sets how many bytes of a response are read when the service hands it on unread.
    pub const fn response_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Returns the address of the server.
    pub const fn base(&self) -> &BaseUri {
        &self.base
    }

    /// Returns the service.
    pub const fn service(&self) -> &S {
        &self.service
    }
}

impl<S: Clone> Client<S> {
    /// Sends an operation and reads its response.
    ///
    /// # Errors
    ///
    /// Fails when the request cannot be made, when the service fails, when the server responds with a status
    /// other than 2xx, and when a 2xx response cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have acted on it.
    pub async fn send<O, B, R>(&self, operation: O) -> Result<Response<O::Output>, Error<O::Error>>
    where
        O: Operation,
        S: Service<http::Request<B>, Response = http::Response<R>, Error: Into<BoxError>>,
        B: TryFrom<Body>,
        R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.send_with(operation, CallOptions::default()).await
    }

    /// Sends an operation with settings for this call.
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Self::send) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have acted on it.
    pub async fn send_with<O, B, R>(
        &self,
        operation: O,
        options: CallOptions,
    ) -> Result<Response<O::Output>, Error<O::Error>>
    where
        O: Operation,
        S: Service<http::Request<B>, Response = http::Response<R>, Error: Into<BoxError>>,
        B: TryFrom<Body>,
        R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let response = self.exchange(operation.encode()?, O::INFO, options).await?;
        match O::decode(response.status, &response.headers, &response.body) {
            Ok(body) => Ok(response.map(|_| body)),
            Err(source) => match content_encoding::remaining(&response.headers) {
                Some(encoding) => Err(undecoded(response, DecodeError::encoded(encoding))),
                None => Err(undecoded(response, source)),
            },
        }
    }

    /// Everything between encoding and decoding: the same for every operation, so that it is compiled once.
    async fn exchange<E, B, R>(
        &self,
        mut request: Request,
        info: OperationInfo,
        options: CallOptions,
    ) -> Result<Response<Bytes>, Error<E>>
    where
        E: ErrorBody,
        S: Service<http::Request<B>, Response = http::Response<R>, Error: Into<BoxError>>,
        B: TryFrom<Body>,
        R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if let Some(limit) = options.zero_timeout() {
            return Err(EncodeError::ZeroTimeout(limit).into());
        }
        *request.uri_mut() = self.absolute(request.uri())?;
        let call = CallContext::of_mut(request.extensions_mut());
        (call.operation, call.options) = (Some(info), options);
        let progress = call.progress.clone();
        progress.note_sent(request.headers(), None);
        let limit = options.response_limit.unwrap_or(self.limit);
        let decodes = !request.headers().contains_key(ACCEPT_ENCODING);
        let sent_bytes = http_body::Body::size_hint(request.body()).exact();
        let failed = |source: BoxError| Error::Service { source, progress: progress.clone() };

        let (parts, body) = request.into_parts();
        let body = B::try_from(body).map_err(|_| EncodeError::Stream)?;
        let request = http::Request::from_parts(parts, body);
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(|error| failed(error.into()))?;
        let response = service.call(request).await.map_err(|error| failed(error.into()))?;
        let (mut parts, body) = response.into_parts();
        let body = Body::from_any(body);
        let body = match body.as_bytes() {
            Some(bytes) => bytes.clone(),
            None => {
                let bytes = body.collect(limit).await.map_err(|error| failed(error.into()))?;
                match decodes && parts.headers.contains_key(CONTENT_ENCODING) {
                    true => content_encoding::decoded(&mut parts.headers, bytes, limit)
                        .map_err(|error| failed(error.into()))?,
                    false => bytes,
                }
            }
        };
        let (status, headers) = (parts.status, parts.headers);
        // A `ResponseMetaLayer` has checked it, and counted the attempt.
        let is_shown = |id: &RequestId| progress.attempts() > 0 || !progress.has_sent(id.as_str().as_bytes());
        let request_id = crate::request_id(&headers).filter(is_shown);
        if !status.is_success() {
            let mut error = ApiError::read(status, &headers, request_id, body, progress);
            if let (StatusCode::PAYLOAD_TOO_LARGE, Some(bytes)) = (status, sent_bytes) {
                error.message.push_str(&format!("; the body of the request has {bytes} bytes"));
            }
            return Err(Error::Api(Box::new(error)));
        }
        Ok(Response { body, status, request_id, headers, progress })
    }

    fn absolute(&self, relative: &Uri) -> Result<Uri, EncodeError> {
        let target = relative.path_and_query().ok_or(EncodeError::NoPath)?;
        Ok(self.base.join(target)?)
    }
}

fn undecoded<E: ErrorBody>(response: Response<Bytes>, source: DecodeError) -> Error<E> {
    let Response { status, request_id, progress, .. } = response;
    Error::Decode { status, request_id, source, progress }
}

/// Holds the successful response to an operation, and its envelope.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// The result.
    pub body: T,
    /// The HTTP status, 2xx.
    pub status: StatusCode,
    /// The server's name for this call, when it sent one.
    pub request_id: Option<RequestId>,
    /// The headers of the response.
    pub headers: HeaderMap,
    /// How many attempts the call took; counted when the service has a
    /// [`ResponseMetaLayer`](crate::layers::ResponseMetaLayer).
    pub progress: Progress,
}

impl<T> Response<T> {
    /// Returns the result without its envelope.
    pub fn into_body(self) -> T {
        self.body
    }

    /// Replaces the result and keeps its envelope.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { body, status, request_id, headers, progress } = self;
        Response { body: change(body), status, request_id, headers, progress }
    }
}

/// Header values are not shown: nothing says that they hold no data.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("body", &self.body)
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("attempts", &self.progress.attempts())
            .finish_non_exhaustive()
    }
}
