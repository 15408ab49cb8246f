use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http_body::{Body as _, Frame, SizeHint};
use serde::Serialize;

use super::EncodeError;
use crate::{Body, BoxError};

/// Holds a file to upload: its content, name and content type.
///
/// Content in memory, and a stream that can be opened again, can be retried; another stream cannot.
#[non_exhaustive]
pub struct FilePart {
    content: Body,
    length: Option<u64>,
    file_name: String,
    content_type: String,
}

impl FilePart {
    /// Takes bytes, a string, or a [`Body`] that is a stream. The file name is `file` unless it is set.
    pub fn new(content: impl Into<Body>) -> Self {
        Self {
            content: content.into(),
            length: None,
            file_name: "file".to_owned(),
            content_type: "application/octet-stream".to_owned(),
        }
    }

    /// Sets the file name.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = name.into();
        self
    }

    /// Sets the content type; the default is `application/octet-stream`.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// Sets the number of bytes of a stream that does not know it, so that the request has a `content-length`.
    ///
    /// The request fails when the stream has another length.
    pub fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }
}

/// Neither the content nor the name is shown: a file may be named after a person.
impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePart")
            .field("content", &self.content)
            .field("length", &self.length)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// Builds a `multipart/form-data` body (RFC 7578).
///
/// ```
/// use skyflow_http::rest::{FilePart, Multipart};
///
/// let form = Multipart::new()
///     .boundary("xyz")
///     .text("columnName", "passport")
///     .file("file", FilePart::new("…").file_name("a \"b\".txt").content_type("text/plain"));
/// let (content_type, body) = form.into_body()?;
/// assert_eq!(content_type, "multipart/form-data; boundary=xyz");
/// assert!(body.as_bytes().is_some());
/// # Ok::<(), skyflow_http::rest::EncodeError>(())
/// ```
#[derive(Default)]
pub struct Multipart {
    boundary: Option<String>,
    parts: Vec<Part>,
}

enum Part {
    Text { name: String, value: String },
    Json { name: String, value: Vec<u8> },
    File { name: String, file: FilePart },
}

impl Multipart {
    /// Starts an empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the separator of the parts; the default is random.
    pub fn boundary(mut self, boundary: impl Into<String>) -> Self {
        self.boundary = Some(boundary.into());
        self
    }

    /// Adds a string.
    pub fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parts.push(Part::Text { name: name.into(), value: value.into() });
        self
    }

    /// Adds a value as a part with the content type `application/json`.
    ///
    /// # Errors
    ///
    /// Fails when the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(
        mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<Self, EncodeError> {
        let value = serde_json::to_vec(value).map_err(|_| EncodeError::Json)?;
        self.parts.push(Part::Json { name: name.into(), value });
        Ok(self)
    }

    /// Adds a file.
    pub fn file(mut self, name: impl Into<String>, file: FilePart) -> Self {
        self.parts.push(Part::File { name: name.into(), file });
        self
    }

    /// Returns the content type and the body.
    ///
    /// The body can be retried when each part can; it is a stream unless every part is in memory, of known length when the
    /// length of each part is known.
    ///
    /// # Errors
    ///
    /// Fails when the boundary or the content type of a file is not a valid header value.
    pub fn into_body(self) -> Result<(HeaderValue, Body), EncodeError> {
        let boundary = self.boundary.unwrap_or_else(random_boundary);
        if !is_boundary(&boundary) {
            return Err(EncodeError::Part("boundary"));
        }
        let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
            .map_err(|_| EncodeError::Part("boundary"))?;
        let mut segments = Segments::default();
        for part in self.parts {
            let heading = heading(&boundary, &part)?;
            segments.push_bytes(heading.as_bytes());
            match part {
                Part::Text { value, .. } => segments.push_bytes(value.as_bytes()),
                Part::Json { value, .. } => segments.push_bytes(&value),
                Part::File { file, .. } => segments.push_file(file),
            }
            segments.push_bytes(b"\r\n");
        }
        segments.push_bytes(format!("--{boundary}--\r\n").as_bytes());
        Ok((content_type, segments.into_body()))
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Multipart({} parts)", self.parts.len())
    }
}

fn heading(boundary: &str, part: &Part) -> Result<String, EncodeError> {
    match part {
        Part::Text { name, .. } => {
            let name = quoted(name);
            Ok(format!("--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\r\n"))
        }
        Part::Json { name, .. } => {
            let name = quoted(name);
            Ok(format!(
                "--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\
                 Content-Type: application/json\r\n\r\n"
            ))
        }
        Part::File { name, file } => {
            let content_type = &file.content_type;
            if content_type.is_empty() || content_type.chars().any(|c| !matches!(c, ' '..='~')) {
                return Err(EncodeError::Part("content type"));
            }
            let (name, file_name) = (quoted(name), quoted(&file.file_name));
            Ok(format!(
                "--{boundary}\r\nContent-Disposition: form-data; name={name}; filename={file_name}\r\n\
                 Content-Type: {content_type}\r\n\r\n"
            ))
        }
    }
}

/// Quotes a name as browsers do: quotes and control characters are percent-encoded, other text stays UTF-8.
fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    for c in name.chars() {
        match c {
            '"' | '\0'..='\u{1f}' | '\u{7f}' => quoted.push_str(&format!("%{:02X}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Allows the boundaries of RFC 2046 that need no quotes in a header.
fn is_boundary(text: &str) -> bool {
    (1..=70).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

/// Makes a boundary with 128 random bits, so that no content has to be searched for it.
fn random_boundary() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("form-{:016x}{:016x}", random(), random())
}

/// The body of a form: bytes and streams, one after the other.
#[derive(Default)]
struct Segments {
    queue: VecDeque<Segment>,
    /// Bytes in memory that are not in the queue yet.
    open: BytesMut,
}

enum Segment {
    Bytes(Bytes),
    Stream { body: Body, length: Option<u64> },
}

impl Segments {
    fn push_bytes(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
    }

    fn push_file(&mut self, file: FilePart) {
        match file.content.as_bytes() {
            Some(bytes) => self.push_bytes(bytes),
            None => {
                self.close();
                let length = file.length.or_else(|| file.content.size_hint().exact());
                self.queue.push_back(Segment::Stream { body: file.content, length });
            }
        }
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.queue.push_back(Segment::Bytes(self.open.split().freeze()));
        }
    }

    fn into_body(mut self) -> Body {
        if self.queue.is_empty() {
            return self.open.freeze().into();
        }
        self.close();
        match self.try_clone() {
            Some(copy) => {
                // The first body takes what is open already.
                let forms = Mutex::new((Some(self), copy));
                Body::reopenable(move || {
                    let (first, copy) = &mut *forms.lock().unwrap_or_else(PoisonError::into_inner);
                    first.take().or_else(|| copy.try_clone()).map_or_else(Body::empty, Body::new)
                })
            }
            None => Body::new(self),
        }
    }

    /// Copies the form; `None` when one of its streams cannot be opened again.
    fn try_clone(&self) -> Option<Self> {
        let copy = |segment: &Segment| {
            Some(match segment {
                Segment::Bytes(bytes) => Segment::Bytes(bytes.clone()),
                Segment::Stream { body, length } => {
                    Segment::Stream { body: body.try_clone()?, length: *length }
                }
            })
        };
        let queue = self.queue.iter().map(copy).collect::<Option<_>>()?;
        Some(Self { queue, open: self.open.clone() })
    }
}

impl http_body::Body for Segments {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let queue = &mut self.get_mut().queue;
        while let Some(segment) = queue.front_mut() {
            match segment {
                Segment::Bytes(bytes) => {
                    let bytes = std::mem::take(bytes);
                    queue.pop_front();
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Segment::Stream { body, length } => match ready!(Pin::new(body).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        // Trailers of a part would be trailers of the whole request.
                        let Ok(data) = frame.into_data() else { continue };
                        if let Some(left) = length {
                            *left = left.saturating_sub(data.len() as u64);
                        }
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => drop(queue.pop_front()),
                },
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.queue.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let mut total = Some(0u64);
        let mut least = 0u64;
        for segment in &self.queue {
            let length = match segment {
                Segment::Bytes(bytes) => Some(bytes.len() as u64),
                Segment::Stream { length, .. } => *length,
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

#[cfg(test)]
mod tests;
