use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use skyflow_api::types::FileScanStatus;
use skyflow_api::{Json, Operation, Response, record_files, types};
use skyflow_types::RequestId;

use super::Vault;
use crate::elements::Lenient;
use crate::handle::{Call, ReadAs, subject};
use crate::record::Origin;
use crate::record::not_blank;
use crate::{Error, FileSource, Record};

/// How many times a file is sent, unless the client or the call sets `max_attempts`: it may be large.
const UPLOAD_ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// Stores a file in a file column.
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

    /// Returns the metadata of the file: name, size, type.
    pub fn return_file_metadata(mut self, yes: bool) -> Self {
        self.return_file_metadata = yes;
        self
    }

    async fn into_upload(self, vault_id: &str) -> Result<Call<Uploading>, Error> {
        not_blank("table", &self.table)?;
        not_blank("column_name", &self.column)?;
        if let Some(id) = &self.skyflow_id {
            not_blank("skyflow_id", id)?;
        }
        let subject = subject(&*self.table, 1);
        let part = self.file.into_part().await?;
        let mut form = types::UploadFileForm::new(self.table, self.column, part)
            .return_file_metadata(self.return_file_metadata);
        form.skyflow_id = self.skyflow_id;
        // A second upload replaces the file of a row, but makes a second row.
        let names_row = form.skyflow_id.is_some();
        let call = Call::new(ReadAs::new(record_files::Upload::new(vault_id, form)));
        Ok(call.repeatable_if(names_row).usual_attempts(UPLOAD_ATTEMPTS).about(subject))
    }
}

/// An upload whose response has members that are independent of each other.
type Uploading = ReadAs<record_files::Upload, Lenient<types::UploadFileResponse>>;

/// The flag of a response, whatever is beside it.
#[derive(Deserialize)]
struct Deleted {
    deleted: Option<Json>,
}

impl Deleted {
    fn flag(&self) -> Result<bool, Error> {
        match self.deleted.as_ref().map(Json::get) {
            None | Some("null" | "false" | "\"false\"") => Ok(false),
            Some("true" | "\"true\"") => Ok(true),
            Some(_) => Err(Error::bad_response("the response does not say whether there was a file")),
        }
    }
}

/// Reports the virus scan of a file. At least one of the two states is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileScan {
    /// The result of the scan.
    pub av_scan_status: Option<FileScanStatus>,
    /// The state of the upload, such as `UPLOADED`; its values are not published.
    pub file_status: Option<String>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// Names the row that has the file.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct UploadFileResponse {
    /// The id of the row.
    pub skyflow_id: String,
    /// The metadata of the file, when it was requested.
    pub file_metadata: Option<Record>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

impl UploadFileResponse {
    fn from_upload(
        response: Response<types::UploadFileResponse>,
        requested_id: Option<String>,
    ) -> Result<Self, Error> {
        let origin = Origin::of(record_files::Upload::INFO.name, &response);
        let skyflow_id = response.body.skyflow_id.or(requested_id);
        let skyflow_id =
            skyflow_id.ok_or_else(|| Error::bad_response("the response does not name the row"))?;
        let file_metadata =
            response.body.file_metadata.map(|metadata| Record::of_a_write(metadata).in_response(&origin));
        Ok(Self { skyflow_id, file_metadata, request_id: response.request_id })
    }
}

impl Vault {
    /// Stores a file in a file column, of a row or of a new one.
    ///
    /// It is sent twice at most, unless `max_attempts` is set. An upload into a named row is repeated after any failure
    /// that a second try may resolve; one that makes a row only when it certainly was not executed. A reader of which
    /// anything has been read cannot be sent again.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::{FileSource, UploadFileRequest};
    ///
    /// let file = FileSource::bytes("note.txt", "hello");
    /// let response = vault.upload_file(UploadFileRequest::new("persons", "note", file)).await?;
    /// println!("stored in {}", response.skyflow_id);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table, column, id or file name is blank, the path is no readable regular
    /// file, or the Base64 is broken. Fails with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) while the
    /// file is sent when it becomes longer or shorter or cannot be read; nothing is stored then. Fails as every call does
    /// otherwise.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take back what was already sent.
    pub async fn upload_file(&self, request: UploadFileRequest) -> Result<UploadFileResponse, Error> {
        let requested_id = request.skyflow_id.clone();
        let call = request.into_upload(self.id().as_str()).await;
        self.handle.call(call, |response| UploadFileResponse::from_upload(response, requested_id)).await
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
        let call = file_place(table, skyflow_id, column).map(|(table, skyflow_id, column)| {
            let subject = subject(&*table, 1);
            let delete = record_files::Delete::new(self.id().as_str(), table, skyflow_id, column);
            Call::new(ReadAs::<_, Lenient<Deleted>>::new(delete)).about(subject)
        });
        self.handle.call(call, |response| response.body.flag()).await
    }

    /// Returns the result of the virus scan of a stored file.
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when table, id or column is blank; fails as every call does afterwards, and when
    /// the response holds no status.
    #[expect(deprecated, reason = "it is the scan status of one file, and its replacement has another shape")]
    pub async fn file_scan_status(
        &self,
        table: impl Into<String>,
        skyflow_id: impl Into<String>,
        column: impl Into<String>,
    ) -> Result<FileScan, Error> {
        let call = file_place(table, skyflow_id, column).map(|(table, skyflow_id, column)| {
            let subject = subject(&*table, 1);
            let get = record_files::GetScanStatus::new(self.id().as_str(), table, skyflow_id, column);
            Call::new(ReadAs::<_, Lenient<types::FileScanStatusResponse>>::new(get)).about(subject)
        });
        self.handle.call(call, FileScan::from_scan_status).await
    }
}

impl FileScan {
    fn from_scan_status(response: Response<types::FileScanStatusResponse>) -> Result<Self, Error> {
        let scan = Self {
            av_scan_status: response.body.av_scan_status.map(published),
            file_status: response.body.file_status,
            request_id: response.request_id,
        };
        if scan.av_scan_status.is_none() && scan.file_status.is_none() {
            return Err(Error::bad_response("the response holds no scan status"));
        }
        Ok(scan)
    }
}

/// One published example spells a status `SCAN-CLEAN`.
pub(super) fn published(status: FileScanStatus) -> FileScanStatus {
    status.as_str().to_ascii_uppercase().replace('-', "_").as_str().into()
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
