//! The functions that generated code calls, public so that bindings in other crates can call them too.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;

pub use super::error::{clean, plain_text};
use super::finite;
pub use super::json::{decode_json, decode_json_shared};
pub use super::media::{accepting, decode_bytes, decode_optional_json, decode_text, encode_urlencoded};
pub use super::open_object::{empty_when_absent, fill, optional, required, required_list};
pub use super::text::{leading_json, lossy_members, lossy_string, text_of};
pub use super::{Base64, DecodeError, Element, EncodeError, FilePart, Json, Multipart, Operation};
use crate::Body;
pub use crate::{Idempotency, OperationInfo, Request, RequestTarget};
pub use crate::{open_enum, open_object};
pub use bytes::Bytes;
use http::Uri;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
pub use http::{HeaderMap, Method, StatusCode};
pub use serde;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Room for the headers that layers and the transport add: a map that grows moves all of them.
const USUAL_HEADERS: usize = 10;

/// Makes a request without a body.
pub fn encode_empty(method: Method, target: RequestTarget) -> Result<Request, EncodeError> {
    request(method, target, None, Body::empty())
}

/// Makes a request with a JSON body.
pub fn encode_json<T: Serialize>(
    method: Method,
    target: RequestTarget,
    body: &T,
) -> Result<Request, EncodeError> {
    let body = to_vec(body)?;
    request(method, target, Some(JSON), body.into())
}

/// Writes a whole number without a fraction: a server that expects an integer rejects `5.0`.
pub fn shortest_number<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    /// Beyond it not every whole number is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within the range")]
        Some(number) if number.fract() == 0.0 && number.abs() < EXACT => {
            serializer.serialize_i64(*number as i64)
        }
        Some(number) => serializer.serialize_f64(*number),
        None => serializer.serialize_none(),
    }
}

/// Makes a request with a form as its body.
pub fn encode_form(method: Method, target: RequestTarget, form: Multipart) -> Result<Request, EncodeError> {
    let (content_type, body) = form.into_body()?;
    request(method, target, Some(content_type), body)
}

pub(super) fn request(
    method: Method,
    target: RequestTarget,
    content_type: Option<HeaderValue>,
    body: Body,
) -> Result<Request, EncodeError> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from(target.finish()?);
    *request.headers_mut() = HeaderMap::with_capacity(USUAL_HEADERS);
    request.headers_mut().insert(ACCEPT, JSON);
    if let Some(content_type) = content_type {
        request.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(request)
}

/// Ignores the body of a response without a result.
pub fn decode_nothing(_: &Bytes) -> Result<(), DecodeError> {
    Ok(())
}

/// Reads an absent or null list or map as an empty one.
pub fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads the wire value of an open enum.
pub fn open_enum_value<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str>,
{
    struct Text<T>(PhantomData<T>);

    impl<T: for<'a> From<&'a str>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E>(self, text: &str) -> Result<T, E> {
            Ok(text.into())
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

/// Replaces a value that `Debug` does not show.
#[derive(Clone, Copy)]
pub struct Redacted;

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Shows whether a value is present, and not the value.
pub fn redacted(is_some: bool) -> Option<Redacted> {
    is_some.then_some(Redacted)
}

/// Beyond this size a buffer that grows by doubling wastes more than it costs to measure the body first.
const MEASURED: usize = 1024 * 1024;

thread_local! {
    /// The characters of Base64 that were counted in place of being written, while a body is measured.
    static COUNTED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Counts large content while it exists, and writes an empty text in its place: its length is arithmetic.
struct Counting;

impl Counting {
    fn start() -> Self {
        COUNTED.set(Some(0));
        Self
    }

    fn counted(&self) -> usize {
        COUNTED.get().unwrap_or_default()
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTED.set(None);
    }
}

/// Counts large content that is written as Base64 while a body is measured. Returns false for other content.
pub(super) fn counts(content: &[u8]) -> bool {
    match COUNTED.get() {
        Some(counted) if content.len() > MEASURED => {
            let length = base64::encoded_len(content.len(), true).unwrap_or(usize::MAX);
            COUNTED.set(Some(counted.saturating_add(length)));
            true
        }
        _ => false,
    }
}

/// Writes a body. A large one is measured and then written, so that it is in memory once and in no larger buffer.
fn to_vec<T: Serialize>(body: &T) -> Result<Vec<u8>, EncodeError> {
    let mut first = Measuring::new();
    let counting = Counting::start();
    finite::to_writer(&mut first, body)?;
    let length = first.length.saturating_add(counting.counted());
    drop(counting);
    if length <= MEASURED {
        return Ok(first.kept);
    }
    drop(first);
    let mut whole = Vec::with_capacity(length);
    finite::to_writer(&mut whole, body)?;
    Ok(whole)
}

/// Keeps what is written while it is small, and counts it in any case.
struct Measuring {
    kept: Vec<u8>,
    length: usize,
}

impl Measuring {
    /// Room for a call with one row.
    const SMALL: usize = 256;

    fn new() -> Self {
        Self { kept: Vec::with_capacity(Self::SMALL), length: 0 }
    }
}

impl Write for Measuring {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    // JSON is written in pieces of a few bytes.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len();
        if self.length <= MEASURED {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept = Vec::new();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_counted_and_written_once() {
        for length in [0, 1, 1000, MEASURED - 1, MEASURED, MEASURED + 1, 3 * MEASURED, 3 * MEASURED + 2] {
            let file = Base64::from(vec![0xa5; length]);
            let body = (&file, "x", &file);
            let written = to_vec(&body).unwrap();
            assert!(written == serde_json::to_vec(&body).unwrap(), "{length}");
            assert!(length <= MEASURED || written.capacity() == written.len(), "{length}");
        }
    }

    #[test]
    fn large_bodies_have_no_spare_capacity() {
        for length in [0, 1, 1000, MEASURED - 2, MEASURED - 1, MEASURED, 3 * MEASURED] {
            let body = "x".repeat(length);
            let written = to_vec(&body).unwrap();
            assert_eq!(written, serde_json::to_vec(&body).unwrap(), "{length}");
            assert!(length < MEASURED || written.capacity() == written.len(), "{length}");
        }
    }
}
