use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;

use crate::BoxError;

/// A body that is read as it is sent.
pub(super) type Content = UnsyncBoxBody<Bytes, BoxError>;

/// Opens the same content from its start, any number of times.
#[derive(Clone)]
pub(super) struct Source(Arc<dyn Fn() -> Content + Send + Sync>);

impl Source {
    pub(super) fn new(open: impl Fn() -> Content + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

/// A stream, and what can be done to send it again.
pub(super) struct Streamed {
    state: State,
    source: Option<Source>,
}

enum State {
    Owned(Content),
    /// The content belongs to whichever of the copies is read first.
    Shared(Arc<Mutex<Option<Content>>>),
}

impl Streamed {
    pub(super) fn once(content: Content) -> Self {
        Self { state: State::Owned(content), source: None }
    }

    pub(super) fn reopenable(source: Source) -> Self {
        Self { state: State::Owned((source.0)()), source: Some(source) }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        self.source.as_ref()
    }

    /// Opens the content again where that is possible, and otherwise shares it: of the copies, only the one that is
    /// read first has it.
    pub(super) fn spare(&mut self) -> Self {
        if let Some(source) = self.source.clone() {
            return Self::reopenable(source);
        }
        let shared = match &self.state {
            State::Shared(shared) => Arc::clone(shared),
            State::Owned(_) => {
                let shared = Arc::new(Mutex::new(None));
                let owned = std::mem::replace(&mut self.state, State::Shared(Arc::clone(&shared)));
                if let State::Owned(content) = owned {
                    *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(content);
                }
                shared
            }
        };
        Self { state: State::Shared(shared), source: None }
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
