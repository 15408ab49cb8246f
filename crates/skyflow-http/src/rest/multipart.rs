mod segments;

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use http::HeaderValue;
use serde::Serialize;

use self::segments::Segments;
use super::{EncodeError, finite};
use crate::Body;

/// Holds a file to upload: its content, name and content type.
///
/// Content in memory and content that can be opened again ([`Body::reopenable`]) can be retried, another stream cannot.
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

    /// Sets the number of bytes of a stream that does not know it, so that the request has a `content-length`; without
    /// it the request is sent with chunked transfer encoding.
    ///
    /// The request fails when the content has another length: with [`EncodeError::Length`] for content in memory, and
    /// with [`ErrorKind::RequestBody`](crate::ErrorKind::RequestBody) while it is sent for a stream. The server does
    /// not receive the end of the request then.
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
    /// Fails when the value has no JSON form, or holds NaN or an infinity.
    pub fn json<T: Serialize + ?Sized>(
        mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<Self, EncodeError> {
        let mut written = Vec::new();
        finite::to_writer(&mut written, value)?;
        self.parts.push(Part::Json { name: name.into(), value: written });
        Ok(self)
    }

    /// Adds a file.
    pub fn file(mut self, name: impl Into<String>, file: FilePart) -> Self {
        self.parts.push(Part::File { name: name.into(), file });
        self
    }

    /// Returns the content type and the body.
    ///
    /// The body can be retried when every part can; it is in memory when every part is. Otherwise it is a stream, of
    /// known length when the length of each part is known.
    ///
    /// # Errors
    ///
    /// Fails when the boundary or the content type of a file is not a valid header value, and when content in memory
    /// does not have the announced length.
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
                Part::File { name, file } => segments.push_content(&name, file.content, file.length)?,
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

#[cfg(test)]
mod tests;
