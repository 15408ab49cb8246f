//! Responses of Detect with all of their members.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{DeidentifyTextResponse, DetectEntity, DetectRun, TextIndex};

use crate::json::Json;

pub(super) fn deidentified(response: &DeidentifyTextResponse) -> Json {
    let entities = response.entities.iter().map(|found| {
        let scores = found.scores.iter().map(|(entity, score)| (label(entity), Json::number(score)));
        Json::object([
            ("token", Json::text(&found.token)),
            ("value", Json::text(&found.value)),
            ("text_index", found.text_index.map_or(Json::Null, index)),
            ("processed_index", found.processed_index.map_or(Json::Null, index)),
            ("entity", Json::text_or_null(found.entity.as_ref().map(label))),
            ("scores", Json::object(scores)),
        ])
    });
    Json::object([
        ("type", Json::text("DeidentifyTextResponse")),
        ("processed_text", Json::text(&response.processed_text)),
        ("entities", Json::List(entities.collect())),
        ("word_count", Json::number_or_null(response.word_count)),
        ("char_count", Json::number_or_null(response.char_count)),
        ("errors", Json::List(Vec::new())),
    ])
}

/// Returns the label as responses write it: in uppercase.
fn label(entity: &DetectEntity) -> String {
    entity.to_uppercase()
}

fn index(index: TextIndex) -> Json {
    Json::object([("start", Json::number(index.start)), ("end", Json::number(index.end))])
}

/// A run; what it wrote is told by the caller, who knows the directory.
pub(super) fn run(run: &DetectRun) -> Json {
    let outputs = run.outputs.iter().map(|output| {
        Json::object([
            ("file", Json::text(STANDARD.encode(&output.content))),
            ("type", Json::text_or_null(output.kind.as_ref())),
            ("extension", Json::text(&output.extension)),
        ])
    });
    Json::object([
        ("run_id", Json::text(&run.run_id)),
        ("status", Json::text(run.status.as_str())),
        ("message", Json::text_or_null(run.message.as_ref())),
        ("outputs", Json::List(outputs.collect())),
        ("word_count", Json::number_or_null(run.word_count)),
        ("char_count", Json::number_or_null(run.char_count)),
        ("size_in_kb", Json::number_or_null(run.size_in_kb)),
        ("duration_in_seconds", Json::number_or_null(run.duration_in_seconds)),
        ("page_count", Json::number_or_null(run.page_count)),
        ("slide_count", Json::number_or_null(run.slide_count)),
        ("errors", Json::List(Vec::new())),
    ])
}
