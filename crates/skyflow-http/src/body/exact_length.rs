use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};

use super::{Body, BodyProblem, SendBodyError};

/// A body that fails when its length is not the announced one.
///
/// A request is complete once it has the announced length, so the last frame is held back until the end of the body
/// is known to follow.
pub(crate) struct ExactLength {
    body: Body,
    announced: u64,
    left: u64,
    last: Option<Bytes>,
}

impl ExactLength {
    pub(crate) const fn new(body: Body, announced: u64) -> Self {
        Self { body, announced, left: announced, last: None }
    }

    /// Returns how many bytes are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left + self.last.as_ref().map_or(0, |last| last.len() as u64)
    }

    #[cfg(feature = "transport")]
    pub(crate) fn is_end_stream(&self) -> bool {
        self.left() == 0 && self.body.is_end_stream()
    }

    #[cfg(feature = "transport")]
    pub(crate) fn into_inner(self) -> Body {
        self.body
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendBodyError>>> {
        loop {
            let data = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    // Trailers come after the whole content.
                    Err(trailers) if self.left == 0 && self.last.is_none() => {
                        return Poll::Ready(Some(Ok(trailers)));
                    }
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(SendBodyError::of(error)))),
                None => {
                    return Poll::Ready(match self.last.take() {
                        Some(last) => Some(Ok(Frame::data(last))),
                        None if self.left == 0 => None,
                        None => {
                            let actual = self.announced - std::mem::take(&mut self.left);
                            Some(Err(self.problem(BodyProblem::TooShort { actual })))
                        }
                    });
                }
            };
            if data.is_empty() {
                continue;
            }
            match self.left.checked_sub(data.len() as u64) {
                None => return Poll::Ready(Some(Err(self.problem(BodyProblem::TooLong)))),
                Some(0) if !self.body.is_end_stream() => {
                    self.left = 0;
                    self.last = Some(data);
                }
                Some(left) => {
                    self.left = left;
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
            }
        }
    }

    fn problem(&self, problem: BodyProblem) -> SendBodyError {
        SendBodyError::new(problem, Some(self.announced))
    }
}
