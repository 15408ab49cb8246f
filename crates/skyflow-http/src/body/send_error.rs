use std::error::Error as StdError;
use std::fmt;

use crate::BoxError;

/// Reports a request body that could not be sent whole. The server has not received the request then.
///
/// It is the `source()` of an [`Error`](crate::Error) of kind [`ErrorKind::RequestBody`](crate::ErrorKind::RequestBody).
#[derive(Debug)]
pub struct SendBodyError {
    problem: BodyProblem,
    announced: Option<u64>,
    part: Option<Box<str>>,
    source: Option<BoxError>,
}

/// Says why a request body could not be sent whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyProblem {
    /// It has more bytes than announced: a file that grows, or a wrong length.
    TooLong,
    /// It ended before the announced length: a file that was truncated, or a wrong length.
    TooShort {
        /// The length that it had.
        actual: u64,
    },
    /// Reading it failed.
    Unreadable,
}

impl SendBodyError {
    pub(crate) fn new(problem: BodyProblem, announced: Option<u64>) -> Self {
        Self { problem, announced, part: None, source: None }
    }

    /// Takes the error of a body; one of this type stays as it is.
    pub(crate) fn of(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => *own,
            Err(source) => Self { source: Some(source), ..Self::new(BodyProblem::Unreadable, None) },
        }
    }

    /// Names the part of the form.
    pub(crate) fn in_part(mut self, name: &str) -> Self {
        self.part.get_or_insert_with(|| name.into());
        self
    }

    /// Returns what is wrong with the body.
    pub fn problem(&self) -> BodyProblem {
        self.problem
    }

    /// Returns the name of the form part; `None` when the body is not a form.
    pub fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }

    /// Returns the announced length, where the length is the problem.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }
}

impl fmt::Display for SendBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let announced = self.announced.unwrap_or_default();
        match self.problem {
            BodyProblem::TooLong => write!(f, "is longer than the announced {announced} bytes"),
            BodyProblem::TooShort { actual } => {
                write!(f, "ended after {actual} of the announced {announced} bytes")
            }
            BodyProblem::Unreadable => f.write_str("cannot be read"),
        }
    }
}

impl StdError for SendBodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
