use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use skyflow_emulator_detect::{
    DetectError, FileOptions, FileProblem, Format, FormatOptions, Passage, ProcessedRun, Reidentifier,
    Rewrite, TokenValues, apply, process,
};
use skyflow_types::{DetectEntity, Redaction};

use super::deidentify_file::{FileData, published_extension};
use super::deidentify_text::required_text;
use super::vault_tokens::StoredTokens;
use super::{Call, Reply, require_format};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

/// The formats of files with tokens.
pub(super) const FORMATS: &[&str] = &["txt", "csv", "json", "jsonl", "xls", "xlsx", "doc", "docx", "xml"];

#[derive(Deserialize)]
struct ReidentifyTextRequest {
    text: Option<String>,
    vault_id: Option<String>,
    format: Option<FormatOptions>,
}

#[derive(Deserialize)]
struct ReidentifyFileRequest<'a> {
    vault_id: Option<String>,
    #[serde(borrow)]
    file: Option<FileData<'a>>,
    format: Option<FormatOptions>,
}

/// Puts values back into a text, as far as the caller may see them.
pub(super) fn text(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Reidentify)?;
    let request: ReidentifyTextRequest = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let text = required_text(request.text)?;
    let format = Format::read(request.format.unwrap_or_default())?;
    let edits = call.state.store.read(|connection| {
        let mut values = StoredTokens { state: call.state, connection, caller, now: call.now };
        Reidentifier::new(&format, &mut values).edits(&Passage::new(&text))
    })?;
    let count = edits.len();
    Ok(Reply::json(json!({ "text": apply(&text, &edits) })).counting(count, 0))
}

/// Puts values back into a file, as far as the caller may see them.
pub(super) fn file(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Reidentify)?;
    let request: ReidentifyFileRequest<'_> = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let format = Format::read(request.format.unwrap_or_default())?;
    let (content, data_format) = FileData::read(request.file, FORMATS)?;
    let mut values = LookedUp { call, caller };
    let run = reidentified(&data_format, &content, Reidentifier::new(&format, &mut values))?;
    let file = run.outputs.into_iter().next().ok_or_else(ApiError::internal)?;
    Ok(Reply::json(json!({
        "status": "success",
        "output_type": "BASE64",
        "output": {
            "processed_file": STANDARD.encode(&file.content),
            "processed_file_type": "reidentified_file",
            "processed_file_extension": published_extension(&file.extension),
        },
    }))
    .counting(1, 0))
}

/// Processes a file with tokens.
pub(super) fn reidentified(
    data_format: &str,
    content: &[u8],
    mut reidentifier: Reidentifier<'_>,
) -> ApiResult<ProcessedRun> {
    require_format(data_format)?;
    match process(data_format, content, &FileOptions::default(), None, &mut reidentifier) {
        Ok(run) => Ok(run),
        Err(FileProblem::Refused(error)) => Err(error.into()),
        // There is no run that could fail, and no message beside a status, so the call does.
        Err(problem) => Err(ApiError::bad_request(format!("Invalid request. {problem}."))),
    }
}

/// Asks the store for each token by itself: a file takes its time, and other calls go on meanwhile.
pub(super) struct LookedUp<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) caller: &'a Caller,
}

impl TokenValues for LookedUp<'_> {
    fn value(
        &mut self,
        entity: &DetectEntity,
        token: &str,
        asked: Redaction,
    ) -> Result<Option<String>, DetectError> {
        let Self { call, caller } = *self;
        call.state.store.read(|connection| {
            StoredTokens { state: call.state, connection, caller, now: call.now }.value(entity, token, asked)
        })
    }
}
