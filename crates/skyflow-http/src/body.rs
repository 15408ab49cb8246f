use std::any::Any;
use std::collections::TryReserveError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};

use crate::{BoxError, Error};

/// The smallest piece that is allocated for a body of unknown length.
const SMALLEST: usize = 16 * 1024;

/// The largest such piece.
const LARGEST: usize = 1024 * 1024;

/// The body of a request or a response: bytes in memory, or a stream.
///
/// Bytes in memory and streams that can be opened again ([`Body::reopenable`]) can be sent again, other streams cannot:
/// [`Body::try_clone`] tells them apart, and a retry that would have to make up a body does not happen.
pub struct Body(Kind);

enum Kind {
    Once(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
    Reopenable { open: Opener, opened: UnsyncBoxBody<Bytes, BoxError> },
}

/// Opens a stream at its start.
type Opener = Arc<dyn Fn() -> Body + Send + Sync>;

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

    /// Wraps a stream that can be opened again, such as a file: it is sent again like bytes in memory.
    ///
    /// `open` is called now and for each copy, and returns the same content each time, or a stream that fails. It should
    /// do no work; the stream does when it is read.
    ///
    /// ```
    /// use skyflow_http::{Body, BoxError};
    ///
    /// let body = Body::reopenable(|| {
    ///     Body::from_stream(futures_util::stream::iter([Ok::<_, BoxError>("from a file".into())]))
    /// });
    /// assert!(body.as_bytes().is_none() && body.try_clone().is_some());
    /// ```
    pub fn reopenable(open: impl Fn() -> Self + Send + Sync + 'static) -> Self {
        Self::opened_by(Arc::new(open))
    }

    fn opened_by(open: Opener) -> Self {
        let opened = open();
        match opened.0 {
            Kind::Stream(opened) => Self(Kind::Reopenable { open, opened }),
            // These can be copied as they are.
            Kind::Once(_) | Kind::Reopenable { .. } => opened,
        }
    }

    /// Returns the bytes when the whole body is in memory.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Once(bytes) => Some(bytes),
            Kind::Stream(_) | Kind::Reopenable { .. } => None,
        }
    }

    /// Copies the body, from its start where it can be opened again; `None` when it is any other stream. Bytes are
    /// shared, not copied.
    pub fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Kind::Once(bytes) => Some(bytes.clone().into()),
            Kind::Stream(_) => None,
            Kind::Reopenable { open, .. } => Some(Self::opened_by(Arc::clone(open))),
        }
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::BodyTooLarge`](crate::ErrorKind::BodyTooLarge) as soon as more than `limit` bytes are
    /// announced or received or memory runs out, and with [`ErrorKind::Io`](crate::ErrorKind::Io) when the body
    /// is cut.
    pub async fn collect(self, limit: usize) -> Result<Bytes, Error> {
        let mut body = match self.0 {
            Kind::Once(bytes) if bytes.len() <= limit => return Ok(bytes),
            Kind::Once(_) => return Err(Error::body_too_large()),
            Kind::Stream(body) | Kind::Reopenable { opened: body, .. } => body,
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
            Kind::Reopenable { .. } => f.write_str("Body(reopenable stream)"),
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
            Kind::Stream(_) | Kind::Reopenable { .. } => Err(body),
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
            Kind::Stream(body) | Kind::Reopenable { opened: body, .. } => {
                Poll::Ready(ready!(Pin::new(body).poll_frame(cx)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Once(bytes) => bytes.is_empty(),
            Kind::Stream(body) | Kind::Reopenable { opened: body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Once(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(body) | Kind::Reopenable { opened: body, .. } => body.size_hint(),
        }
    }
}

/// The chunks of a body, put together as they come.
///
/// A chunk may keep a read buffer alive that is much larger than itself, so every chunk is copied, but for the first,
/// which is the whole body in the common case. So memory use depends on the length of the body, not on the size of its
/// chunks: the length once if it is announced, and twice at the end if it is not.
struct Pieces {
    announced: usize,
    first: Bytes,
    filled: Vec<Vec<u8>>,
    length: usize,
}

impl Pieces {
    /// Starts a body of an announced length; 0 if it is unknown.
    const fn new(announced: usize) -> Self {
        Self { announced, first: Bytes::new(), filled: Vec::new(), length: 0 }
    }

    const fn len(&self) -> usize {
        self.length
    }

    /// Takes the next chunk; fails when there is no memory for the announced length.
    fn push(&mut self, chunk: Bytes) -> Result<(), TryReserveError> {
        if chunk.is_empty() {
            return Ok(());
        }
        if self.length == 0 {
            self.length = chunk.len();
            self.first = chunk;
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        self.copy(&first, 0)?;
        self.copy(&chunk, self.length)?;
        self.length += chunk.len();
        Ok(())
    }

    /// Fills the last piece, then allocates one for the rest of the announced length, or one as large as all pieces
    /// before it, within bounds: many small chunks make few pieces, and a large body has little unused space.
    fn copy(&mut self, mut from: &[u8], mut before: usize) -> Result<(), TryReserveError> {
        while !from.is_empty() {
            if let Some(last) = self.filled.last_mut()
                && last.len() < last.capacity()
            {
                let (fitting, rest) = from.split_at(from.len().min(last.capacity() - last.len()));
                last.extend_from_slice(fitting);
                before += fitting.len();
                from = rest;
            } else {
                let mut piece = Vec::new();
                piece.try_reserve_exact(match self.announced.saturating_sub(before) {
                    0 => before.clamp(SMALLEST, LARGEST),
                    expected => expected,
                })?;
                self.filled.push(piece);
            }
        }
        Ok(())
    }

    /// Returns the whole body; fails when there is no memory for it.
    fn join(mut self) -> Result<Bytes, TryReserveError> {
        Ok(match self.filled.len() {
            0 => self.first,
            1 => self.filled.swap_remove(0).into(),
            _ => {
                let mut whole = Vec::new();
                whole.try_reserve_exact(self.length)?;
                self.filled.iter().for_each(|piece| whole.extend_from_slice(piece));
                whole.into()
            }
        })
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

    #[test]
    fn only_bytes_in_memory_can_be_sent_again() {
        assert!(Body::from("x").try_clone().is_some());
        assert!(chunks(&["x"]).try_clone().is_none());
    }

    #[tokio::test]
    async fn reopenable_stream_is_copied_from_its_start() {
        let body = Body::reopenable(|| chunks(&["one", "two"]));
        let mut begun = body.try_clone().unwrap();
        begun.frame().await.unwrap().unwrap();
        for copy in [begun.try_clone().unwrap(), body.try_clone().unwrap(), body] {
            assert_eq!(copy.collect(64).await.unwrap(), "onetwo");
        }
        assert_eq!(begun.collect(64).await.unwrap(), "two");
        let in_memory = Body::reopenable(|| Body::from("x"));
        assert!(in_memory.as_bytes().is_some());
    }

    #[test]
    fn debug_shows_the_size_and_not_the_content() {
        assert_eq!(format!("{:?}", Body::from("4111")), "Body(4 bytes)");
    }

    fn gathered(announced: usize, chunks: impl IntoIterator<Item = Bytes>) -> Pieces {
        let mut pieces = Pieces::new(announced);
        chunks.into_iter().for_each(|chunk| pieces.push(chunk).unwrap());
        pieces
    }

    #[test]
    fn chunk_sizes_do_not_change_the_body() {
        let body: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for announced in [0, 1, 50_000, 100_000, 100_001] {
            for size in [1, 7, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 99_999, 100_000] {
                let pieces = gathered(announced, body.chunks(size).map(Bytes::copy_from_slice));
                assert_eq!(pieces.len(), body.len());
                assert!(pieces.join().unwrap() == body, "{announced} {size}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_the_length_of_the_body() {
        for (announced, bound) in [(3_000_000, 3_000_000), (0, 3_000_000 + LARGEST)] {
            let read_buffer = Bytes::from(vec![0; 64 * 1024]);
            let pieces = gathered(announced, (0..30_000).map(|_| read_buffer.slice(..100)));
            assert!(read_buffer.is_unique(), "a read buffer is kept alive");
            assert!(pieces.filled.iter().map(Vec::capacity).sum::<usize>() <= bound);
        }
    }

    #[test]
    fn body_of_one_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![7; 100]);
        let whole = gathered(0, [Bytes::new(), chunk.clone(), Bytes::new()]).join().unwrap();
        assert_eq!(whole.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn length_beyond_memory_is_an_error() {
        let mut pieces = Pieces::new(usize::MAX);
        pieces.push(Bytes::from_static(b"a")).unwrap();
        assert!(pieces.push(Bytes::from_static(b"b")).is_err());
    }
}
