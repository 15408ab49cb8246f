use std::fmt;

use http::{HeaderMap, StatusCode};
use skyflow_types::RequestId;

use crate::Progress;

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
