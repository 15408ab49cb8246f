use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_emulator_detect::{
    Deidentifier, FileOptions, MaskingMethod, NoVaultTokens, Ocr, OcrError, OcrWord, Policy, PolicyOptions,
    WholeNumber, process,
};

use super::deidentify_text::{entity, shift_seed};
use super::{Call, Reply, require_format, runs};
use crate::auth::{Caller, Permission};
use crate::detect::{Counts, failed, output, succeeded};
use crate::errors::{ApiError, ApiResult};
use crate::state::State;

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
    density: Option<WholeNumber>,
    max_resolution: Option<WholeNumber>,
    entity_types: Option<Value>,
    token_type: Option<Value>,
    allow_regex: Option<Value>,
    restrict_regex: Option<Value>,
    transformations: Option<Value>,
}

/// What a request says about sound. It is read so that what cannot be meant is refused; sound is not processed.
#[derive(Deserialize)]
struct AudioOptions {
    output_transcription: Option<String>,
    #[serde(rename = "output_processed_audio")]
    _output_processed_audio: Option<bool>,
    bleep_start_padding: Option<f64>,
    bleep_stop_padding: Option<f64>,
    bleep_frequency: Option<WholeNumber>,
    #[serde(rename = "bleep_gain")]
    _bleep_gain: Option<f64>,
}

impl AudioOptions {
    const TRANSCRIPTIONS: [&str; 5] = [
        "transcription",
        "medical_transcription",
        "diarized_transcription",
        "medical_diarized_transcription",
        "plaintext_transcription",
    ];

    fn check(&self) -> ApiResult<()> {
        let transcription = self.output_transcription.as_deref().filter(|text| !text.is_empty());
        if transcription.is_some_and(|text| !Self::TRANSCRIPTIONS.contains(&text)) {
            return Err(ApiError::bad_request(format!(
                "Invalid request. output_transcription is invalid. Specify one of: {}.",
                Self::TRANSCRIPTIONS.join(", ")
            )));
        }
        let is_negative = |padding: Option<f64>| padding.is_some_and(|padding| padding < 0.0);
        if is_negative(self.bleep_start_padding)
            || is_negative(self.bleep_stop_padding)
            || is_negative_number(self.bleep_frequency)
        {
            let text = "Invalid request. The frequency and the paddings of a bleep must not be negative.";
            return Err(ApiError::bad_request(text));
        }
        Ok(())
    }
}

/// A file as requests carry it.
#[derive(Deserialize)]
pub(super) struct FileData<'a> {
    #[serde(borrow, default)]
    base64: Cow<'a, str>,
    data_format: Option<String>,
}

impl FileData<'_> {
    /// Returns content and format; only these formats are taken.
    pub(super) fn read(file: Option<Self>, formats: &[&str]) -> ApiResult<(Vec<u8>, String)> {
        let missing = || ApiError::bad_request("Invalid request. No file was present. Specify a file.");
        let file = file.ok_or_else(missing)?;
        // Some official SDKs send it in uppercase.
        let format = file.data_format.unwrap_or_default().to_ascii_lowercase();
        if !formats.contains(&format.as_str()) {
            return Err(ApiError::bad_request(format!(
                "Invalid request. file.data_format is invalid. Specify one of: {}.",
                formats.join(", ")
            )));
        }
        let content = STANDARD.decode(file.base64.as_bytes());
        let content = content
            .map_err(|_| ApiError::bad_request("Invalid request. file.base64 is not valid Base64."))?;
        if content.is_empty() { Err(missing()) } else { Ok((content, format)) }
    }
}

/// Starts a run: what is wrong with the request is told at once, and what is wrong with the file by the run.
pub(super) fn start(call: &Call<'_>, caller: &Caller, formats: &[&str]) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let mut request: DeidentifyFileRequest<'_> = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let policy = policy(call, &mut request)?;
    let options = options(&request)?;
    let (content, format) = FileData::read(request.file, formats)?;
    let run_id = match call.state.detect.canned.response(&content, &format) {
        Some(response) => runs::start_finished(call, &response),
        None => {
            require_format(&format)?;
            runs::start(call, move |state| processed(state, &policy, &format, &content, &options))
        }
    }?;
    Ok(Reply::json(json!({ "run_id": run_id })).counting(1, 0))
}

fn policy(call: &Call<'_>, request: &mut DeidentifyFileRequest<'_>) -> ApiResult<Policy> {
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
    Ok(call.state.detect.policy(request.configuration_id.as_deref(), options)?.without_vault_tokens()?)
}

/// Zero counts as unset: some SDKs cannot omit a number.
fn is_negative_number(number: Option<WholeNumber>) -> bool {
    number.is_some_and(|number| number.0 < 0)
}

fn options(request: &DeidentifyFileRequest<'_>) -> ApiResult<FileOptions> {
    // They have no effect: pages are never turned into pictures.
    if is_negative_number(request.density) || is_negative_number(request.max_resolution) {
        let text = "Invalid request. density and max_resolution must not be negative.";
        return Err(ApiError::bad_request(text));
    }
    let masking_method = match request.masking_method.as_deref() {
        None | Some("") => None,
        Some("blackbox") => Some(MaskingMethod::Blackbox),
        Some("blur") => Some(MaskingMethod::Blur),
        Some(_) => {
            let text = "Invalid request. masking_method is invalid. Specify blackbox or blur.";
            return Err(ApiError::bad_request(text));
        }
    };
    request.audio.check()?;
    let mut options = FileOptions::default();
    options.output_processed_image = request.output_processed_image;
    options.output_ocr_text = request.output_ocr_text;
    options.masking_method = masking_method;
    Ok(options)
}

/// The enumeration of the extensions of results has no `jsonl` in the official SDKs, some of which refuse other values.
pub(super) fn published_extension(extension: &str) -> &str {
    if extension == "jsonl" { "json" } else { extension }
}

/// Goes through the file twice: what is found once is replaced everywhere. The store is not needed for it, so that other
/// calls go on meanwhile.
fn processed(state: &State, policy: &Policy, format: &str, content: &[u8], options: &FileOptions) -> Value {
    let detect = &state.detect;
    let read_once = detect.ocr.as_deref().map(|ocr| ReadOnce { ocr, words: OnceLock::new() });
    let ocr = read_once.as_ref().map(|ocr| ocr as &dyn Ocr);
    let mut tokens = NoVaultTokens;
    let mut deidentifier = Deidentifier::new(&detect.detector, policy, &mut tokens, shift_seed());
    let run = match deidentifier.twice(|rewrite| process(format, content, options, ocr, rewrite)) {
        Ok(run) => run,
        Err(problem) => return failed(&problem.to_string()),
    };
    let size = run.outputs.first().map_or(0, |file| file.content.len());
    let files =
        run.outputs.iter().map(|file| output(file.kind, published_extension(&file.extension), &file.content));
    // A file may show the same words in several passages, such as a row of a PDF and its column.
    let mut listed = BTreeSet::new();
    let mut found = deidentifier.into_found();
    found.retain(|found| listed.insert((found.token.clone(), found.value.clone())));
    let found: Vec<Value> = found.iter().map(entity).collect();
    let list = output("entities", "json", Value::Array(found).to_string().as_bytes());
    let counts = Counts {
        words: run.word_count,
        characters: run.character_count,
        pages: run.pages.unwrap_or(0),
        slides: run.slides.unwrap_or(0),
    };
    succeeded(files.chain([list]).collect(), size, &counts)
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
