use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use skyflow_emulator_detect::TextCounts;

/// A result that is given for a file instead of processing it: for formats that the embedded vault cannot process, such
/// as audio, and for runs that have to end in a certain way.
///
/// ```
/// use skyflow_emulator::{CannedRun, EmbeddedVault};
///
/// let recording = b"RIFF\x00\x00\x00\x00WAVE";
/// let canned = CannedRun::of_content(recording)
///     .output("redacted_audio", "wav", b"RIFF\x00\x00\x00\x00WAVE")
///     .output("redacted_transcription", "txt", "My name is [NAME_1].")
///     .duration_seconds(3.5);
/// let vault = EmbeddedVault::builder().canned_run(canned).build()?;
/// # Ok::<(), skyflow_emulator::BuildError>(())
/// ```
#[derive(Clone)]
#[must_use = "a canned run does nothing until a vault is built with it"]
pub struct CannedRun {
    subject: Subject,
    outputs: Vec<Value>,
    /// The length of the first output.
    size: usize,
    failure: Option<String>,
    duration: f64,
    pages: u32,
    slides: u32,
}

/// Which files it is for.
#[derive(Clone, PartialEq)]
enum Subject {
    Content(Vec<u8>),
    Format(String),
}

impl CannedRun {
    fn new(subject: Subject) -> Self {
        Self { subject, outputs: Vec::new(), size: 0, failure: None, duration: 0.0, pages: 0, slides: 0 }
    }

    /// Is for the file with exactly this content.
    pub fn of_content(content: impl AsRef<[u8]>) -> Self {
        Self::new(Subject::Content(hash(content.as_ref())))
    }

    /// Applies to each file of this format, such as `mp3`, that has no canned run for its content.
    pub fn of_format(format: impl AsRef<str>) -> Self {
        Self::new(Subject::Format(format.as_ref().to_ascii_lowercase()))
    }

    /// Adds a file that the run made; the first one is the processed file. Kinds are those of the API, such as
    /// `redacted_audio` or `entities`.
    pub fn output(
        mut self,
        kind: impl Into<String>,
        extension: impl Into<String>,
        content: impl AsRef<[u8]>,
    ) -> Self {
        if self.outputs.is_empty() {
            self.size = content.as_ref().len();
        }
        self.outputs.push(output(&kind.into(), &extension.into(), content.as_ref()));
        self
    }

    /// Ends the run as failed, with this message.
    pub fn failed(mut self, message: impl Into<String>) -> Self {
        self.failure = Some(message.into());
        self
    }

    /// Sets the length of the audio.
    pub fn duration_seconds(mut self, seconds: f64) -> Self {
        self.duration = seconds;
        self
    }

    /// Sets the number of pages.
    pub fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Sets the number of slides.
    pub fn slides(mut self, slides: u32) -> Self {
        self.slides = slides;
        self
    }

    fn response(&self) -> Value {
        match &self.failure {
            Some(message) => failed(message),
            None => {
                let counts = Counts { pages: self.pages, slides: self.slides, ..Counts::default() };
                let mut response = succeeded(self.outputs.clone(), self.size, &counts);
                for pointer in ["/duration", "/metrics/duration"] {
                    if let Some(member) = response.pointer_mut(pointer) {
                        *member = json!(self.duration);
                    }
                }
                response
            }
        }
    }
}

/// The content is known by its hash only.
impl fmt::Debug for CannedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CannedRun")
            .field("outputs", &self.outputs.len())
            .field("fails", &self.failure.is_some())
            .finish_non_exhaustive()
    }
}

/// The canned runs of a vault.
#[derive(Debug, Default)]
pub(crate) struct CannedRuns(Vec<CannedRun>);

impl CannedRuns {
    pub(crate) fn new(runs: Vec<CannedRun>) -> Self {
        Self(runs)
    }

    /// Returns the response for a file: by its content, else by its format.
    pub(crate) fn response(&self, content: &[u8], format: &str) -> Option<Value> {
        if self.0.is_empty() {
            return None;
        }
        let subjects = [Subject::Content(hash(content)), Subject::Format(format.to_owned())];
        let found = subjects.iter().find_map(|subject| self.0.iter().find(|run| run.subject == *subject));
        found.map(CannedRun::response)
    }
}

/// The counts of a response.
#[derive(Default)]
pub(crate) struct Counts {
    /// The bytes of the file as it was given.
    pub(crate) input_size: usize,
    pub(crate) input: TextCounts,
    pub(crate) processed: TextCounts,
    pub(crate) pages: u32,
    pub(crate) slides: u32,
}

/// Returns one file of a response.
pub(crate) fn output(kind: &str, extension: &str, content: &[u8]) -> Value {
    json!({
        "processedFile": STANDARD.encode(content),
        "processedFileType": kind,
        "processedFileExtension": extension,
    })
}

/// Returns the response of a run that made these files, of which the processed one has `size` bytes.
pub(crate) fn succeeded(outputs: Vec<Value>, size: usize, counts: &Counts) -> Value {
    json!({
        "status": "SUCCESS",
        "outputType": "BASE64",
        "output": outputs,
        "message": "De-identification completed successfully.",
        "size": kilobytes(size),
        "wordCharacterCount": {
            "wordCount": counts.processed.words, "characterCount": counts.processed.characters
        },
        "duration": 0.0,
        "pages": counts.pages,
        "slides": counts.slides,
        // For version 2 alone.
        "metrics": metrics(counts),
    })
}

/// Returns how much was processed, as version 2 says it.
pub(crate) fn metrics(counts: &Counts) -> Value {
    json!({
        "size": kilobytes(counts.input_size),
        "wordCount": counts.input.words,
        "characterCount": counts.input.characters,
        "slides": counts.slides,
        "pages": counts.pages,
        "duration": 0.0,
    })
}

fn kilobytes(bytes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a size in kilobytes, with a fraction")]
    let kilobytes = bytes as f64 / 1024.0;
    kilobytes
}

/// Returns the response of a run that failed.
pub(crate) fn failed(message: &str) -> Value {
    without_output("FAILED", message)
}

/// Returns the response of a run that has no result, or none yet.
pub(crate) fn without_output(status: &str, message: &str) -> Value {
    json!({
        "status": status, "outputType": "UNKNOWN", "output": [], "message": message, "size": 0.0,
        "wordCharacterCount": { "wordCount": 0, "characterCount": 0 }, "duration": 0.0, "pages": 0, "slides": 0,
    })
}

fn hash(content: &[u8]) -> Vec<u8> {
    digest(&SHA256, content).as_ref().to_vec()
}
