use serde::Deserialize;
use serde_json::json;
use skyflow_emulator_detect::Verdict;

use super::deidentify_text::required_text;
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};

/// The longest text, in characters.
const TEXT_LIMIT: usize = 500_000;
/// The most denied topics, and the longest one in characters.
const TOPICS_LIMIT: usize = 100;
const TOPIC_LIMIT: usize = 60;

#[derive(Deserialize)]
struct GuardrailsRequest {
    text: Option<String>,
    vault_id: Option<String>,
    check_toxicity: Option<bool>,
    deny_topics: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct GuardrailsRequestV2 {
    text: Option<String>,
    vault_id: Option<String>,
    check_toxicity: Option<bool>,
    deny_topics: Option<Vec<String>>,
}

/// Judges a text, in the newer generation of field names.
pub(super) fn check(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let request: GuardrailsRequest = call.json()?;
    let (text, verdict) = verdict(call, caller, request)?;
    let validation = if verdict.passed() { "passed" } else { "failed" };
    Ok(Reply::json(json!({
        "text": text,
        "toxic": verdict.toxic.unwrap_or(false),
        "denied_topic": verdict.denied_topic.unwrap_or(false),
        "validation": validation,
    })))
}

/// Judges a text, in the names of version 2.
pub(super) fn check_v2(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let GuardrailsRequestV2 { text, vault_id, check_toxicity, deny_topics } = call.json()?;
    let request = GuardrailsRequest { text, vault_id, check_toxicity, deny_topics };
    let (text, verdict) = verdict(call, caller, request)?;
    let validation = if verdict.passed() { "PASSED" } else { "FAILED" };
    Ok(Reply::json(json!({
        "text": text,
        "toxic": verdict.toxic.unwrap_or(false),
        "deniedTopic": verdict.denied_topic.unwrap_or(false),
        "validation": validation,
    })))
}

fn verdict(call: &Call<'_>, caller: &Caller, request: GuardrailsRequest) -> ApiResult<(String, Verdict)> {
    caller.require(Permission::Deidentify)?;
    call.require_vault(request.vault_id.as_deref())?;
    let text = required_text(request.text)?;
    let topics = request.deny_topics.unwrap_or_default();
    let is_longer = |text: &str, limit: usize| text.chars().nth(limit).is_some();
    if is_longer(&text, TEXT_LIMIT) {
        return Err(ApiError::bad_request(format!(
            "Invalid request. The text has more than {TEXT_LIMIT} characters. Specify a shorter text."
        )));
    }
    if topics.len() > TOPICS_LIMIT || topics.iter().any(|topic| is_longer(topic, TOPIC_LIMIT)) {
        return Err(ApiError::bad_request(format!(
            "Invalid request. deny_topics has more than {TOPICS_LIMIT} topics, or one of more than {TOPIC_LIMIT} \
             characters."
        )));
    }
    let verdict = Verdict::of(&text, request.check_toxicity.unwrap_or(true), &topics);
    Ok((text, verdict))
}
