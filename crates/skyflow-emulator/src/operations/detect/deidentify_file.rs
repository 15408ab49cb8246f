use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_emulator_detect::{
    Deidentifier, DetectError, FileOptions, FileProblem, Found, Ocr, OcrError, OcrWord, PolicyOptions,
    ProcessedRun, VaultTokens, process,
};

use skyflow_http::{Clock as _, SystemClock};

use super::deidentify_text::{entity, shift_seed};
use super::vault_tokens::FileTokens;
use super::{Call, Reply, require_format, runs, v2};
use crate::auth::{Caller, Permission};
use crate::detect::media::{AudioOptions, BLACKBOX, PdfOptions, masking_method};
use crate::detect::{Counts, Listed, Wanted, failed, output, succeeded};
use crate::errors::{ApiError, ApiResult};
use crate::file_type;
use crate::state::State;
use crate::store::files::{self, FileCell, FileRow};
use crate::store::records;

#[derive(Deserialize)]
struct DeidentifyFileRequest<'a> {
    vault_id: Option<String>,
    configuration_id: Option<String>,
    #[serde(borrow)]
    file: Option<FileData<'a>>,
    masking_method: Option<String>,
    output_processed_image: Option<bool>,
    output_ocr_text: Option<bool>,
    #[serde(flatten)]
    audio: AudioOptions,
    #[serde(flatten)]
    pdf: PdfOptions,
    entity_types: Option<Value>,
    token_type: Option<Value>,
    allow_regex: Option<Value>,
    restrict_regex: Option<Value>,
    transformations: Option<Value>,
}

/// A file as requests carry it.
#[derive(Deserialize)]
pub(super) struct FileData<'a> {
    #[serde(borrow, default)]
    base64: Cow<'a, str>,
    data_format: Option<String>,
    skyflow_id: Option<String>,
}

impl FileData<'_> {
    /// Returns content and format; only these formats are taken.
    pub(super) fn read(file: Option<Self>, formats: &[&str]) -> ApiResult<(Vec<u8>, String)> {
        let missing = || ApiError::bad_request("Invalid request. No file was present. Specify a file.");
        let file = file.ok_or_else(missing)?;
        if file.skyflow_id.is_some_and(|id| !id.is_empty()) {
            return Err(ApiError::not_emulated("file.skyflow_id"));
        }
        let format = known_format("file.data_format", file.data_format, formats)?;
        let content = decoded("file.base64", &file.base64)?;
        if content.is_empty() { Err(missing()) } else { Ok((content, format)) }
    }
}

/// Reads the format of a file in lowercase: some official SDKs send it in uppercase.
pub(super) fn known_format(field: &str, format: Option<String>, formats: &[&str]) -> ApiResult<String> {
    let format = format.unwrap_or_default().to_ascii_lowercase();
    match formats.contains(&format.as_str()) {
        true => Ok(format),
        false => Err(ApiError::bad_request(format!(
            "Invalid request. {field} is invalid. Specify one of: {}.",
            formats.join(", ")
        ))),
    }
}

pub(super) fn decoded(field: &str, base64: &str) -> ApiResult<Vec<u8>> {
    let invalid = |_| ApiError::bad_request(format!("Invalid request. {field} is not valid Base64."));
    STANDARD.decode(base64.as_bytes()).map_err(invalid)
}

/// The formats that may have vault tokens.
pub(super) const WITH_VAULT_TOKENS: [&str; 5] = ["csv", "json", "jsonl", "txt", "xml"];

/// What a run is to do with a file.
pub(super) struct Work {
    pub(super) format: String,
    pub(super) content: Vec<u8>,
    pub(super) wanted: Wanted,
    pub(super) options: FileOptions,
    /// The cell that gets the processed file.
    pub(super) destination: Option<FileCell>,
}

impl Work {
    /// Starts a run: what is wrong with the request is told at once, and what is wrong with the file by the run.
    pub(super) fn start(mut self, call: &Call<'_>) -> ApiResult<String> {
        if !WITH_VAULT_TOKENS.contains(&self.format.as_str()) {
            self.wanted.policy = self.wanted.policy.without_vault_tokens()?;
        }
        match call.state.detect.canned.response(&self.content, &self.format) {
            Some(response) => runs::start_finished(call, &response),
            None => {
                require_format(&self.format)?;
                runs::start(call, move |state| self.processed(state))
            }
        }
    }
}

/// Starts to de-identify a file.
pub(super) fn start(call: &Call<'_>, caller: &Caller, formats: &[&str]) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let mut request: DeidentifyFileRequest<'_> = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let wanted = wanted(call, &mut request)?;
    let options = options(&request, &wanted.media)?;
    let (content, format) = FileData::read(request.file, formats)?;
    let run_id = Work { format, content, wanted, options, destination: None }.start(call)?;
    Ok(Reply::json(json!({ "run_id": run_id })).counting(1, 0))
}

fn wanted(call: &Call<'_>, request: &mut DeidentifyFileRequest<'_>) -> ApiResult<Wanted> {
    let options = json!({
        "entity_types": request.entity_types.take(),
        "token_type": request.token_type.take(),
        "allow_regex": request.allow_regex.take(),
        "restrict_regex": request.restrict_regex.take(),
        "transformations": request.transformations.take(),
    });
    let options: PolicyOptions = serde_json::from_value(options).map_err(|_| {
        ApiError::bad_request("Invalid request. The options of the request do not have the expected shape.")
    })?;
    call.state.detect.wanted(request.configuration_id.as_deref(), options)
}

/// Joins the options of the request and those of its configuration; the request's own win.
fn options(request: &DeidentifyFileRequest<'_>, configured: &FileOptions) -> ApiResult<FileOptions> {
    request.pdf.check()?;
    request.audio.check()?;
    let mut options = configured.clone();
    options.output_processed_image = request.output_processed_image.or(options.output_processed_image);
    options.output_ocr_text = request.output_ocr_text.or(options.output_ocr_text);
    options.masking_method =
        masking_method(request.masking_method.as_deref(), BLACKBOX)?.or(options.masking_method);
    Ok(options)
}

/// The enumeration of the extensions of results has no `jsonl` in the official SDKs, some of which refuse other values.
pub(super) fn published_extension(extension: &str) -> &str {
    if extension == "jsonl" { "json" } else { extension }
}

/// Stores a processed file in a cell.
fn store_file(state: &State, cell: &FileCell, content: &[u8], extension: &str) -> ApiResult<()> {
    let table = state.schema.table(&cell.table).ok_or_else(ApiError::no_such_resource)?;
    let column = table.column(&cell.column).ok_or_else(ApiError::no_such_resource)?;
    let name = format!("processed.{extension}");
    let file = FileRow {
        content_type: file_type::of(&name, content).to_owned(),
        file_name: name,
        size: i64::try_from(content.len()).unwrap_or(i64::MAX),
        infected: file_type::is_infected(content),
        uploaded_at: state.now().millis(),
    };
    state.store.write(|transaction| {
        files::put(transaction, cell, &file, content)?;
        records::update(transaction, table, &cell.skyflow_id, &[(column, &file.file_name.as_str().into())])
    })?;
    Ok(())
}

/// How long the work on one file may take.
const TIME_LIMIT: Duration = Duration::from_secs(60);

impl Work {
    /// Goes through the file twice: what is found once is replaced everywhere. The store is not needed for it, so that
    /// other calls go on meanwhile.
    fn processed(self, state: &State) -> Value {
        let mut tokens = FileTokens::default();
        let seed = shift_seed();
        if self.wanted.policy.has_vault_tokens() {
            // The values that get tokens are known after a first run through the file.
            let stored = self.run(state, &mut tokens, seed).map(drop).and_then(|()| {
                tokens.store(state, &self.wanted.destinations).map_err(|error| error.message(""))
            });
            if let Err(message) = stored {
                return failed(&message);
            }
        }
        let (run, mut found) = match self.run(state, &mut tokens, seed) {
            Ok(processed) => processed,
            Err(message) => return failed(&message),
        };
        let size = run.outputs.first().map_or(0, |file| file.content.len());
        let stored = self.destination.as_ref().zip(run.outputs.first());
        if let Some((cell, file)) = stored
            && let Err(error) = store_file(state, cell, &file.content, &file.extension)
        {
            return failed(&error.message(""));
        }
        let files = run
            .outputs
            .iter()
            .map(|file| output(file.kind, published_extension(&file.extension), &file.content));
        // A file may show the same words in several passages, such as a row of a PDF and its column.
        let mut listed = BTreeSet::new();
        found.retain(|found| listed.insert((found.token.clone(), found.value.clone())));
        let listed = self.wanted.listed;
        let found: Vec<Value> = match listed {
            Listed::Version1 => found.iter().map(entity).collect(),
            _ => found.iter().filter_map(|found| v2::listed(found, listed)).collect(),
        };
        let list = output("entities", "json", Value::Array(found).to_string().as_bytes());
        let list = Some(list).filter(|_| listed != Listed::Nothing);
        let counts = Counts {
            input_size: self.content.len(),
            input: run.input,
            processed: run.processed,
            pages: run.pages.unwrap_or(0),
            slides: run.slides.unwrap_or(0),
        };
        let mut response = succeeded(files.chain(list).collect(), size, &counts);
        if let Some(cell) = &self.destination {
            let members = [("/outputType", "SKYFLOW_ID"), ("/output/0/processedFile", &cell.skyflow_id)];
            for (pointer, value) in members {
                if let Some(member) = response.pointer_mut(pointer) {
                    *member = json!(value);
                }
            }
        }
        response
    }

    fn run(
        &self,
        state: &State,
        tokens: &mut dyn VaultTokens,
        seed: u64,
    ) -> Result<(ProcessedRun, Vec<Found>), String> {
        let detect = &state.detect;
        let read_once = detect.ocr.as_deref().map(|ocr| ReadOnce { ocr, words: OnceLock::new() });
        let ocr = read_once.as_ref().map(|ocr| ocr as &dyn Ocr);
        // The clock of the vault may be one that a test moves; the work takes real time.
        let started = SystemClock.monotonic();
        let is_out_of_time = || SystemClock.monotonic().saturating_duration_since(started) > TIME_LIMIT;
        let mut deidentifier =
            Deidentifier::new(&detect.detector, &self.wanted.policy, tokens, seed).until(&is_out_of_time);
        let pass = |rewrite: &mut Deidentifier<'_>| {
            process(&self.format, &self.content, &self.options, ocr, rewrite)
        };
        match deidentifier.twice(pass) {
            Ok(run) => Ok((run, deidentifier.into_found())),
            Err(FileProblem::Refused(DetectError::OutOfTime)) => Err(format!(
                "the work on the file took longer than {} seconds, which is what the embedded vault allows",
                TIME_LIMIT.as_secs()
            )),
            Err(problem) => Err(problem.to_string()),
        }
    }
}

/// Reads the one image of a run once, although the run goes through its file twice.
#[derive(Debug)]
struct ReadOnce<'a> {
    ocr: &'a dyn Ocr,
    words: OnceLock<Vec<OcrWord>>,
}

impl Ocr for ReadOnce<'_> {
    fn read(&self, png: &[u8]) -> Result<Vec<OcrWord>, OcrError> {
        if let Some(words) = self.words.get() {
            return Ok(words.clone());
        }
        let words = self.ocr.read(png)?;
        Ok(self.words.get_or_init(|| words).clone())
    }
}
