use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::{Body, BoxError};

/// The body of a request on its way, which notes when its first frame is asked for.
///
/// A server cannot have executed a request of whose body no frame was taken.
pub(super) struct SentBody {
    body: Body,
    begun: Option<Begun>,
}

/// Tells whether sending a body has begun.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

impl SentBody {
    pub(super) fn new(body: Body) -> Self {
        Self { body, begun: None }
    }

    /// Notes in `begun` when the first frame is asked for. A body without content counts as begun from the start.
    pub(super) fn tracked(body: Body) -> (Self, Begun) {
        let begun = Begun(Arc::new(AtomicBool::new(body.is_end_stream())));
        (Self { body, begun: Some(begun.clone()) }, begun)
    }

    pub(super) fn into_inner(self) -> Body {
        self.body
    }
}

impl Begun {
    pub(super) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl http_body::Body for SentBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(begun) = self.begun.take() {
            begun.0.store(true, Ordering::Release);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
