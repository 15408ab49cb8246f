use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use skyflow_api::FilePart;
use skyflow_http::Body;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::Error;
use crate::local_file::{LocalFile, streamed};
use crate::media_type::media_type_of;
use crate::record::not_blank;

/// A file to upload or to de-identify: where its content comes from, and what it is called.
///
/// An upload streams a path or a reader. Content in memory and a path can be sent again after a failure, a reader cannot;
/// a file that has changed meanwhile is not sent again. Detect reads any source whole, because it takes files as Base64
/// inside JSON.
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

    /// Takes the bytes of a reader, until its end.
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
                let file = LocalFile::open(&path).await.map_err(unreadable)?;
                (Some(file.length()), file.into_body())
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
            Source::Path { path, .. } => {
                let file = LocalFile::open(&path).await.map_err(unreadable)?;
                let length = file.length();
                // No more than the file: a buffer that grows by doubling could be twice as large.
                let mut content = Vec::new();
                let reserved = usize::try_from(length).map(|length| content.try_reserve_exact(length));
                if !matches!(reserved, Ok(Ok(()))) {
                    return Err(Error::invalid("file", "does not fit into memory"));
                }
                file.into_reader().read_to_end(&mut content).await.map_err(unreadable)?;
                content.into()
            }
        })
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::invalid("file", "is not valid Base64 (standard, with padding)"))
}

fn unreadable(source: io::Error) -> Error {
    Error::invalid("file", "cannot be read").with_source(source)
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
