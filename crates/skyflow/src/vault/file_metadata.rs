use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batch::BatchOutput;
use super::get::StoredRecord;
use super::upload::UploadFileResponse;
use crate::record::members_of;
use crate::{Error, Record};

/// Describes a stored file. Members that a response does not have are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FileMetadata {
    /// The name of the file; it may lack an extension.
    #[serde(alias = "fileName")]
    pub file_name: Option<String>,
    /// The size in kilobytes, rounded up.
    #[serde(alias = "fileSizeKB")]
    pub file_size_kb: Option<u64>,
    /// A size without a unit, which one published example has in place of kilobytes.
    #[serde(alias = "fileSize")]
    pub file_size: Option<u64>,
    /// The media type, as the vault found it in the content.
    #[serde(alias = "fileType")]
    pub file_type: Option<String>,
}

/// Reads metadata by column. One published example has the members of a single file in place of the columns; they are
/// returned under `column`.
fn files_of(metadata: Option<&Record>, column: &str) -> Result<BTreeMap<String, FileMetadata>, Error> {
    let Some(metadata) = metadata else { return Ok(BTreeMap::new()) };
    let is_by_column = members_of(metadata.raw()).values().all(|member| member.get().starts_with(['{', 'n']));
    if is_by_column {
        let files: BTreeMap<String, Option<FileMetadata>> = metadata.decode()?;
        return Ok(files.into_iter().filter_map(|(column, file)| Some((column, file?))).collect());
    }
    Ok(BTreeMap::from_iter([(column.to_owned(), metadata.decode()?)]))
}

impl StoredRecord {
    /// Returns the metadata of the files by column; empty when none was requested.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the metadata has another shape;
    /// [`StoredRecord::file_metadata`] has it as it was sent.
    pub fn files(&self) -> Result<BTreeMap<String, FileMetadata>, Error> {
        files_of(self.file_metadata.as_ref(), "")
    }
}

impl BatchOutput {
    /// Returns the metadata of the files by column; empty when none was requested.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the metadata has another shape;
    /// [`BatchOutput::file_metadata`] has it as it was sent.
    pub fn files(&self) -> Result<BTreeMap<String, FileMetadata>, Error> {
        files_of(self.file_metadata.as_ref(), "")
    }
}

impl UploadFileResponse {
    /// Returns the metadata of the file; `None` when it was not requested.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the metadata has another shape;
    /// [`UploadFileResponse::file_metadata`] has it as it was sent.
    pub fn file(&self) -> Result<Option<FileMetadata>, Error> {
        let mut files = files_of(self.file_metadata.as_ref(), "")?;
        Ok(files.pop_first().map(|(_, file)| file))
    }
}

#[cfg(test)]
mod tests {
    use skyflow_api::Json;

    use super::*;

    fn files(json: &str) -> Result<BTreeMap<String, FileMetadata>, Error> {
        files_of(Some(&Record::new(Json::parse(json).unwrap())), "scan")
    }

    #[test]
    fn metadata_is_read_by_column() {
        let read =
            files(r#"{"a":{"fileName":"x","fileSizeKB":2,"fileType":"text/plain"},"b":null}"#).unwrap();
        let expected = FileMetadata {
            file_name: Some("x".to_owned()),
            file_size_kb: Some(2),
            file_size: None,
            file_type: Some("text/plain".to_owned()),
        };
        assert_eq!(read, BTreeMap::from_iter([("a".to_owned(), expected)]));
        assert!(files("{}").unwrap().is_empty());
    }

    #[test]
    fn metadata_of_one_level_is_of_one_file() {
        let read = files(r#"{"fileName":"x.pdf","fileSize":1024,"fileType":"application/pdf"}"#).unwrap();
        assert_eq!((read["scan"].file_size, read["scan"].file_size_kb), (Some(1024), None));
        assert!(files(r#"{"a":{"fileSizeKB":"many"}}"#).is_err());
    }
}
