//! One place where this SDK and the recording are not the same.

use std::fmt;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// How many requests for a token were made.
    TokenCount,
    /// How many other requests were made.
    RequestCount,
    /// A part of a request for a token.
    Token(usize, Part),
    /// A part of another request.
    Request(usize, Part),
    /// Whether the call failed, and in which way.
    Outcome,
    /// A field of the error.
    Error(&'static str),
    /// A place in what was returned.
    Returned(String),
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Method,
    Scheme,
    Host,
    Path,
    /// The values of a query key.
    Query(String),
    Header(&'static str),
    Authorization,
    /// A place in a JSON body.
    Body(String),
    /// A part of a form, and what of it.
    Form(String, &'static str),
}

/// A place and its contents.
#[derive(Debug, Clone)]
pub struct Difference {
    pub place: Place,
    pub expected: String,
    pub got: String,
}

impl Difference {
    pub fn new(place: Place, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self { place, expected: expected.to_string(), got: got.to_string() }
    }

    /// Tells whether it is about the outcome and not about a request.
    pub fn is_in_the_result(&self) -> bool {
        matches!(self.place, Place::Outcome | Place::Error(_) | Place::Returned(_))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            Place::TokenCount => "requests for a token".to_owned(),
            Place::RequestCount => "requests".to_owned(),
            Place::Token(index, part) => format!("request {index} for a token, {part}"),
            Place::Request(index, part) => format!("request {index}, {part}"),
            Place::Outcome => "outcome".to_owned(),
            Place::Error(field) => format!("error.{field}"),
            Place::Returned(at) => format!("returned{at}"),
        };
        write!(f, "{place}: expected {}, got {}", short(&self.expected), short(&self.got))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method"),
            Self::Scheme => f.write_str("scheme"),
            Self::Host => f.write_str("host"),
            Self::Path => f.write_str("path"),
            Self::Query(key) => write!(f, "query `{key}`"),
            Self::Header(name) => write!(f, "header {name}"),
            Self::Authorization => f.write_str("authorization"),
            Self::Body(at) => write!(f, "body{at}"),
            Self::Form(name, what) => write!(f, "part `{name}`, {what}"),
        }
    }
}

/// A report is read by people, line by line.
fn short(text: &str) -> String {
    const MOST: usize = 300;
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}… ({} bytes)", line.get(..end).unwrap_or_default(), line.len()),
        None => line,
    }
}
