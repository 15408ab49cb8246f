//! Text responses of Detect, read member by member; a member of another type makes the response unreadable.

use crate::json::Json;

/// Reads the response of `deidentify_text`; `None` when it is unreadable.
pub(super) fn deidentified(body: &Json) -> Option<Json> {
    let found = match body.get("entities") {
        Json::Null => Vec::new(),
        Json::List(found) => found.iter().map(entity).collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    Some(Json::object([
        ("type", Json::text("DeidentifyTextResponse")),
        ("processed_text", Json::text(text(body, "processed_text")??)),
        ("entities", Json::List(found)),
        ("word_count", count(body, "word_count")?),
        ("char_count", count(body, "character_count")?),
        ("errors", Json::List(Vec::new())),
    ]))
}

fn entity(found: &Json) -> Option<Json> {
    let location = found.get("location");
    if !matches!(found, Json::Object(_)) || !(location.is_null() || matches!(location, Json::Object(_))) {
        return None;
    }
    let scores = match found.get("entity_scores") {
        Json::Null => Vec::new(),
        Json::Object(scores) => scores
            .iter()
            .map(|(label, score)| Some((label.to_ascii_uppercase(), float(score)?)))
            .collect::<Option<Vec<_>>>()?,
        _ => return None,
    };
    let label = text(found, "entity_type")?.map(|label| label.to_ascii_uppercase());
    Some(Json::object([
        ("token", Json::text(text(found, "token")?.unwrap_or_default())),
        ("value", Json::text(text(found, "value")?.unwrap_or_default())),
        ("text_index", index(location, "start_index", "end_index")?),
        ("processed_index", index(location, "start_index_processed", "end_index_processed")?),
        ("entity", Json::text_or_null(label)),
        ("scores", Json::object(scores)),
    ]))
}

/// A place in a text has both ends, or is none.
fn index(location: &Json, start: &str, end: &str) -> Option<Json> {
    let (start, end) = (count(location, start)?, count(location, end)?);
    if start.is_null() || end.is_null() {
        return Some(Json::Null);
    }
    Some(Json::object([("start", start), ("end", end)]))
}

/// A text that may be missing.
pub(super) fn text(body: &Json, name: &str) -> Option<Option<String>> {
    match body.get(name) {
        Json::Null => Some(None),
        value => value.as_str().map(|text| Some(text.to_owned())),
    }
}

/// A whole number that may be missing; one below zero counts nothing.
pub(super) fn count(body: &Json, name: &str) -> Option<Json> {
    match body.get(name) {
        Json::Null => Some(Json::Null),
        value => value.as_i64().map(|count| Json::number_or_null((count >= 0).then_some(count))),
    }
}

/// A number as a 64-bit float holds it.
pub(super) fn float(value: &Json) -> Option<Json> {
    value.as_f64().filter(|number| number.is_finite()).map(Json::number)
}
