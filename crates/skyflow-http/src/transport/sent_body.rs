//! The body of a request in flight.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use super::traffic::StallLimit;
use crate::body::ExactLength;
use crate::{Body, BoxError, SendBodyError};

/// The most bytes that HTTP/2 takes at once, so that it is seen when it takes no more.
const FRAME: usize = 16 * 1024;

/// The body of a request in flight, which records what happens to it.
pub(super) struct SentBody {
    body: Content,
    /// The rest of a frame that was cut.
    rest: Bytes,
    progress: Option<BodyProgress>,
    cuts_frames: bool,
}

enum Content {
    Exact(ExactLength),
    OfAnyLength(Body),
}

/// The state of a body in flight.
#[derive(Clone)]
pub(super) struct BodyProgress(Arc<Shared>);

struct Shared {
    has_begun: AtomicBool,
    state: Mutex<State>,
    clock: Option<StallLimit>,
}

#[derive(Default)]
struct State {
    /// Since when the connection has taken no more of the body, although there is more.
    waiting_since: Option<Instant>,
    failure: Option<SendBodyError>,
}

impl SentBody {
    /// Prepares a body for HTTP/1. One in memory cannot fail, and its progress is that of the connection.
    pub(super) fn http1(body: Body) -> (Self, Option<BodyProgress>) {
        let progress = body.as_bytes().is_none().then(|| BodyProgress::new(&body, None));
        (Self::new(body, progress.clone(), false), progress)
    }

    /// Prepares a body for HTTP/2, where the connection is shared.
    pub(super) fn http2(body: Body, limit: Option<&StallLimit>) -> (Self, BodyProgress) {
        let progress = BodyProgress::new(&body, limit.cloned());
        (Self::new(body, Some(progress.clone()), true), progress)
    }

    fn new(body: Body, progress: Option<BodyProgress>, cuts_frames: bool) -> Self {
        let announced = body.size_hint().exact().filter(|length| *length > 0 && body.as_bytes().is_none());
        let body = match announced {
            Some(length) => Content::Exact(ExactLength::new(body, length)),
            None => Content::OfAnyLength(body),
        };
        Self { body, rest: Bytes::new(), progress, cuts_frames }
    }

    /// Returns the body of a request that was not sent.
    pub(super) fn into_inner(mut self) -> Body {
        match std::mem::replace(&mut self.body, Content::OfAnyLength(Body::empty())) {
            Content::Exact(body) => body.into_inner(),
            Content::OfAnyLength(body) => body,
        }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendBodyError>>> {
        match &mut self.body {
            Content::Exact(body) => body.poll_frame(cx),
            Content::OfAnyLength(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(SendBodyError::of)))
            }
        }
    }

    /// Returns the first part of a frame that is larger than HTTP/2 should take at once.
    fn cut(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        if !self.cuts_frames {
            return frame;
        }
        match frame.into_data() {
            Ok(mut data) if data.len() > FRAME => {
                self.rest = data.split_off(FRAME);
                Frame::data(data)
            }
            Ok(data) => Frame::data(data),
            Err(trailers) => trailers,
        }
    }
}

impl BodyProgress {
    fn new(body: &Body, clock: Option<StallLimit>) -> Self {
        let is_empty = body.is_end_stream();
        let waiting_since = clock.as_ref().filter(|_| !is_empty).map(StallLimit::now);
        let state = Mutex::new(State { waiting_since, failure: None });
        // A server cannot have executed a request of whose body no frame was taken. An empty body is complete from the
        // start.
        Self(Arc::new(Shared { has_begun: AtomicBool::new(is_empty), state, clock }))
    }

    /// Tells whether sending the body has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Acquire)
    }

    /// Returns since when the connection has taken no more of the body, although there is more.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.state(|state| state.waiting_since)
    }

    /// Takes the reason why the body could not be sent whole.
    pub(super) fn take_failure(&self) -> Option<SendBodyError> {
        self.state(|state| state.failure.take())
    }

    fn state<T>(&self, access: impl FnOnce(&mut State) -> T) -> T {
        access(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait_for_connection(&self, is_waiting: bool) {
        if let Some(clock) = &self.0.clock {
            let since = is_waiting.then(|| clock.now());
            self.state(|state| state.waiting_since = since);
        }
    }
}

impl http_body::Body for SentBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(progress) = &this.progress {
            progress.0.has_begun.store(true, Ordering::Release);
            // From here on the body is awaited, and not the connection.
            progress.wait_for_connection(false);
        }
        let frame = match std::mem::take(&mut this.rest) {
            rest if rest.is_empty() => ready!(this.poll_content(cx)),
            rest => Some(Ok(Frame::data(rest))),
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let frame = this.cut(frame);
                if let Some(progress) = &this.progress {
                    progress.wait_for_connection(true);
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                if let Some(progress) = &this.progress {
                    progress.state(|state| state.failure = Some(error));
                }
                Some(Err("the body cannot be sent whole".into()))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
            && match &self.body {
                Content::Exact(body) => body.is_end_stream(),
                Content::OfAnyLength(body) => body.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        match &self.body {
            Content::Exact(body) => SizeHint::with_exact(body.left().saturating_add(rest)),
            Content::OfAnyLength(body) => match body.size_hint().exact() {
                Some(length) => SizeHint::with_exact(length.saturating_add(rest)),
                None => SizeHint::new(),
            },
        }
    }
}

/// HTTP/2 drops a body once it has taken the last frame.
impl Drop for SentBody {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            progress.wait_for_connection(false);
        }
    }
}
