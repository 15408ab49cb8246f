//! Detect: texts, files and their runs, guardrails.

mod configurations;
mod deidentify_file;
mod deidentify_text;
mod guardrails;
mod reidentify;
pub(crate) mod runs;
mod v2;
mod vault_tokens;

use skyflow_emulator_detect::missing_feature;

use super::{Call, Reply};
use crate::auth::Caller;
use crate::errors::{ApiError, ApiResult};
use crate::routes::Operation;

/// The formats that the endpoint for files of any kind takes.
const ANY_FORMAT: &[&str] = &[
    "mp3", "wav", "pdf", "txt", "csv", "json", "jpg", "jpeg", "tif", "tiff", "png", "bmp", "xls", "xlsx",
    "doc", "docx", "ppt", "pptx", "xml", "dcm", "jsonl", "zip", "gif",
];

/// Runs an operation of Detect.
pub(super) fn run(operation: Operation, call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let formats = match operation {
        Operation::StringsDeidentify => return deidentify_text::deidentify(call, caller),
        Operation::StringsReidentify => return reidentify::text(call, caller),
        Operation::GuardrailsCheck => return guardrails::check(call, caller),
        Operation::FilesReidentify => return reidentify::file(call, caller),
        Operation::FilesGetRun => return runs::get(call, caller),
        Operation::DetectConfigurationsCreate => return configurations::create(call, caller),
        Operation::DetectConfigurationsList => return configurations::list(call, caller),
        Operation::DetectConfigurationsGet => return configurations::get(call, caller),
        Operation::DetectConfigurationsUpdate => return configurations::update(call, caller),
        Operation::DetectConfigurationsDelete => return configurations::delete(call, caller),
        Operation::DetectV2DeidentifyString => return v2::deidentify_text(call, caller),
        Operation::DetectV2ReidentifyString => return v2::reidentify_text(call, caller),
        Operation::DetectV2CheckGuardrails => return guardrails::check_v2(call, caller),
        Operation::DetectV2DeidentifyFile => return v2::deidentify_file(call, caller),
        Operation::DetectV2ReidentifyFile => return v2::reidentify_file(call, caller),
        Operation::DetectV2GetRun => return runs::get_v2(call, caller),
        Operation::FilesDeidentify => ANY_FORMAT,
        Operation::FilesDeidentifyText => &["txt"],
        Operation::FilesDeidentifyAudio => &["mp3", "wav"],
        Operation::FilesDeidentifyDocument => &["pdf", "doc", "docx"],
        Operation::FilesDeidentifyPdf => &["pdf"],
        Operation::FilesDeidentifyImage => &["jpg", "jpeg", "tif", "tiff", "png", "bmp", "dcm", "gif"],
        Operation::FilesDeidentifyPresentation => &["ppt", "pptx"],
        Operation::FilesDeidentifySpreadsheet => &["csv", "xls", "xlsx"],
        Operation::FilesDeidentifyStructuredText => &["json", "xml", "jsonl"],
        _ => return Err(ApiError::internal()),
    };
    deidentify_file::start(call, caller, formats)
}

/// Refuses a format whose feature is not enabled.
fn require_format(format: &str) -> ApiResult<()> {
    missing_feature(format).map_or(Ok(()), |feature| Err(ApiError::missing_feature(feature)))
}
