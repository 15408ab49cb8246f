use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use skyflow_api::{Operation, Response, files, types};
use skyflow_types::RequestId;

use super::file_format::{format_of, own_extension};
use super::output::{Destination, OutputDirectory, destination_setters, file_stem, name_after};
use super::output_file::ReadFile;
use super::reidentify_text::{Format, format_setters};
use super::run::RESPONSE_LIMIT;
use super::{Detect, DetectOutput, RunStatus};
use crate::handle::{Call, ReadAs};
use crate::record::not_blank;
use crate::{Error, FileSource};

/// The formats that the endpoint takes.
const FORMATS: [&str; 9] = ["txt", "csv", "json", "jsonl", "xls", "xlsx", "doc", "docx", "xml"];

/// Replaces the vault tokens of a file with their values: `txt`, `csv`, `json`, `jsonl`, `xls`, `xlsx`, `doc`, `docx` or
/// `xml`. No official SDK has it.
///
/// ```
/// use skyflow::{FileSource, ReidentifyFileRequest};
///
/// let request = ReidentifyFileRequest::new(FileSource::path("letter.docx")).output_directory("restored");
/// ```
#[must_use = "a request does nothing until it is given to `Detect::reidentify_file`"]
pub struct ReidentifyFileRequest {
    file: FileSource,
    data_format: Option<String>,
    skyflow_id: Option<String>,
    format: Format,
    destination: Destination,
}

impl ReidentifyFileRequest {
    /// Takes a file: a path, bytes, Base64 or a reader.
    pub fn new(file: FileSource) -> Self {
        let (format, destination) = (Format::default(), Destination::default());
        Self { file, data_format: None, skyflow_id: None, format, destination }
    }

    /// Says what the file is, such as `docx`, whatever its name.
    pub fn data_format(mut self, format: impl Into<String>) -> Self {
        self.data_format = Some(format.into());
        self
    }

    /// Names the record that the file belongs to, beside its content. The embedded vault refuses it with 501.
    pub fn skyflow_id(mut self, id: impl Into<String>) -> Self {
        self.skyflow_id = Some(id.into());
        self
    }

    format_setters!();

    destination_setters!();

    async fn into_reidentify(
        self,
        vault_id: &str,
    ) -> Result<(Call<ReadAs<files::Reidentify, ReadFile>>, Option<OutputDirectory>), Error> {
        if let Some(id) = &self.skyflow_id {
            not_blank("skyflow_id", id)?;
        }
        let name = self.file.name();
        let format = format_of(&name, self.data_format.as_deref())?;
        if !FORMATS.contains(&format.as_str()) {
            let field = if self.data_format.is_some() { "data_format" } else { "file_name" };
            let problem = "is not of a format that can be re-identified: txt, csv, json, jsonl, xls, xlsx, doc, docx or xml";
            return Err(Error::invalid(field, problem));
        }
        let directory = self.destination.open(file_stem(&name), own_extension(&name, &format)).await?;
        let content = self.file.into_content().await?;
        if content.is_empty() {
            return Err(Error::invalid("file", "must not be empty"));
        }
        let mut file = types::ReidentifyFileData::new(content, format);
        file.skyflow_id = self.skyflow_id;
        let mut body = types::ReidentifyFileRequest::new(vault_id, file);
        body.format = self.format.to_wire();
        let call = Call::new(ReadAs::new(files::Reidentify::new(body))).response_limit(RESPONSE_LIMIT);
        Ok((call, directory))
    }
}

impl fmt::Debug for ReidentifyFileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReidentifyFileRequest")
            .field("file", &self.file)
            .field("data_format", &self.data_format)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// What became of a file with tokens.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct ReidentifyFileResponse {
    /// Whether it was done.
    pub status: RunStatus,
    /// The file with values; `None` unless it was done. Keep it out of logs.
    pub output: Option<DetectOutput>,
    /// Where it was written; `None` without an output directory.
    pub saved: Option<PathBuf>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
}

/// The path may be called after a person.
impl fmt::Debug for ReidentifyFileResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReidentifyFileResponse")
            .field("status", &self.status)
            .field("output", &self.output)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl ReidentifyFileResponse {
    fn from_reidentify(response: Response<ReadFile>) -> Result<Self, Error> {
        let ReadFile { response: body, output } = response.body;
        let status = body.status.ok_or_else(|| Error::bad_response("the response has no status"))?;
        let output = output
            .transpose()
            .map_err(|_| Error::bad_response("the content of the file is no Base64"))?
            .map(DetectOutput::from_wire);
        Ok(Self { status, output, saved: None, request_id: response.request_id })
    }
}

impl Detect {
    /// Replaces the vault tokens of a file with their values.
    ///
    /// Files of text formats can be de-identified with vault tokens; those of [`Detect::deidentify_text`] can be in any
    /// file.
    ///
    /// ```no_run
    /// # async fn run(detect: skyflow::Detect) -> Result<(), skyflow::Error> {
    /// use skyflow::{FileSource, ReidentifyFileRequest};
    ///
    /// let request = ReidentifyFileRequest::new(FileSource::path("letter.txt"));
    /// let response = detect.reidentify_file(request).await?;
    /// println!("{}: {} bytes", response.status, response.output.map_or(0, |file| file.content.len()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the file cannot be read, is empty or of another format, or the output
    /// directory cannot be written to; fails as every call does afterwards, when the response has no status, and when
    /// the file cannot be written.
    pub async fn reidentify_file(
        &self,
        request: ReidentifyFileRequest,
    ) -> Result<ReidentifyFileResponse, Error> {
        let stem = file_stem(&request.file.name());
        let (call, directory) = match request.into_reidentify(self.vault_id().as_str()).await {
            Ok((call, directory)) => (Ok(call), directory),
            Err(error) => (Err(error), None),
        };
        let mut response = self.vault.handle.call(call, ReidentifyFileResponse::from_reidentify).await?;
        name_after(&stem, response.output.as_mut_slice());
        if let (RunStatus::Success, Some(directory), Some(output)) =
            (&response.status, directory, &response.output)
        {
            let saved = directory.save(std::slice::from_ref(output)).await;
            let saved = saved.map_err(|error| error.in_operation(files::Reidentify::INFO.name))?;
            response.saved = saved.into_iter().next();
        }
        Ok(response)
    }
}
