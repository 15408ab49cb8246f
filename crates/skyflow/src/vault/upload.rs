use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use skyflow_api::types::FileScanStatus;
use skyflow_api::{FilePart, record_files, types};
use skyflow_http::Body;
use skyflow_types::RequestId;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Vault;
use super::media_type::media_type_of;
use super::rows::not_blank;
use crate::{Error, Record};

/// How much of a file is in memory at a time.
const CHUNK: usize = 64 * 1024;

/// A file to upload: where its content comes from, and what it is called.
///
/// Content in memory can be sent again after a failure; a path or a reader is streamed, and sent once.
pub struct FileSource(Source);

enum Source {
    Path { path: PathBuf, name: Option<String> },
    Bytes { name: String, content: Bytes },
    Base64 { name: String, content: String },
    Reader { name: String, length: Option<u64>, body: Body },
}

impl FileSource {
    /// Takes a file of this machine; it is streamed, not read whole. The vault is told its last path component.
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

    /// Takes what a reader gives, until its end.
    pub fn reader<R: AsyncRead + Send + Unpin + 'static>(file_name: impl Into<String>, reader: R) -> Self {
        Self(Source::Reader { name: file_name.into(), length: None, body: streamed(reader) })
    }

    /// Tells the vault another name.
    pub fn file_name(mut self, file_name: impl Into<String>) -> Self {
        match &mut self.0 {
            Source::Path { name, .. } => *name = Some(file_name.into()),
            Source::Bytes { name, .. } | Source::Base64 { name, .. } | Source::Reader { name, .. } => {
                *name = file_name.into();
            }
        }
        self
    }

    /// Opens the source, as a part of a form of your own, such as the multipart body of a connection.
    ///
    /// # Errors
    ///
    /// Fails when the path is no readable regular file, the Base64 is broken, or the file has no name.
    pub async fn into_part(self) -> Result<FilePart, Error> {
        let (name, length, body) = match self.0 {
            Source::Bytes { name, content } => (name, None, Body::from(content)),
            Source::Base64 { name, content } => {
                let content = STANDARD.decode(content);
                let content = content
                    .map_err(|_| Error::invalid("file", "is not valid Base64 (standard, with padding)"))?;
                (name, None, Body::from(content))
            }
            Source::Reader { name, length, body } => (name, length, body),
            Source::Path { path, name } => {
                let opened = open(&path)
                    .await
                    .map_err(|source| Error::invalid("file", "cannot be read").with_source(source))?;
                let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
                (name.or(own).unwrap_or_default(), Some(opened.1), streamed(opened.0))
            }
        };
        not_blank("file_name", &name)?;
        let part = FilePart::new(body).content_type(media_type_of(&name)).file_name(name);
        Ok(match length {
            Some(length) => part.length(length),
            None => part,
        })
    }
}

/// Opens a regular file and tells its length.
async fn open(path: &Path) -> io::Result<(tokio::fs::File, u64)> {
    let file = tokio::fs::File::open(path).await?;
    let facts = file.metadata().await?;
    if facts.is_file() { Ok((file, facts.len())) } else { Err(io::Error::other("not a regular file")) }
}

fn streamed<R: AsyncRead + Send + Unpin + 'static>(reader: R) -> Body {
    Body::from_stream(stream::try_unfold(reader, |mut reader| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = reader.read_buf(&mut chunk).await?;
        Ok::<_, io::Error>((read > 0).then(|| (chunk.freeze(), reader)))
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

/// Asks to store a file in a file column.
///
/// ```
/// use skyflow::{FileSource, UploadFileRequest};
///
/// let request = UploadFileRequest::new("persons", "passport", FileSource::path("passport.pdf"))
///     .skyflow_id("b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c");
/// ```
#[derive(Debug)]
#[must_use = "a request does nothing until it is given to `Vault::upload_file`"]
pub struct UploadFileRequest {
    table: String,
    column: String,
    file: FileSource,
    skyflow_id: Option<String>,
    return_file_metadata: bool,
}

impl UploadFileRequest {
    /// Names table, column and file. Without [`UploadFileRequest::skyflow_id`] the vault makes a row for it.
    pub fn new(table: impl Into<String>, column: impl Into<String>, file: FileSource) -> Self {
        Self {
            table: table.into(),
            column: column.into(),
            file,
            skyflow_id: None,
            return_file_metadata: false,
        }
    }

    /// Names the row that gets the file.
    pub fn skyflow_id(mut self, skyflow_id: impl Into<String>) -> Self {
        self.skyflow_id = Some(skyflow_id.into());
        self
    }

    /// Asks what the vault knows about the file: name, size, type.
    pub fn return_file_metadata(mut self, yes: bool) -> Self {
        self.return_file_metadata = yes;
        self
    }
}

/// The row that has the file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UploadFileResponse {
    /// The id of the row.
    pub skyflow_id: String,
    /// What the vault knows about the file, when it was asked for.
    pub file_metadata: Option<Record>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
}

impl Vault {
    /// Stores a file in a file column, of a row or of a new one.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::{FileSource, UploadFileRequest};
    ///
    /// let file = FileSource::bytes("note.txt", "hello");
    /// let answer = vault.upload_file(UploadFileRequest::new("persons", "note", file)).await?;
    /// println!("stored in {}", answer.skyflow_id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table, column, id or file name is blank, the path is no readable regular
    /// file, or the Base64 is broken; fails as every call does afterwards.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back what was already sent.
    pub async fn upload_file(&self, request: UploadFileRequest) -> Result<UploadFileResponse, Error> {
        const OPERATION: &str = "record_files.upload";
        let form = form(request).await.map_err(|error| error.in_operation(OPERATION))?;
        let answer = self.send(record_files::Upload::new(self.id().as_str(), form)).await?;
        let Some(skyflow_id) = answer.body.skyflow_id else {
            let error = Error::answer("the answer does not name the row").in_operation(OPERATION);
            return Err(error.in_answer(answer.status, answer.request_id).applied());
        };
        let file_metadata = answer.body.file_metadata.map(Record::of_a_write);
        Ok(UploadFileResponse { skyflow_id, file_metadata, request_id: answer.request_id })
    }

    /// Deletes the file of a file column; true when there was one.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table, id or column is blank; fails as every call does afterwards.
    pub async fn delete_file(
        &self,
        table: impl Into<String>,
        skyflow_id: impl Into<String>,
        column: impl Into<String>,
    ) -> Result<bool, Error> {
        let place = file_place(table, skyflow_id, column)
            .map_err(|error| error.in_operation("record_files.delete"))?;
        let delete = record_files::Delete::new(self.id().as_str(), place.0, place.1, place.2);
        Ok(self.send(delete).await?.body.deleted.unwrap_or(false))
    }

    /// Asks what the virus scan of a stored file has found.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table, id or column is blank; fails as every call does afterwards, and when
    /// the answer holds no status.
    pub async fn file_scan_status(
        &self,
        table: impl Into<String>,
        skyflow_id: impl Into<String>,
        column: impl Into<String>,
    ) -> Result<FileScanStatus, Error> {
        const OPERATION: &str = "record_files.get_scan_status";
        let place = file_place(table, skyflow_id, column).map_err(|error| error.in_operation(OPERATION))?;
        let answer = self
            .send(record_files::GetScanStatus::new(self.id().as_str(), place.0, place.1, place.2))
            .await?;
        answer.body.av_scan_status.ok_or_else(|| {
            Error::answer("the answer holds no scan status")
                .in_operation(OPERATION)
                .in_answer(answer.status, answer.request_id)
        })
    }
}

async fn form(request: UploadFileRequest) -> Result<types::UploadFileForm, Error> {
    not_blank("table", &request.table)?;
    not_blank("column_name", &request.column)?;
    if let Some(id) = &request.skyflow_id {
        not_blank("skyflow_id", id)?;
    }
    let part = request.file.into_part().await?;
    let mut form = types::UploadFileForm::new(request.table, request.column, part)
        .return_file_metadata(request.return_file_metadata);
    form.skyflow_id = request.skyflow_id;
    Ok(form)
}

fn file_place(
    table: impl Into<String>,
    skyflow_id: impl Into<String>,
    column: impl Into<String>,
) -> Result<(String, String, String), Error> {
    let place = (table.into(), skyflow_id.into(), column.into());
    not_blank("table", &place.0)?;
    not_blank("skyflow_id", &place.1)?;
    not_blank("column_name", &place.2)?;
    Ok(place)
}
