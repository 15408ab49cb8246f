use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use skyflow_emulator_detect::{
    DetectError, FileOptions, FileProblem, Format, FormatOptions, Passage, Reidentifier, Rewrite,
    TokenValues, apply, process,
};
use skyflow_types::{DetectEntity, Redaction};

use super::deidentify_file::{FileData, published_extension};
use super::deidentify_text::required_text;
use super::vault_tokens::StoredTokens;
use super::{Call, Reply, require_format};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

/// The formats of files with tokens.
const FORMATS: &[&str] = &["txt", "csv", "json", "xls", "xlsx", "doc", "docx", "xml"];

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
    require_format(&data_format)?;
    let mut values = LookedUp { call, caller };
    let mut reidentifier = Reidentifier::new(&format, &mut values);
    let run = process(&data_format, &content, &FileOptions::default(), None, &mut reidentifier);
    let file = match run.map(|run| run.outputs.into_iter().next()) {
        Ok(Some(file)) => file,
        Ok(None) => return Err(ApiError::internal()),
        Err(FileProblem::Refused(error)) => return Err(error.into()),
        // There is no run that could fail, and no message beside a status, so the call does.
        Err(problem) => return Err(ApiError::bad_request(format!("Invalid request. {problem}."))),
    };
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

/// Asks the store for each token by itself: a file takes its time, and other calls go on meanwhile.
struct LookedUp<'a> {
    call: &'a Call<'a>,
    caller: &'a Caller,
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
