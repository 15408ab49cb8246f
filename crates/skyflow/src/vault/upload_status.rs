use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skyflow_api::types::{self, FileScanStatus};
use skyflow_api::{Response, record_files};
use skyflow_types::RequestId;

use super::Vault;
use super::upload::published;
use crate::Error;
use crate::handle::{Call, subject};
use crate::record::{columns_of, none_blank, not_blank, text_of};

/// Requests the upload and scan states of files, of several rows at once.
///
/// ```
/// use skyflow::UploadStatusRequest;
///
/// let request = UploadStatusRequest::new()
///     .files("persons", "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c", ["passport", "photo"]);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a request does nothing until it is given to `Vault::upload_status`"]
pub struct UploadStatusRequest {
    rows: Vec<(String, String, Vec<String>)>,
}

impl UploadStatusRequest {
    /// Starts without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row and the file columns of it.
    pub fn files<S: Into<String>>(
        mut self,
        table: impl Into<String>,
        skyflow_id: impl Into<String>,
        columns: impl IntoIterator<Item = S>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        self.rows.push((table.into(), skyflow_id.into(), columns));
        self
    }

    fn into_status(self, vault_id: &str) -> Result<Call<record_files::GetUploadStatus>, Error> {
        if self.rows.is_empty() {
            return Err(Error::invalid("files", "must not be empty"));
        }
        let subject = subject(None, self.rows.len());
        let rows = self.rows.into_iter().enumerate().map(|(index, (table, skyflow_id, columns))| {
            not_blank(format_args!("files[{index}].table"), &table)?;
            not_blank(format_args!("files[{index}].skyflow_id"), &skyflow_id)?;
            none_blank(format_args!("files[{index}].columns"), &columns)?;
            Ok(types::UploadStatusParameter::new(table, skyflow_id, columns))
        });
        let body = types::UploadStatusRequest::new(rows.collect::<Result<_, Error>>()?);
        Ok(Call::new(record_files::GetUploadStatus::new(vault_id, body)).about(subject))
    }
}

/// The states of the files.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct UploadStatusResponse {
    /// One element per row, in the order of the response.
    pub rows: Vec<UploadedRow>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// The files of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UploadedRow {
    /// The table.
    pub table: Option<String>,
    /// The id of the row.
    pub skyflow_id: Option<String>,
    /// The states by column.
    pub files: BTreeMap<String, UploadStatus>,
}

/// The states of one file. A state that is not known yet is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UploadStatus {
    /// The state of the upload, such as `UPLOADED`; other values are not published.
    pub file_status: Option<String>,
    /// The result of the virus scan.
    pub av_scan_status: Option<FileScanStatus>,
    /// The result of the check of the file's type; its values are not published.
    pub mimetype_status: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireStatus {
    file_status: Option<String>,
    av_scan_status: Option<String>,
    mimetype_status: Option<String>,
}

impl UploadStatusResponse {
    fn from_status(response: Response<types::UploadStatusResponse>) -> Self {
        let rows = response.body.records.into_iter().map(UploadedRow::of).collect();
        Self { rows, request_id: response.request_id }
    }
}

impl UploadedRow {
    fn of(record: types::UploadStatusRecord) -> Self {
        let fields = record.fields.as_ref().map(columns_of).unwrap_or_default();
        let skyflow_id = fields.get("skyflow_id").and_then(|id| text_of(id.get()));
        let files = fields
            .iter()
            .filter(|(column, _)| *column != "skyflow_id")
            .map(|(column, status)| (column.clone(), UploadStatus::of(status.get())))
            .collect();
        Self { table: record.table_name, skyflow_id, files }
    }
}

impl UploadStatus {
    /// A state of an unexpected shape loses no other.
    fn of(json: &str) -> Self {
        let wire: WireStatus = serde_json::from_str(json).unwrap_or_default();
        let known = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            file_status: known(wire.file_status),
            av_scan_status: known(wire.av_scan_status).map(|status| published(status.as_str().into())),
            mimetype_status: known(wire.mimetype_status),
        }
    }
}

impl Vault {
    /// Returns the upload and scan states of stored files.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::UploadStatusRequest;
    ///
    /// let request = UploadStatusRequest::new().files("persons", id, ["passport"]);
    /// for row in vault.upload_status(request).await?.rows {
    ///     println!("{:?}", row.files);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when there is no row, or a table, an id or a column is blank; fails as every call
    /// does afterwards.
    pub async fn upload_status(&self, request: UploadStatusRequest) -> Result<UploadStatusResponse, Error> {
        let call = request.into_status(self.id().as_str());
        self.handle.call(call, |response| Ok(UploadStatusResponse::from_status(response))).await
    }
}

#[cfg(test)]
mod tests {
    use skyflow_api::Json;

    use super::*;

    #[test]
    fn states_that_are_not_known_yet_are_none() {
        let json = r#"{"skyflow_id":"id-1","file":{"file_status":"UPLOADED","av_scan_status":"","mimetype_status":""},
            "scan":{"file_status":"UPLOADED","av_scan_status":"SCAN-CLEAN"},"odd":[1]}"#;
        let mut record = types::UploadStatusRecord::default();
        record.fields = Some(Json::parse(json).unwrap());
        record.table_name = Some("docs".to_owned());
        let row = UploadedRow::of(record);
        assert_eq!((row.table.as_deref(), row.skyflow_id.as_deref()), (Some("docs"), Some("id-1")));
        assert_eq!(row.files["file"].av_scan_status, None);
        assert_eq!(row.files["scan"].av_scan_status, Some(FileScanStatus::ScanClean));
        assert_eq!(row.files["odd"], UploadStatus::default());
    }
}
