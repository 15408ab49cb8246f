use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};

use crate::pieces::Pieces;
use crate::{BoxError, Error};

/// The body of a request or an answer: bytes in memory, or a stream.
///
/// Bytes in memory can be sent again, a stream cannot: [`Body::try_clone`] tells them apart, and a retry that would
/// have to make a body up does not happen.
pub struct Body(Kind);

enum Kind {
    Once(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// Makes a body without content.
    pub const fn empty() -> Self {
        Self(Kind::Once(Bytes::new()))
    }

    /// Wraps any HTTP body; it is sent once.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Stream(body.map_err(Into::into).boxed_unsync()))
    }

    /// Takes any body; one of this type stays as it is.
    pub(crate) fn from_any<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        match (&mut body as &mut dyn Any).downcast_mut::<Option<Self>>() {
            Some(own) => own.take().unwrap_or_default(),
            None => body.map_or_else(Self::empty, Self::new),
        }
    }

    /// Wraps a stream of chunks; it is sent once, with chunked transfer encoding.
    pub fn from_stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::new(StreamBody::new(stream.map_ok(Frame::data).map_err(Into::into)))
    }

    /// Returns the bytes when the whole body is in memory.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Once(bytes) => Some(bytes),
            Kind::Stream(_) => None,
        }
    }

    /// Copies the body; `None` when it is a stream. Bytes are shared, not copied.
    pub fn try_clone(&self) -> Option<Self> {
        self.as_bytes().cloned().map(Self::from)
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::BodyTooLarge`](crate::ErrorKind::BodyTooLarge) as soon as more than `limit` bytes are
    /// known to come or there is no memory for them, and with [`ErrorKind::Io`](crate::ErrorKind::Io) when the body
    /// breaks off.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let mut body = match self.0 {
            Kind::Once(bytes) if bytes.len() <= limit => return Ok(bytes),
            Kind::Once(_) => return Err(Error::body_too_large()),
            Kind::Stream(body) => body,
        };
        let hint = http_body::Body::size_hint(&body);
        if hint.lower() > limit as u64 {
            return Err(Error::body_too_large());
        }
        let announced = hint.exact().and_then(|length| usize::try_from(length).ok());
        let mut pieces = Pieces::new(announced.unwrap_or_default());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Error::response_body)?.into_data() else { continue };
            if data.len() > limit - pieces.len() {
                return Err(Error::body_too_large());
            }
            pieces.push(data).map_err(|_| Error::body_too_large())?;
        }
        pieces.join().map_err(|_| Error::body_too_large())
    }
}

/// Copies a body of any type that is known to hold bytes in memory; `None` for every other.
pub(crate) fn try_clone_body<B: 'static>(body: &B) -> Option<B> {
    match (body as &dyn Any).downcast_ref::<Body>() {
        Some(body) => body.try_clone().and_then(same_type),
        None => clone_as::<B, Full<Bytes>>(body)
            .or_else(|| clone_as::<B, Empty<Bytes>>(body))
            .or_else(|| clone_as::<B, Bytes>(body))
            .or_else(|| clone_as::<B, String>(body)),
    }
}

fn clone_as<B: 'static, K: Clone + 'static>(body: &B) -> Option<B> {
    (body as &dyn Any).downcast_ref::<K>().cloned().and_then(same_type)
}

/// Returns the value when both types are the same one.
fn same_type<T: 'static, U: 'static>(value: T) -> Option<U> {
    (&mut Some(value) as &mut dyn Any).downcast_mut::<Option<U>>()?.take()
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Once(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Once(bytes))
    }
}

/// Takes the bytes in memory; a stream comes back as the error.
impl TryFrom<Body> for Bytes {
    type Error = Body;

    fn try_from(body: Body) -> Result<Self, Body> {
        match body.0 {
            Kind::Once(bytes) => Ok(bytes),
            Kind::Stream(_) => Err(body),
        }
    }
}

/// Takes the bytes in memory; a stream comes back as the error.
impl TryFrom<Body> for Full<Bytes> {
    type Error = Body;

    fn try_from(body: Body) -> Result<Self, Body> {
        Bytes::try_from(body).map(Self::new)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Once(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Once(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(body) => Poll::Ready(ready!(Pin::new(body).poll_frame(cx))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Once(bytes) => bytes.is_empty(),
            Kind::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Once(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn chunks(parts: &[&'static str]) -> Body {
        let parts: Vec<_> =
            parts.iter().map(|p| Ok::<_, BoxError>(Bytes::from_static(p.as_bytes()))).collect();
        Body::from_stream(futures_util::stream::iter(parts))
    }

    #[tokio::test]
    async fn a_stream_is_read_whole_and_in_order() {
        for parts in [&[][..], &["one"], &["one", "two"], &["one", "two", "three"], &["", "x", ""]] {
            assert_eq!(chunks(parts).collect(64).await.unwrap(), parts.concat().as_bytes());
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_at_every_size() {
        for limit in 0..6 {
            for body in [chunks(&["abc", "def"]), Body::from("abcdef")] {
                let error = body.collect(limit).await.unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::BodyTooLarge), "{limit}");
            }
        }
        assert_eq!(chunks(&["abc", "def"]).collect(6).await.unwrap(), "abcdef");
        assert_eq!(Body::from("abcdef").collect(6).await.unwrap(), "abcdef");
    }

    #[tokio::test]
    async fn a_broken_stream_is_an_error_and_never_a_short_body() {
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"abc")), Err(BoxError::from("cut"))]);
        assert_eq!(Body::from_stream(broken).collect(64).await.unwrap_err().kind(), ErrorKind::Io);
    }

    #[test]
    fn only_bytes_in_memory_can_be_sent_again() {
        assert!(Body::from("x").try_clone().is_some());
        assert!(chunks(&["x"]).try_clone().is_none());
    }

    #[test]
    fn debug_shows_the_size_and_not_the_content() {
        assert_eq!(format!("{:?}", Body::from("4111")), "Body(4 bytes)");
    }
}
