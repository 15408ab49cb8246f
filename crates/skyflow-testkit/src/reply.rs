//! What a scripted service does with one request.

use std::fmt;

use bytes::Bytes;
use serde_json::Value;
use skyflow_http::{Body, BoxError, Error, ErrorKind, Response};

/// A response of a [`Scripted`](crate::Scripted) service, or a failure in its place.
///
/// ```
/// use serde_json::json;
/// use skyflow_http::ErrorKind;
/// use skyflow_testkit::Reply;
///
/// let created = Reply::json(201, &json!({"id": 7})).header("x-request-id", "req-1");
/// let page = Reply::status(502).header("content-type", "text/html").body("<h1>Bad Gateway</h1>");
/// let broken = Reply::fails(ErrorKind::Io);
/// let silent = Reply::hangs();
/// ```
#[derive(Clone)]
pub struct Reply(Kind);

#[derive(Clone)]
enum Kind {
    Response { status: u16, headers: Vec<(String, Bytes)>, body: Bytes, is_stream: bool },
    Fails(ErrorKind),
    Hangs,
}

impl Reply {
    /// Responds with this status and no body.
    pub fn status(status: u16) -> Self {
        Self(Kind::Response { status, headers: Vec::new(), body: Bytes::new(), is_stream: false })
    }

    /// Responds with this status and a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::status(status).header("content-type", "application/json").body(body.to_string())
    }

    /// Fails as the transport does: the request was not sent ([`ErrorKind::Connect`]), or may have been.
    pub fn fails(kind: ErrorKind) -> Self {
        Self(Kind::Fails(kind))
    }

    /// Never responds.
    pub fn hangs() -> Self {
        Self(Kind::Hangs)
    }

    /// Adds a header to a response. Its value may be any bytes that HTTP allows.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        if let Kind::Response { headers, .. } = &mut self.0 {
            headers.push((name.into(), Bytes::copy_from_slice(value.as_ref())));
        }
        self
    }

    /// Sets the body of a response.
    #[must_use]
    pub fn body(mut self, content: impl Into<Bytes>) -> Self {
        if let Kind::Response { body, .. } = &mut self.0 {
            *body = content.into();
        }
        self
    }

    /// Sends the body as a stream of unknown length, as a transport does, and not as bytes in memory.
    #[must_use]
    pub fn streamed(mut self) -> Self {
        if let Kind::Response { is_stream, .. } = &mut self.0 {
            *is_stream = true;
        }
        self
    }

    /// Returns the body that is sent; empty when there is no response.
    pub(crate) fn content(&self) -> Bytes {
        match &self.0 {
            Kind::Response { body, .. } => body.clone(),
            _ => Bytes::new(),
        }
    }

    /// Makes the response, fails or never completes.
    ///
    /// A status or header that HTTP does not allow is a separate kind of error: the script is wrong.
    pub(crate) async fn send(self) -> Result<Response, BoxError> {
        match self.0 {
            Kind::Response { status, headers, body, is_stream } => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, &value[..]);
                }
                Ok(response.body(if is_stream { streamed(body) } else { Body::from(body) })?)
            }
            Kind::Fails(kind) => Err(Error::new(kind, None).into()),
            Kind::Hangs => std::future::pending().await,
        }
    }
}

fn streamed(body: Bytes) -> Body {
    Body::from_stream(futures_util::stream::iter([Ok::<_, BoxError>(body)]))
}

/// Shows the kind of the reply and no content.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Response { status, body, .. } => {
                write!(f, "Reply({status}, {} bytes)", body.len())
            }
            Kind::Fails(kind) => write!(f, "Reply({kind:?})"),
            Kind::Hangs => f.write_str("Reply(hangs)"),
        }
    }
}
