use std::future::poll_fn;

use bytes::Bytes;
use http::{HeaderMap, Uri};
use skyflow_http::layers::ResponseMetaLayer;
use skyflow_http::{BaseUri, BoxError, CallOptions, OperationInfo, Progress, Request};
use skyflow_types::RequestId;
use tower_service::Service;

use crate::{ApiError, DecodeError, EncodeError, Error, Operation, Response};

/// Sends operations to one server over any tower service.
///
/// The service decides about authentication, retries and time limits; the client only encodes, sends and decodes. It
/// is as cheap to clone as the service.
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

    /// Sets how many bytes of an answer are read when the service hands it on unread.
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

impl<S> Client<S>
where
    S: Service<Request, Response = skyflow_http::Response> + Clone,
    S::Error: Into<BoxError>,
{
    /// Sends an operation and reads its answer.
    ///
    /// # Errors
    ///
    /// Fails when the request cannot be made, when the service fails, when the server answers with a status other
    /// than 2xx, and when a 2xx answer cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have acted on it.
    pub async fn send<O: Operation>(&self, operation: O) -> Result<Response<O::Output>, Error> {
        self.send_with(operation, CallOptions::default()).await
    }

    /// Sends an operation with settings of its own.
    ///
    /// # Errors
    ///
    /// Fails as [`send`](Self::send) does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have acted on it.
    pub async fn send_with<O: Operation>(
        &self,
        operation: O,
        options: CallOptions,
    ) -> Result<Response<O::Output>, Error> {
        let answer = self.exchange(operation.encode()?, O::INFO, options).await?;
        match O::decode(answer.status, &answer.headers, &answer.body) {
            Ok(body) => Ok(answer.map(|_| body)),
            Err(source) => Err(undecoded(answer, source)),
        }
    }

    /// Everything between encoding and decoding: the same for every operation, so that it is compiled once.
    async fn exchange(
        &self,
        mut request: Request,
        info: OperationInfo,
        options: CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        if let Some(limit) = options.zero_timeout() {
            return Err(EncodeError::ZeroTimeout(limit).into());
        }
        *request.uri_mut() = self.absolute(request.uri())?;
        let extensions = request.extensions_mut();
        extensions.insert(info);
        extensions.insert(options);
        let progress = Progress::of(extensions);
        let limit = options.response_limit.unwrap_or(self.limit);
        let failed = |source: BoxError| Error::Service { source, progress: progress.clone() };

        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.map_err(|error| failed(error.into()))?;
        let answer = service.call(request).await.map_err(|error| failed(error.into()))?;
        let (parts, body) = answer.into_parts();
        let body = match body.as_bytes() {
            Some(bytes) => bytes.clone(),
            None => body.collect(limit).await.map_err(|error| failed(error.into()))?,
        };
        let (status, headers) = (parts.status, parts.headers);
        let request_id = request_id(&headers);
        if !status.is_success() {
            return Err(Error::Api(Box::new(ApiError::read(status, &headers, request_id, body, progress))));
        }
        Ok(Response { body, status, request_id, headers, progress })
    }

    fn absolute(&self, relative: &Uri) -> Result<Uri, EncodeError> {
        let target = relative.path_and_query().ok_or(EncodeError::NoPath)?;
        Ok(self.base.join(target)?)
    }
}

fn undecoded(answer: Response<Bytes>, source: DecodeError) -> Error {
    let Response { status, request_id, progress, .. } = answer;
    Error::Decode { status, request_id, source, progress }
}

fn request_id(headers: &HeaderMap) -> Option<RequestId> {
    RequestId::from_bytes(headers.get(RequestId::HEADER)?.as_bytes())
}

#[cfg(test)]
mod tests;
