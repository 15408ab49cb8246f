mod exact_length;
mod pieces;
mod send_error;
mod streamed;

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full, StreamBody};

pub(crate) use self::exact_length::ExactLength;
pub use self::send_error::{BodyProblem, SendBodyError};
pub(crate) use self::streamed::{BodySource, Collecting};
use self::streamed::{Content, Opener, Streamed};
use crate::{BoxError, Error};

/// The body of a request or a response: bytes in memory, or a stream.
///
/// Bytes in memory can be sent again, and so can a stream that can be opened again ([`Body::reopenable`]).
/// [`Body::try_clone`] tells whether a body is one of them; a retry that would have to make up a body does not happen.
/// Any other stream is sent again only as long as nothing has been read of it, such as after a refused connection.
pub struct Body(Kind);

enum Kind {
    Once(Bytes),
    Stream(Streamed),
}

fn content<B>(body: B) -> Content
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
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
        Self(Kind::Stream(Streamed::once(content(body))))
    }

    /// Takes a function that opens the same content from its start, such as a file, so that it can be sent again.
    ///
    /// Each body that `open` returns has the same bytes. It reads nothing before it is polled.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::Full;
    /// use skyflow_http::Body;
    ///
    /// let body = Body::reopenable(|| Full::new(Bytes::from_static(b"content")));
    /// assert!(body.as_bytes().is_none());
    /// assert!(body.try_clone().is_some());
    /// ```
    pub fn reopenable<B>(open: impl Fn() -> B + Send + Sync + 'static) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Kind::Stream(Streamed::reopenable(Opener::new(move || content(open())))))
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

    /// Copies the body; `None` when it is a stream that cannot be opened again. Bytes are shared, not copied.
    pub fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Kind::Once(bytes) => Some(bytes.clone().into()),
            Kind::Stream(body) => body.opener().cloned().map(Self::opened),
        }
    }

    fn opened(opener: Opener) -> Self {
        Self(Kind::Stream(Streamed::reopenable(opener)))
    }

    /// Returns what bodies to send in the place of this one are made from. A stream that cannot be opened again is shared
    /// with them.
    pub(crate) fn source(&mut self) -> BodySource {
        match &mut self.0 {
            Kind::Once(bytes) => BodySource::Bytes(bytes.clone()),
            Kind::Stream(body) => body.source(),
        }
    }

    /// Returns a function that makes copies of the body; `None` where [`Body::try_clone`] returns none.
    pub(crate) fn copies(&self) -> Option<impl Fn() -> Self + Send + Sync + use<>> {
        let kind = match &self.0 {
            Kind::Once(bytes) => Ok(bytes.clone()),
            Kind::Stream(body) => Err(body.opener()?.clone()),
        };
        Some(move || match &kind {
            Ok(bytes) => Self::from(bytes.clone()),
            Err(opener) => Self::opened(opener.clone()),
        })
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::BodyTooLarge`](crate::ErrorKind::BodyTooLarge) as soon as more than `limit` bytes are
    /// announced or received or memory runs out, with [`ErrorKind::RequestBody`](crate::ErrorKind::RequestBody) when
    /// it is a request body that fails with a [`SendBodyError`], and with [`ErrorKind::Io`](crate::ErrorKind::Io) when
    /// the body is cut.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let mut collecting = self.collecting(limit);
        poll_fn(|cx| collecting.poll(cx)).await
    }

    /// Starts to read the body to its end.
    pub(crate) fn collecting(self, limit: usize) -> Collecting {
        match self.0 {
            Kind::Once(bytes) if bytes.len() <= limit => Collecting::ended(Ok(bytes)),
            Kind::Stream(body) if body.size_hint().lower() <= limit as u64 => Collecting::new(body, limit),
            _ => Collecting::ended(Err(Error::body_too_large())),
        }
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
pub(crate) fn same_type<T: 'static, U: 'static>(value: T) -> Option<U> {
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
            Kind::Stream(body) => body.poll_frame(cx),
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
    async fn stream_is_read_completely_and_in_order() {
        for parts in [&[][..], &["one"], &["one", "two"], &["one", "two", "three"], &["", "x", ""]] {
            assert_eq!(chunks(parts).collect(64).await.unwrap(), parts.concat().as_bytes());
        }
    }

    #[tokio::test]
    async fn collect_refuses_bodies_above_the_limit() {
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
    async fn broken_stream_is_an_error_not_a_short_body() {
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"abc")), Err(BoxError::from("cut"))]);
        assert_eq!(Body::from_stream(broken).collect(64).await.unwrap_err().kind(), ErrorKind::Io);
    }

    #[tokio::test]
    async fn only_bytes_and_sources_can_be_copied() {
        assert!(Body::from("x").try_clone().is_some());
        assert!(chunks(&["x"]).try_clone().is_none());
        assert!(chunks(&["x"]).copies().is_none());

        let body = Body::reopenable(|| chunks(&["one", "two"]));
        let copies = body.copies().unwrap();
        for body in [body.try_clone().unwrap(), copies(), body, copies()] {
            assert_eq!(body.collect(64).await.unwrap(), "onetwo");
        }
    }

    #[tokio::test]
    async fn copy_of_a_stream_has_it_until_one_is_read() {
        let mut body = chunks(&["one", "two"]);
        let source = body.source();
        let (mut first, second) = (source.body().unwrap(), body.source().body().unwrap());
        assert!(first.source().body().is_some());
        assert_eq!(second.collect(64).await.unwrap(), "onetwo");
        assert!(source.body().is_none() && first.source().body().is_none());
        assert!(body.collect(64).await.is_err(), "a body that is gone is never an empty one");
        assert!(first.collect(64).await.is_err());

        for mut body in [Body::from("onetwo"), Body::reopenable(|| chunks(&["one", "two"]))] {
            let source = body.source();
            assert_eq!(body.collect(64).await.unwrap(), "onetwo");
            for _ in 0..2 {
                assert_eq!(source.body().unwrap().collect(64).await.unwrap(), "onetwo");
            }
        }
    }

    async fn sent(body: Body, announced: u64) -> Result<String, (BodyProblem, String)> {
        let mut body = ExactLength::new(body, announced);
        let mut text = String::new();
        while let Some(frame) = poll_fn(|cx| body.poll_frame(cx)).await {
            match frame {
                Ok(frame) => text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap()),
                Err(error) => return Err((error.problem(), text)),
            }
        }
        assert_eq!(body.left(), 0);
        Ok(text)
    }

    #[tokio::test]
    async fn body_of_another_length_is_never_complete() {
        for body in [|| chunks(&["one", "", "two"]), || Body::from("onetwo")] {
            assert_eq!(sent(body(), 6).await.unwrap(), "onetwo");
            for announced in 0..6 {
                let (problem, text) = sent(body(), announced).await.unwrap_err();
                assert_eq!(problem, BodyProblem::TooLong);
                assert!(text.len() < announced.max(1) as usize, "{announced} {text}");
            }
            for announced in [7, 1000] {
                let (problem, _) = sent(body(), announced).await.unwrap_err();
                assert_eq!(problem, BodyProblem::TooShort { actual: 6 });
            }
        }
        assert_eq!(sent(chunks(&[]), 0).await.unwrap(), "");
        let broken = futures_util::stream::iter([Ok(Bytes::from_static(b"abc")), Err(BoxError::from("cut"))]);
        assert_eq!(sent(Body::from_stream(broken), 3).await.unwrap_err().0, BodyProblem::Unreadable);
    }

    #[test]
    fn debug_shows_the_size_and_not_the_content() {
        assert_eq!(format!("{:?}", Body::from("4111")), "Body(4 bytes)");
    }
}
