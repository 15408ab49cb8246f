use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use skyflow_emulator_detect::{
    DeidentifiedText, Deidentifier, Found, NoVaultTokens, Policy, PolicyOptions, TextCounts, VaultTokens,
};

use super::vault_tokens::NewTokens;
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::detect::{Destinations, Listed};
use crate::errors::{ApiError, ApiResult};
use skyflow_testkit::Random;

#[derive(Deserialize)]
struct DeidentifyRequest {
    text: Option<String>,
    vault_id: Option<String>,
    configuration_id: Option<String>,
    #[serde(flatten)]
    options: PolicyOptions,
}

/// Replaces the entities of a text with tokens.
pub(super) fn deidentify(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Deidentify)?;
    let request: DeidentifyRequest = call.json()?;
    call.require_vault(request.vault_id.as_deref())?;
    let text = required_text(request.text)?;
    let wanted = call.state.detect.wanted(request.configuration_id.as_deref(), request.options)?;
    let response = processed(call, &text, &wanted.policy, &wanted.destinations)?;
    let count = response.entities.len();
    let entities = match wanted.listed {
        Listed::Nothing => Vec::new(),
        _ => response.entities.iter().map(entity).collect::<Vec<_>>(),
    };
    let counts = TextCounts::of(&text);
    Ok(Reply::json(json!({
        "processed_text": response.processed_text,
        "entities": entities,
        "word_count": counts.words,
        "character_count": counts.characters,
    }))
    .counting(count, 0))
}

/// Processes a text in one transaction, where it stores values: a failed call stores none.
pub(super) fn processed(
    call: &Call<'_>,
    text: &str,
    policy: &Policy,
    destinations: &Destinations,
) -> ApiResult<DeidentifiedText> {
    let deidentify = |tokens: &mut dyn VaultTokens| {
        let detector = &call.state.detect.detector;
        Deidentifier::new(detector, policy, tokens, shift_seed())
            .deidentify_text(text)
            .map_err(ApiError::from)
    };
    match policy.has_vault_tokens() {
        true => call.state.store.write(|transaction| {
            deidentify(&mut NewTokens {
                state: call.state,
                connection: transaction,
                destinations,
                now: call.now,
            })
        }),
        // Other calls go on meanwhile.
        false => deidentify(&mut NoVaultTokens),
    }
}

/// Dates are shifted by other days in every request.
pub(super) fn shift_seed() -> u64 {
    u64::from_be_bytes(Random::system().bytes())
}

pub(super) fn required_text(text: Option<String>) -> ApiResult<String> {
    text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        ApiError::bad_request("Invalid request. No text was present. Specify a text that is not empty.")
    })
}

/// Returns an entity as responses and lists of entities show it.
pub(super) fn entity(found: &Found) -> Value {
    json!({
        "token": found.token,
        "value": found.value,
        "location": {
            "start_index": found.start,
            "end_index": found.end,
            "start_index_processed": found.start_processed,
            "end_index_processed": found.end_processed,
        },
        "entity_type": found.entity.to_uppercase(),
        "entity_scores": scores(found),
    })
}

/// Returns the scores of an entity by their labels in uppercase.
pub(super) fn scores(found: &Found) -> BTreeMap<String, f64> {
    found.scores.iter().map(|(label, score)| (label.to_uppercase(), *score)).collect()
}
