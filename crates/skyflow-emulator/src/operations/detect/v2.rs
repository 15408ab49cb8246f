//! Version 2 of Detect: rules for each entity, and files from the vault.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_emulator_detect::{
    FileOptions, Format, Found, MaskingMethod, ObjectRedaction, Passage, Reidentifier, ReturnedEntities,
    Rewrite, Rules, RulesOptions, TextCounts, WholeNumber, apply,
};
use skyflow_types::{DetectEntity, Redaction};

use super::deidentify_file::{Work, decoded, known_format};
use super::deidentify_text::{processed, required_text, scores};
use super::reidentify::{FORMATS, LookedUp, reidentified};
use super::vault_tokens::StoredTokens;
use super::{ANY_FORMAT, Call, Reply};
use crate::auth::{Caller, Permission};
use crate::detect::media::{bounded, float};
use crate::detect::{ColumnName, Counts, Listed, Wanted, metrics, require_column};
use crate::downloads;
use crate::errors::{ApiError, ApiResult};
use crate::operations::files::{check_record, file_column};
use crate::store::files::{self, FileCell};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeidentifyStringRequest {
    text: Option<String>,
    configuration_id: Option<String>,
    configuration: Option<Configuration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeidentifyFileRequest {
    data_source: Option<String>,
    value: Option<String>,
    data_format: Option<String>,
    configuration_id: Option<String>,
    configuration: Option<Configuration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReidentifyStringRequest {
    vault_id: Option<String>,
    text: Option<String>,
    redaction_level: Option<Vec<RedactionLevel>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReidentifyFileRequest {
    data_source: Option<String>,
    value: Option<String>,
    data_format: Option<String>,
    vault_id: Option<String>,
    redaction_level: Option<Vec<RedactionLevel>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RedactionLevel {
    replace_pattern: Option<String>,
    source: Option<String>,
}

/// A configuration that a request brings along.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Configuration {
    #[serde(rename = "ID")]
    _id: Option<String>,
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "namespace")]
    _namespace: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "vaultType")]
    _vault_type: Option<String>,
    vault_id: Option<String>,
    detect: Option<RulesOptions>,
    file_mapping: Option<Vec<FileMapping>>,
    media: Option<Media>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct FileMapping {
    source: Option<String>,
    destination: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Media {
    audio: Option<Audio>,
    document: Option<Document>,
    image: Option<Image>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Audio {
    #[serde(rename = "outputProcessedAudio")]
    _output_processed_audio: Option<bool>,
    output_transcription: Option<String>,
    bleep: Option<Bleep>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bleep {
    start_padding: Option<f64>,
    stop_padding: Option<f64>,
    frequency: Option<WholeNumber>,
    gain: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pdf: Option<Pdf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pdf {
    density: Option<WholeNumber>,
    max_resolution: Option<WholeNumber>,
    processing_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Image {
    output_processed_image: Option<bool>,
    output_ocr_text: Option<bool>,
    masking_method: Option<String>,
}

/// A configuration that was read and checked.
struct Checked {
    wanted: Wanted,
    objects: ObjectRedaction,
    mapping: Option<FileMapping>,
}

impl Checked {
    fn read(call: &Call<'_>, id: Option<String>, configuration: Option<Configuration>) -> ApiResult<Self> {
        let configuration = match (id.filter(|id| !id.is_empty()), configuration) {
            (Some(id), None) => {
                let wanted = call.state.detect.stored(&id)?.in_version_2();
                return Ok(Self { wanted, objects: ObjectRedaction::None, mapping: None });
            }
            (None, Some(configuration)) => configuration,
            _ => {
                return Err(ApiError::bad_request(
                    "Invalid request. Specify exactly one of configurationId and configuration.",
                ));
            }
        };
        call.require_vault(configuration.vault_id.as_deref())?;
        let Rules { policy, destinations, objects, returned, .. } =
            Rules::read(configuration.detect.unwrap_or_default())?;
        let mut columns = BTreeMap::new();
        for (entity, destination) in destinations {
            let name = column_name(&destination, "configuration.detect.entities.destination")?;
            require_column(&call.state.schema, &name, "configuration.detect.entities.destination")?;
            columns.insert(entity, name);
        }
        call.state.detect.configurations.note(&columns);
        let listed = match returned {
            ReturnedEntities::All => Listed::WithValues,
            ReturnedEntities::ExcludeSensitiveData => Listed::WithoutValues,
            ReturnedEntities::None => Listed::Nothing,
        };
        let media = configuration.media.map(media).transpose()?.unwrap_or_default();
        let mapping = configuration.file_mapping.and_then(|mappings| mappings.into_iter().next());
        Ok(Self { wanted: Wanted { policy, destinations: columns, listed, media }, objects, mapping })
    }
}

/// Checks what a configuration says about media. A block that is there has the published defaults for what it leaves
/// out.
fn media(media: Media) -> ApiResult<FileOptions> {
    let invalid = |field: &str| ApiError::bad_request(format!("Invalid request. {field} is invalid."));
    let upper = |name: Option<String>| name.unwrap_or_default().to_ascii_uppercase();
    let mut options = FileOptions::default();
    if let Some(audio) = media.audio {
        const TRANSCRIPTIONS: [&str; 7] = [
            "",
            "DIARIZED_TRANSCRIPTION",
            "MEDICAL_DIARIZED_TRANSCRIPTION",
            "MEDICAL_TRANSCRIPTION",
            "NONE",
            "PLAINTEXT_TRANSCRIPTION",
            "TRANSCRIPTION",
        ];
        if !TRANSCRIPTIONS.contains(&upper(audio.output_transcription).as_str()) {
            return Err(invalid("media.audio.outputTranscription"));
        }
        if let Some(bleep) = audio.bleep {
            bounded("startPadding", bleep.start_padding, f64::MIN, 20.0)?;
            bounded("stopPadding", bleep.stop_padding, f64::MIN, 20.0)?;
            bounded("frequency", bleep.frequency.map(float), 20.0, 20_000.0)?;
            bounded("bleep_gain", bleep.gain, -60.0, f64::MAX)?;
        }
    }
    if let Some(pdf) = media.document.and_then(|document| document.pdf) {
        bounded("density", pdf.density.map(float), f64::MIN, 1000.0)?;
        bounded("maxResolution", pdf.max_resolution.map(float), 72.0, 3000.0)?;
        match upper(pdf.processing_mode).as_str() {
            "" | "NONE" | "TEXT_LAYER" => {}
            "OCR" => return Err(ApiError::not_emulated("media.document.pdf.processingMode OCR")),
            _ => return Err(invalid("media.document.pdf.processingMode")),
        }
    }
    if let Some(image) = media.image {
        options.output_processed_image = image.output_processed_image;
        options.output_ocr_text = image.output_ocr_text;
        options.masking_method = match upper(image.masking_method).as_str() {
            "" => None,
            "BLACKBOX" => Some(MaskingMethod::Blackbox),
            "BLUR" => Some(MaskingMethod::Blur),
            _ => return Err(invalid("media.image.maskingMethod")),
        };
    }
    Ok(options)
}

/// Reads the name of a column, such as `table.column`.
fn column_name(name: &str, field: &str) -> ApiResult<ColumnName> {
    let invalid =
        || ApiError::bad_request(format!("Invalid request. {field} is invalid. Specify table.column."));
    let (table, column) = name.split_once('.').ok_or_else(invalid)?;
    Ok(ColumnName { table: table.to_owned(), column: column.to_owned() })
}

/// Replaces the entities of a text with tokens.
pub(super) fn deidentify_text(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let request: DeidentifyStringRequest = call.json()?;
    let text = required_text(request.text)?;
    let Checked { wanted, .. } = Checked::read(call, request.configuration_id, request.configuration)?;
    let response = processed(call, &text, &wanted.policy, &wanted.destinations)?;
    let count = response.entities.len();
    let entities: Vec<Value> =
        response.entities.iter().filter_map(|found| listed(found, wanted.listed)).collect();
    Ok(Reply::json(json!({
        "processedText": response.processed_text,
        "entities": entities,
        "metrics": text_metrics(&text),
    }))
    .counting(count, 0))
}

fn text_metrics(text: &str) -> Value {
    metrics(&Counts { input_size: text.len(), input: TextCounts::of(text), ..Counts::default() })
}

/// Returns an entity as a response of version 2 lists it.
pub(super) fn listed(found: &Found, listed: Listed) -> Option<Value> {
    if listed == Listed::Nothing {
        return None;
    }
    let mut entity = json!({
        "token": found.token,
        "value": found.value,
        "location": {
            "startIndex": found.start,
            "endIndex": found.end,
            "startIndexProcessed": found.start_processed,
            "endIndexProcessed": found.end_processed,
        },
        "entityType": found.entity.to_uppercase(),
        "entityScores": scores(found),
    });
    if listed == Listed::WithoutValues {
        entity.as_object_mut()?.remove("value");
    }
    Some(entity)
}

/// Puts values back into a text; an unknown token fails the call.
pub(super) fn reidentify_text(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Reidentify)?;
    let request: ReidentifyStringRequest = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let text = required_text(request.text)?;
    let format = format(request.redaction_level)?;
    let edits = call.state.store.read(|connection| {
        let mut values = StoredTokens { state: call.state, connection, caller, now: call.now };
        Reidentifier::new(&format, &mut values).refusing_unknown_tokens().edits(&Passage::new(&text))
    })?;
    let count = edits.len();
    let body = json!({ "processedText": apply(&text, &edits), "metrics": text_metrics(&text) });
    Ok(Reply::json(body).counting(count, 0))
}

/// Reads how values are shown: in plain text where nothing else is said.
fn format(levels: Option<Vec<RedactionLevel>>) -> ApiResult<Format> {
    let mut read = BTreeMap::new();
    for (index, level) in levels.unwrap_or_default().into_iter().enumerate() {
        let invalid = |field: &str| {
            ApiError::bad_request(format!("Invalid request. redactionLevel[{index}].{field} is invalid."))
        };
        let entity = DetectEntity::new(level.source.unwrap_or_default());
        if !entity.is_known() {
            return Err(invalid("source"));
        }
        let shown = match level.replace_pattern.unwrap_or_default().to_ascii_uppercase().as_str() {
            "MASKED" => Redaction::Masked,
            "PLAINTEXT" => Redaction::PlainText,
            "REDACTED" => Redaction::Redacted,
            _ => return Err(invalid("replacePattern")),
        };
        if read.insert(entity, shown).is_some_and(|other| other != shown) {
            return Err(invalid("source"));
        }
    }
    Ok(Format::of_levels(read))
}

/// Starts to de-identify a file.
pub(super) fn deidentify_file(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let request: DeidentifyFileRequest = call.json()?;
    let Checked { wanted, objects, mapping } =
        Checked::read(call, request.configuration_id, request.configuration)?;
    let mut options = wanted.media.clone();
    let format = known_format("dataFormat", request.data_format, ANY_FORMAT)?;
    let is_picture = ["bmp", "dcm", "gif", "jpeg", "jpg", "png", "tif", "tiff"].contains(&format.as_str());
    match objects {
        ObjectRedaction::Some if is_picture => {
            return Err(ApiError::not_emulated("configuration.detect.objectEntities of single kinds"));
        }
        ObjectRedaction::All => options.hides_image = true,
        _ => {}
    }
    let source = Source::read(call, request.data_source, request.value, mapping.as_ref())?;
    let destination = source.destination(call, mapping)?;
    let run_id = Work { format, content: source.content, wanted, options, destination }.start(call)?;
    Ok(Reply::json(json!({ "runId": run_id })).counting(1, 0))
}

/// Puts values back into a file, at once.
pub(super) fn reidentify_file(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Reidentify)?;
    let request: ReidentifyFileRequest = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let format = format(request.redaction_level)?;
    let data_format = known_format("dataFormat", request.data_format, FORMATS)?;
    let content = Source::read(call, request.data_source, request.value, None)?.content;
    let mut values = LookedUp { call, caller };
    let reidentifier = Reidentifier::new(&format, &mut values).refusing_unknown_tokens();
    let run = reidentified(&data_format, &content, reidentifier)?;
    let counts = Counts {
        input_size: content.len(),
        input: run.input,
        processed: run.processed,
        pages: run.pages.unwrap_or(0),
        slides: run.slides.unwrap_or(0),
    };
    let file = run.outputs.into_iter().next().ok_or_else(ApiError::internal)?;
    Ok(Reply::json(json!({
        "status": "SUCCESS",
        "outputType": "BASE64",
        "output": [{
            "processedFile": STANDARD.encode(&file.content),
            "processedFileType": "REIDENTIFIED_FILE",
            "processedFileExtension": file.extension,
        }],
        "metrics": metrics(&counts),
    }))
    .counting(1, 0))
}

/// The file of a request.
struct Source {
    content: Vec<u8>,
    /// The record that it belongs to.
    skyflow_id: Option<String>,
}

impl Source {
    fn read(
        call: &Call<'_>,
        data_source: Option<String>,
        value: Option<String>,
        mapping: Option<&FileMapping>,
    ) -> ApiResult<Self> {
        let value = value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ApiError::bad_request("Invalid request. No file was present. Specify value."))?;
        let source = match data_source.unwrap_or_default().to_ascii_uppercase().as_str() {
            "BASE64" => Self { content: decoded("value", &value)?, skyflow_id: None },
            "SKYFLOW_ID" => {
                let source = mapping.and_then(|mapping| mapping.source.as_deref()).ok_or_else(|| {
                    ApiError::bad_request(
                        "Invalid request. configuration.fileMapping.source is missing. Specify table.column.",
                    )
                })?;
                let cell = file_cell(call, source, "configuration.fileMapping.source", &value)?;
                Self { content: content_of(call, &cell)?, skyflow_id: Some(value) }
            }
            "PRESIGNED_URL" => {
                let path =
                    value.strip_prefix(call.origin).and_then(|path| path.strip_prefix(downloads::PATH));
                let (cell, _) =
                    path.and_then(|key| call.state.downloads.find(key, call.now)).ok_or_else(|| {
                        ApiError::bad_request(
                            "Invalid request. value is no link of this vault, or has expired.",
                        )
                    })?;
                Self { content: content_of(call, &cell)?, skyflow_id: None }
            }
            _ => {
                return Err(ApiError::bad_request(
                    "Invalid request. dataSource is invalid. Specify BASE64, SKYFLOW_ID or PRESIGNED_URL.",
                ));
            }
        };
        match source.content.is_empty() {
            true => Err(ApiError::bad_request("Invalid request. The file is empty. Specify a file.")),
            false => Ok(source),
        }
    }

    /// Returns where the processed file goes: into a column of the record that the file is from.
    fn destination(&self, call: &Call<'_>, mapping: Option<FileMapping>) -> ApiResult<Option<FileCell>> {
        let destination = mapping.and_then(|mapping| mapping.destination);
        match (&self.skyflow_id, destination) {
            (Some(id), Some(name)) => {
                file_cell(call, &name, "configuration.fileMapping.destination", id).map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn file_cell(call: &Call<'_>, name: &str, field: &str, skyflow_id: &str) -> ApiResult<FileCell> {
    let name = column_name(name, field)?;
    let table = call.table_named(&name.table)?;
    let column = file_column(table, &name.column, "Detect")?;
    call.state.store.read(|connection| check_record(connection, table, skyflow_id, "Detect"))?;
    Ok(FileCell {
        table: table.name().to_owned(),
        column: column.name.clone(),
        skyflow_id: skyflow_id.to_owned(),
    })
}

fn content_of(call: &Call<'_>, cell: &FileCell) -> ApiResult<Vec<u8>> {
    let content = call.state.store.read(|connection| files::content(connection, cell))?;
    content.ok_or_else(ApiError::no_such_resource)
}
