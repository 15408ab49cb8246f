use serde::Deserialize;
use serde_json::json;
use skyflow_emulator_detect::Verdict;

use super::deidentify_text::required_text;
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::ApiResult;

#[derive(Deserialize)]
struct GuardrailsRequest {
    text: Option<String>,
    vault_id: Option<String>,
    check_toxicity: Option<bool>,
    deny_topics: Option<Vec<String>>,
}

/// Judges a text, in the newer generation of field names.
pub(super) fn check(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let request: GuardrailsRequest = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let text = required_text(request.text)?;
    let topics = request.deny_topics.unwrap_or_default();
    let verdict = Verdict::of(&text, request.check_toxicity.unwrap_or(false), &topics);
    let validation = if verdict.passed() { "passed" } else { "failed" };
    Ok(Reply::json(json!({
        "text": text,
        "toxic": verdict.toxic.unwrap_or(false),
        "denied_topic": verdict.denied_topic.unwrap_or(false),
        "validation": validation,
    })))
}
