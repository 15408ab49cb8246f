use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

use super::pieces::Pieces;
use super::{Body, Kind};
use crate::{BoxError, Error};

/// A body that is read as it is sent.
pub(super) type Content = UnsyncBoxBody<Bytes, BoxError>;

/// Opens the same content from its start, any number of times.
#[derive(Clone)]
pub(crate) struct Opener(Arc<dyn Fn() -> Content + Send + Sync>);

impl Opener {
    pub(super) fn new(open: impl Fn() -> Content + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

/// Content that belongs to whichever of its copies is read first.
type Shared = Arc<Mutex<Option<Content>>>;

/// What bodies to send in the place of another one are made from.
pub(crate) enum BodySource {
    Bytes(Bytes),
    Opener(Opener),
    Shared(Shared),
}

impl BodySource {
    /// Makes a body; `None` when it can be sent once only and has been read.
    pub(crate) fn body(&self) -> Option<Body> {
        let body = match self {
            Self::Bytes(bytes) => return Some(bytes.clone().into()),
            Self::Opener(opener) => Streamed::reopenable(opener.clone()),
            Self::Shared(shared) => Streamed { state: State::Shared(Arc::clone(shared)), opener: None },
        };
        body.is_unread().then_some(Body(Kind::Stream(body)))
    }
}

/// A stream, and what can be done to send it again.
pub(super) struct Streamed {
    state: State,
    opener: Option<Opener>,
}

enum State {
    Owned(Content),
    Shared(Shared),
}

impl Streamed {
    pub(super) fn once(content: Content) -> Self {
        Self { state: State::Owned(content), opener: None }
    }

    pub(super) fn reopenable(opener: Opener) -> Self {
        Self { state: State::Owned((opener.0)()), opener: Some(opener) }
    }

    pub(super) fn opener(&self) -> Option<&Opener> {
        self.opener.as_ref()
    }

    /// Opens the content again where that is possible, and otherwise shares it: of the copies, only the one that is
    /// read first has it.
    pub(super) fn source(&mut self) -> BodySource {
        if let Some(opener) = &self.opener {
            return BodySource::Opener(opener.clone());
        }
        BodySource::Shared(match &self.state {
            State::Shared(shared) => Arc::clone(shared),
            State::Owned(_) => {
                let shared = Arc::new(Mutex::new(None));
                let owned = std::mem::replace(&mut self.state, State::Shared(Arc::clone(&shared)));
                if let State::Owned(content) = owned {
                    *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(content);
                }
                shared
            }
        })
    }

    /// Tells whether the content is still there: no copy has begun to read it.
    pub(super) fn is_unread(&self) -> bool {
        match &self.state {
            State::Owned(_) => true,
            State::Shared(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let State::Shared(shared) = &self.state {
            let content = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            match content {
                Some(content) => self.state = State::Owned(content),
                None => return Poll::Ready(Some(Err("a copy of the body has been read".into()))),
            }
        }
        match &mut self.state {
            State::Owned(content) => Pin::new(content).poll_frame(cx),
            State::Shared(_) => Poll::Ready(None),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.inspect(false, |content| content.is_end_stream())
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inspect(SizeHint::default(), |content| content.size_hint())
    }

    fn inspect<T>(&self, without_content: T, inspect: impl FnOnce(&Content) -> T) -> T {
        match &self.state {
            State::Owned(content) => inspect(content),
            State::Shared(shared) => {
                let shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.as_ref().map_or(without_content, inspect)
            }
        }
    }
}

/// A body that is read to its end.
pub(crate) enum Collecting {
    /// Nothing is left to read; missing once it has been returned.
    Ended(Option<Result<Bytes, Error>>),
    Reading(Reader),
}

impl Collecting {
    pub(super) fn ended(outcome: Result<Bytes, Error>) -> Self {
        Self::Ended(Some(outcome))
    }

    pub(super) fn new(body: Streamed, limit: usize) -> Self {
        let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let announced = announced.unwrap_or_default();
        Self::Reading(Reader { body, first: Bytes::new(), pieces: None, announced, limit })
    }

    /// Reads on, until the body has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        match self {
            Self::Ended(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Self::Reading(reader) => reader.poll(cx),
        }
    }
}

/// A stream, and what has been read of it.
pub(crate) struct Reader {
    body: Streamed,
    /// The whole body in the common case.
    first: Bytes,
    /// All chunks, where there are several.
    pieces: Option<Pieces>,
    announced: usize,
    limit: usize,
}

impl Reader {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        while let Some(frame) = ready!(self.body.poll_frame(cx)) {
            if let Ok(chunk) = frame.map_err(Error::body)?.into_data() {
                self.push(chunk)?;
            }
        }
        Poll::Ready(match self.pieces.take() {
            Some(pieces) => pieces.join().map_err(|_| Error::body_too_large()),
            None => Ok(std::mem::take(&mut self.first)),
        })
    }

    fn push(&mut self, chunk: Bytes) -> Result<(), Error> {
        let length = self.pieces.as_ref().map_or(self.first.len(), Pieces::len);
        if chunk.len() > self.limit - length {
            return Err(Error::body_too_large());
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if length == 0 {
            self.first = chunk;
            return Ok(());
        }
        let first = std::mem::take(&mut self.first);
        let pieces = self.pieces.get_or_insert_with(|| Pieces::new(self.announced));
        let pushed = pieces.push(&first).and_then(|()| pieces.push(&chunk));
        pushed.map_err(|_| Error::body_too_large())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn body_of_one_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![7; 100]);
        let stream = [Bytes::new(), chunk.clone(), Bytes::new()].map(Ok::<_, BoxError>);
        let body = Body::from_stream(futures_util::stream::iter(stream));
        assert_eq!(body.collect(100).await.unwrap().as_ptr(), chunk.as_ptr());
    }
}
