use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use skyflow_api::{Json, Operation, Response, files, types};
use skyflow_types::RequestId;

use super::output::{file_stem, name_after};
use super::output_file::ReadRun;
use super::{Detect, DetectOutput, DetectedEntity, OutputKind};
use crate::Error;
use crate::elements::{ElementError, sorted};
use crate::handle::{Call, ReadAs};
use crate::record::Origin;

pub use skyflow_api::types::RunStatus;

/// How many bytes a response with a file may have: files come as Base64, of which 64 MiB, the limit of other
/// responses, hold 48 MiB.
pub(super) const RESPONSE_LIMIT: usize = 256 * 1024 * 1024;

/// A run of Detect over one file: where it is, and what it made.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetectRun {
    /// The id of the run, with which it can be read again.
    pub run_id: String,
    /// Where the run is. `UNKNOWN` means that the server does not know the run, or not any more.
    pub status: RunStatus,
    /// The server's message, which says why a run failed; it may repeat what was sent, so keep it out of logs.
    pub message: Option<String>,
    /// What the run made: the processed file first. Servers send none unless the run succeeded.
    pub outputs: Vec<DetectOutput>,
    /// The elements of the server's list that are no outputs, such as those whose content is no Base64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ElementError>,
    /// Where the outputs with content were written, in their order; empty without an output directory.
    pub saved: Vec<PathBuf>,
    /// The words of the processed file; `None` while the run is in progress.
    pub word_count: Option<u64>,
    /// The characters of the processed file; `None` while the run is in progress.
    pub char_count: Option<u64>,
    /// The size of the processed file, in kilobytes; `None` while there is none.
    pub size_in_kb: Option<f64>,
    /// The length of an audio file, in seconds; `None` for other files.
    pub duration_in_seconds: Option<f64>,
    /// The pages of a document; `None` for other files.
    pub page_count: Option<u64>,
    /// The slides of a presentation; `None` for other files.
    pub slide_count: Option<u64>,
    /// The request id of the response.
    pub request_id: Option<RequestId>,
    #[serde(skip)]
    origin: Option<Arc<Origin>>,
}

impl DetectRun {
    /// Tells whether the run is still under way. Every other status is final, also one that is not known here.
    pub fn is_in_progress(&self) -> bool {
        self.status == RunStatus::InProgress
    }

    /// Returns the processed file: the first output.
    pub fn file(&self) -> Option<&DetectOutput> {
        self.outputs.first()
    }

    /// Returns the entities that were found in the file, as its lists of entities say; empty when it has no list.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode) when a list is not one of entities; its content is in
    /// [`DetectRun::entity_lists`].
    pub fn entities(&self) -> Result<Vec<DetectedEntity>, Error> {
        let mut entities = Vec::new();
        for list in self.entity_lists() {
            if list.path.is_some() {
                let problem = "the list of entities is stored at a path, which is in its output";
                return Err(self.about(Error::bad_response(problem)));
            }
            let text = std::str::from_utf8(&list.content).unwrap_or_default();
            let found: Vec<Json> = Json::parse(text).and_then(|json| json.decode()).map_err(|source| {
                self.about(Error::bad_response("the list of entities cannot be read").with_source(source))
            })?;
            for (index, entity) in found.iter().enumerate() {
                let entity: types::DetectedEntity = entity
                    .decode_lenient()
                    .map_err(|source| self.about(Error::misshapen(index).with_source(source)))?;
                entities.push(entity.into());
            }
        }
        Ok(entities)
    }

    /// Returns the outputs that list what was found, as the server sent them: JSON.
    pub fn entity_lists(&self) -> impl Iterator<Item = &DetectOutput> {
        self.outputs.iter().filter(|output| output.kind == Some(OutputKind::Entities))
    }

    fn about(&self, error: Error) -> Error {
        let error = match &self.origin {
            Some(origin) => error.in_response(origin),
            None => error.in_operation(files::GetRun::INFO.name),
        };
        error.with_run_id(&self.run_id)
    }

    /// Returns the run when it succeeded, and an error with the server's message otherwise.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Run`](crate::ErrorKind::Run) when the run failed, is not known to the server, or is
    /// still under way; [`Error::run_id`] tells which it is. The error is not retryable, because the run was started:
    /// wait for one that is under way with [`Detect::run`].
    pub fn into_success(self) -> Result<Self, Error> {
        let message = match self.status {
            RunStatus::Success => return Ok(self),
            RunStatus::Failed => "the run failed",
            RunStatus::InProgress => "the run is still in progress",
            RunStatus::Unknown => "the server does not know the run",
            _ => "the run ended in a status that is not known",
        };
        let is_over = !self.is_in_progress();
        let from_server = self.message.filter(|message| is_over && !message.trim().is_empty());
        Err(Error::run(message, from_server)
            .in_operation(files::GetRun::INFO.name)
            .with_request_id(self.request_id)
            .with_run_id(self.run_id))
    }

    /// A run of which nothing is known but that it was started.
    pub(super) fn under_way(run_id: &str) -> Self {
        Self {
            run_id: run_id.to_owned(),
            status: RunStatus::InProgress,
            message: None,
            outputs: Vec::new(),
            errors: Vec::new(),
            saved: Vec::new(),
            word_count: None,
            char_count: None,
            size_in_kb: None,
            duration_in_seconds: None,
            page_count: None,
            slide_count: None,
            request_id: None,
            origin: None,
        }
    }

    fn from_wire(run_id: &str, response: Response<ReadRun>) -> Result<Self, Error> {
        let origin = Origin::of(files::GetRun::INFO.name, &response);
        let (ReadRun { run: body, outputs }, request_id) = (response.body, response.request_id);
        let status = body.status.ok_or_else(|| Error::bad_response("the response has no status"))?;
        // The wire has zeros where nothing was counted: in every count while a run is under way, and later in those
        // that do not apply to the file, such as the pages of a sound.
        let is_counted = status != RunStatus::InProgress;
        let counts = body.word_character_count.filter(|_| is_counted).unwrap_or_default();
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        let measure = |number: Option<f64>| number.filter(|number| is_counted && *number > 0.0);
        let parts = |number: Option<i64>| count(number).filter(|number| is_counted && *number > 0);
        let (mut outputs, errors) = sorted(outputs, &origin, |output| Ok(DetectOutput::from_wire(output)));
        name_after(&file_stem(run_id), &mut outputs);
        Ok(Self {
            run_id: run_id.to_owned(),
            status,
            message: body.message.map(|message| origin.hide(&message)),
            outputs,
            errors,
            saved: Vec::new(),
            word_count: count(counts.word_count),
            char_count: count(counts.character_count),
            size_in_kb: measure(body.size),
            duration_in_seconds: measure(body.duration),
            page_count: parts(body.pages),
            slide_count: parts(body.slides),
            request_id,
            origin: Some(origin),
        })
    }
}

impl fmt::Debug for DetectRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectRun")
            .field("run_id", &self.run_id)
            .field("status", &self.status)
            .field("outputs", &self.outputs)
            .field("word_count", &self.word_count)
            .field("char_count", &self.char_count)
            .field("size_in_kb", &self.size_in_kb)
            .field("duration_in_seconds", &self.duration_in_seconds)
            .field("page_count", &self.page_count)
            .field("slide_count", &self.slide_count)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Detect {
    pub(super) async fn fetch_run(&self, run_id: &str) -> Result<DetectRun, Error> {
        let get = files::GetRun::new(run_id, self.vault_id().as_str());
        let call = Ok(Call::new(ReadAs::<_, ReadRun>::new(get)).response_limit(RESPONSE_LIMIT));
        let run = self.vault.handle.call(call, |response| DetectRun::from_wire(run_id, response)).await;
        run.map_err(|error| error.with_run_id(run_id))
    }
}
