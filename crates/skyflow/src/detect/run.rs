use std::fmt;
use std::path::PathBuf;

use skyflow_api::{Operation, Response, files, types};
use skyflow_types::RequestId;

use super::{Detect, DetectOutput, OutputKind};
use crate::Error;

pub use skyflow_api::types::RunStatus;

/// The operation that asks for the state of a run.
pub(super) const OPERATION: &str = "files.get_run";

/// How many bytes an answer with a file may have: files come as Base64, of which 64 MiB, the limit of other answers,
/// hold 48 MiB.
const RESPONSE_LIMIT: usize = 256 * 1024 * 1024;

/// A run of Detect over one file: where it is, and what it made.
#[derive(Clone)]
#[non_exhaustive]
pub struct DetectRun {
    /// The id of the run, to be asked for again.
    pub run_id: String,
    /// Where the run is. `UNKNOWN` means that the server does not know the run, or not any more.
    pub status: RunStatus,
    /// The server's words, which say why a run failed; they may repeat what was sent, so keep them out of logs.
    pub message: Option<String>,
    /// What the run made: the processed file first. Servers send none unless the run succeeded.
    pub outputs: Vec<DetectOutput>,
    /// Where the outputs were written, in their order; empty without an output directory.
    pub saved: Vec<PathBuf>,
    /// The words of the original file.
    pub word_count: Option<u64>,
    /// The characters of the original file.
    pub char_count: Option<u64>,
    /// The size of the processed file, in kilobytes.
    pub size_in_kb: Option<f64>,
    /// The length of an audio file, in seconds.
    pub duration_in_seconds: Option<f64>,
    /// The pages of a document.
    pub page_count: Option<u64>,
    /// The slides of a presentation.
    pub slide_count: Option<u64>,
    /// The request id of the answer.
    pub request_id: Option<RequestId>,
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

    /// Returns the lists of what was found: JSON, in a shape of the server's.
    pub fn entities(&self) -> impl Iterator<Item = &DetectOutput> {
        self.outputs.iter().filter(|output| output.kind == Some(OutputKind::Entities))
    }

    /// Returns the run when it succeeded, and an error with the server's message otherwise.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Run`](crate::ErrorKind::Run) when the run failed, is not known to the server, or is
    /// still under way; [`Error::run_id`] tells which it is. The error is not retryable, because the run was started:
    /// wait for one that is under way with [`Detect::run`].
    pub fn into_success(self) -> Result<Self, Error> {
        let words = match self.status {
            RunStatus::Success => return Ok(self),
            RunStatus::Failed => "the run failed",
            RunStatus::InProgress => "the run is still in progress",
            RunStatus::Unknown => "the server does not know the run",
            _ => "the run ended in a status that is not known",
        };
        let is_over = !self.is_in_progress();
        let said = self.message.filter(|message| is_over && !message.trim().is_empty());
        Err(Error::run(words, said)
            .in_operation(OPERATION)
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
            saved: Vec::new(),
            word_count: None,
            char_count: None,
            size_in_kb: None,
            duration_in_seconds: None,
            page_count: None,
            slide_count: None,
            request_id: None,
        }
    }

    pub(super) fn from_wire(
        run_id: &str,
        answer: types::DetectRunResponse,
        request_id: Option<RequestId>,
    ) -> Option<Self> {
        let counts = answer.word_character_count.unwrap_or_default();
        let count = |number: Option<i64>| number.and_then(|number| number.try_into().ok());
        Some(Self {
            run_id: run_id.to_owned(),
            status: answer.status?,
            message: answer.message,
            outputs: answer.output.into_iter().map(DetectOutput::from_wire).collect(),
            saved: Vec::new(),
            word_count: count(counts.word_count),
            char_count: count(counts.character_count),
            size_in_kb: answer.size,
            duration_in_seconds: answer.duration,
            page_count: count(answer.pages),
            slide_count: count(answer.slides),
            request_id,
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
    /// Sends an operation that a file comes back from.
    pub(super) async fn send_for_file<O: Operation>(
        &self,
        operation: O,
    ) -> Result<Response<O::Output>, Error> {
        let mut options = self.vault.options();
        options.response_limit.get_or_insert(RESPONSE_LIMIT);
        self.vault.send_with(operation, options).await
    }

    pub(super) async fn fetch_run(&self, run_id: &str) -> Result<DetectRun, Error> {
        let get = files::GetRun::new(run_id, self.vault_id().as_str());
        let answer = self.send_for_file(get).await.map_err(|error| error.with_run_id(run_id))?;
        DetectRun::from_wire(run_id, answer.body, answer.request_id.clone()).ok_or_else(|| {
            Error::answer("the answer has no status")
                .in_operation(OPERATION)
                .in_answer(answer.status, answer.request_id)
                .with_run_id(run_id)
        })
    }
}
