use skyflow_api::types::FileScanStatus;
use skyflow_api::{record_files, types};
use skyflow_types::RequestId;

use super::Vault;
use super::rows::not_blank;
use crate::{Error, FileSource, Record};

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
    #[expect(deprecated, reason = "it is the scan status of one file, and its replacement has another shape")]
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
