//! The body of a form: bytes and streams, one after the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};

use crate::body::ExactLength;
use crate::rest::EncodeError;
use crate::{Body, BoxError, SendBodyError};

/// The segments of a form that is being built.
#[derive(Default)]
pub(super) struct Segments {
    closed: Vec<Segment>,
    /// Bytes in memory after the last closed segment.
    open: BytesMut,
}

enum Segment {
    Bytes(Bytes),
    Stream { part: Arc<str>, body: Body, length: Option<u64> },
}

impl Segments {
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }

    pub(super) fn push_content(
        &mut self,
        part: &str,
        body: Body,
        announced: Option<u64>,
    ) -> Result<(), EncodeError> {
        match body.as_bytes() {
            Some(bytes) if announced.is_some_and(|length| length != bytes.len() as u64) => {
                return Err(EncodeError::Length);
            }
            Some(bytes) => self.push_bytes(bytes),
            None => {
                self.close();
                let length = announced.or_else(|| body.size_hint().exact());
                self.closed.push(Segment::Stream { part: part.into(), body, length });
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.closed.push(Segment::Bytes(self.open.split().freeze()));
        }
    }

    pub(super) fn into_body(mut self) -> Body {
        if self.closed.is_empty() {
            return self.open.freeze().into();
        }
        self.close();
        let copies: Option<Vec<_>> = self.closed.iter().map(Segment::copies).collect();
        match copies {
            Some(copies) => Body::reopenable(move || SentForm::new(copies.iter().map(|copy| copy()))),
            None => Body::new(SentForm::new(self.closed)),
        }
    }
}

impl Segment {
    /// Returns a function that makes copies of the segment; `None` when its stream cannot be opened again.
    fn copies(&self) -> Option<Box<dyn Fn() -> Self + Send + Sync>> {
        Some(match self {
            Self::Bytes(bytes) => {
                let bytes = bytes.clone();
                Box::new(move || Self::Bytes(bytes.clone()))
            }
            Self::Stream { part, body, length } => {
                let (part, copies, length) = (Arc::clone(part), body.copies()?, *length);
                Box::new(move || Self::Stream { part: Arc::clone(&part), body: copies(), length })
            }
        })
    }
}

/// A form that is being sent.
struct SentForm(VecDeque<Sent>);

enum Sent {
    Bytes(Bytes),
    Stream { part: Arc<str>, content: Content },
}

enum Content {
    Exact(ExactLength),
    OfAnyLength(Body),
}

impl SentForm {
    fn new(segments: impl IntoIterator<Item = Segment>) -> Self {
        let sent = |segment| match segment {
            Segment::Bytes(bytes) => Sent::Bytes(bytes),
            Segment::Stream { part, body, length: Some(length) } => {
                Sent::Stream { part, content: Content::Exact(ExactLength::new(body, length)) }
            }
            Segment::Stream { part, body, length: None } => {
                Sent::Stream { part, content: Content::OfAnyLength(body) }
            }
        };
        Self(segments.into_iter().map(sent).collect())
    }
}

impl Content {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendBodyError>>> {
        match self {
            Self::Exact(body) => body.poll_frame(cx),
            Self::OfAnyLength(body) => {
                Pin::new(body).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(SendBodyError::of)))
            }
        }
    }

    fn left(&self) -> Option<u64> {
        match self {
            Self::Exact(body) => Some(body.left()),
            Self::OfAnyLength(_) => None,
        }
    }
}

impl http_body::Body for SentForm {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let queue = &mut self.get_mut().0;
        while let Some(segment) = queue.front_mut() {
            match segment {
                Sent::Bytes(bytes) => {
                    let bytes = std::mem::take(bytes);
                    queue.pop_front();
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Sent::Stream { part, content } => match ready!(content.poll_frame(cx)) {
                    // Trailers of a part would be trailers of the whole request.
                    Some(Ok(frame)) if frame.is_data() => return Poll::Ready(Some(Ok(frame))),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.in_part(part).into()))),
                    None => drop(queue.pop_front()),
                },
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let mut total = Some(0u64);
        let mut least = 0u64;
        for segment in &self.0 {
            let length = match segment {
                Sent::Bytes(bytes) => Some(bytes.len() as u64),
                Sent::Stream { content, .. } => content.left(),
            };
            least = least.saturating_add(length.unwrap_or_default());
            total = total.zip(length).and_then(|(total, length)| total.checked_add(length));
        }
        let mut hint = SizeHint::new();
        match total {
            Some(total) => hint.set_exact(total),
            None => hint.set_lower(least),
        }
        hint
    }
}
