use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use skyflow_api::FilePart;
use skyflow_http::Body;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Error;
use crate::media_type::media_type_of;
use crate::record::not_blank;
use crate::stored_file::{self, CHUNK, StoredFile};

/// A file to upload or to de-identify: where its content comes from, and what it is called.
///
/// An upload streams a path or a reader. It can be repeated after a failure, except for a reader of which anything has
/// been read. Detect reads any source whole, because it takes files as Base64 inside JSON.
///
/// A path or a reader whose content turns out longer or shorter than its length fails the upload with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) before the request is complete. Content of unknown length
/// is sent with chunked transfer encoding: readers without [`FileSource::length`], and large files for which the
/// operating system reports no length, such as those of `/proc`.
///
/// ```
/// use skyflow::FileSource;
///
/// let on_disk = FileSource::path("scans/passport.pdf").file_name("passport-17.pdf");
/// let in_memory = FileSource::bytes("note.txt", "hello");
/// let encoded = FileSource::base64("note.txt", "aGVsbG8=");
/// let streamed = FileSource::reader("note.txt", &b"hello"[..]);
/// ```
pub struct FileSource(Source);

enum Source {
    Path { path: PathBuf, name: Option<String> },
    Bytes { name: String, content: Bytes },
    Base64 { name: String, content: String },
    Reader { name: String, length: Option<u64>, body: Body },
}

impl FileSource {
    /// Takes a file of this machine; it is streamed, not read whole. The vault receives the last path component.
    pub fn path(path: impl AsRef<Path>) -> Self {
        Self(Source::Path { path: path.as_ref().to_owned(), name: None })
    }

    /// Takes bytes in memory.
    pub fn bytes(file_name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self(Source::Bytes { name: file_name.into(), content: content.into() })
    }

    /// Takes bytes as Base64: standard alphabet, with padding.
    pub fn base64(file_name: impl Into<String>, content: impl Into<String>) -> Self {
        Self(Source::Base64 { name: file_name.into(), content: content.into() })
    }

    /// Takes the bytes of a reader, until its end; see [`FileSource::length`].
    pub fn reader<R: AsyncRead + Send + Unpin + 'static>(file_name: impl Into<String>, reader: R) -> Self {
        Self(Source::Reader { name: file_name.into(), length: None, body: streamed(reader) })
    }

    /// Sets the file name that the vault receives.
    pub fn file_name(mut self, file_name: impl Into<String>) -> Self {
        match &mut self.0 {
            Source::Path { name, .. } => *name = Some(file_name.into()),
            Source::Bytes { name, .. } | Source::Base64 { name, .. } | Source::Reader { name, .. } => {
                *name = file_name.into();
            }
        }
        self
    }

    /// Sets the number of bytes that a reader gives, so that the request has a `content-length`, and its time limits grow
    /// with it. Any other source knows its length.
    pub fn length(mut self, bytes: u64) -> Self {
        if let Source::Reader { length, .. } = &mut self.0 {
            *length = Some(bytes);
        }
        self
    }

    /// Opens the source, as a part of a form, such as the multipart body of a connection.
    ///
    /// # Errors
    ///
    /// Fails when the path is no readable regular file, the Base64 is broken, or the file has no name.
    pub async fn into_part(self) -> Result<FilePart, Error> {
        let name = self.name();
        let (length, body) = match self.0 {
            Source::Bytes { content, .. } => (None, Body::from(content)),
            Source::Base64 { content, .. } => (None, Body::from(decoded(&content)?)),
            Source::Reader { length, body, .. } => (length, body),
            Source::Path { path, .. } => {
                let file = StoredFile::open(&path).await.map_err(unreadable)?;
                (file.length, file.body)
            }
        };
        not_blank("file_name", &name)?;
        let part = FilePart::new(body).content_type(media_type_of(&name)).file_name(name);
        Ok(match length {
            Some(length) => part.length(length),
            None => part,
        })
    }

    /// Returns the name that was given, else the last component of the path.
    pub(crate) fn name(&self) -> String {
        match &self.0 {
            Source::Bytes { name, .. } | Source::Base64 { name, .. } | Source::Reader { name, .. } => {
                name.clone()
            }
            Source::Path { path, name } => {
                let own = || path.file_name().map(|name| name.to_string_lossy().into_owned());
                name.clone().or_else(own).unwrap_or_default()
            }
        }
    }

    /// Reads the whole content.
    pub(crate) async fn into_content(self) -> Result<Bytes, Error> {
        Ok(match self.0 {
            Source::Bytes { content, .. } => content,
            Source::Base64 { content, .. } => decoded(&content)?.into(),
            Source::Reader { body, .. } => body
                .collect(usize::MAX)
                .await
                .map_err(|source| Error::invalid("file", "cannot be read").with_source(source))?,
            Source::Path { path, .. } => stored_file::read(&path).await.map_err(unreadable)?,
        })
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::invalid("file", "is not valid Base64 (standard, with padding)"))
}

fn unreadable(source: io::Error) -> Error {
    let problem = match source.kind() {
        io::ErrorKind::OutOfMemory => "does not fit into memory",
        _ => "cannot be read",
    };
    Error::invalid("file", problem).with_source(source)
}

fn streamed<R: AsyncRead + Send + Unpin + 'static>(reader: R) -> Body {
    Body::from_stream(stream::try_unfold(reader, |mut reader| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        // A reader may give little at a time, and a chunk keeps the memory of a whole one.
        while chunk.len() < CHUNK && reader.read_buf(&mut chunk).await? > 0 {}
        Ok::<_, io::Error>((!chunk.is_empty()).then(|| (chunk.freeze(), reader)))
    }))
}

/// Paths and names may be those of a person.
impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Path { .. } => "FileSource(path)",
            Source::Bytes { .. } => "FileSource(bytes)",
            Source::Base64 { .. } => "FileSource(base64)",
            Source::Reader { .. } => "FileSource(reader)",
        })
    }
}
