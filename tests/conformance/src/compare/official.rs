//! The form of the official SDK's responses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::Json;
use crate::media_types;
use crate::trace::Call;

/// Converts a response to the official form: tokens in the row, and null for an empty list of errors.
pub fn as_official(call: &Call, response: &Json) -> Json {
    let mut response = response.clone();
    let with_index = call.args.get("continue_on_error").as_bool() == Some(true);
    match call.op.as_str() {
        "insert" => each(&mut response, "inserted_fields", |row| merged(row, with_index)),
        "detokenize" => {
            each(&mut response, "detokenized_fields", without_index);
            each(&mut response, "errors", without_index);
        }
        "query" => each(&mut response, "fields", |row| {
            let mut whole = row.get("fields").clone();
            whole.set("tokenized_data", row.get("tokenized_data").clone());
            whole
        }),
        "deidentify_text" => each(&mut response, "entities", found),
        "get_detect_run" | "deidentify_file" => return run(call, &response),
        "update" => {
            if let Some(row) = response.member_mut("updated_field") {
                *row = merged(row, false);
            }
        }
        _ => {}
    }
    if response.get("errors").elements().is_empty() {
        response.set("errors", Json::Null);
    }
    response
}

fn each(response: &mut Json, list: &str, change: impl Fn(&Json) -> Json) {
    if let Some(Json::List(rows)) = response.member_mut(list) {
        rows.iter_mut().for_each(|row| *row = change(row));
    }
}

/// The id wins against a column of its name.
fn merged(row: &Json, with_index: bool) -> Json {
    let mut whole = Json::Object(row.get("tokens").members().to_vec());
    whole.set("skyflow_id", row.get("skyflow_id").clone());
    if with_index {
        whole.set("request_index", row.get("request_index").clone());
    }
    whole
}

fn without_index(row: &Json) -> Json {
    let members = row.members().iter().filter(|(key, _)| key != "request_index");
    Json::object(members.cloned())
}

/// An entity and its places in the texts are objects with a type.
fn found(entity: &Json) -> Json {
    let typed = |kind: &str, object: &Json| match object {
        Json::Object(members) => {
            Json::object([("type".to_owned(), Json::text(kind))].into_iter().chain(members.iter().cloned()))
        }
        other => other.clone(),
    };
    let mut entity = entity.clone();
    for index in ["text_index", "processed_index"] {
        let shown = typed("TextIndex", entity.get(index));
        entity.set(index, shown);
    }
    typed("EntityInfo", &entity)
}

/// The first output is the file; the message, and what is neither file nor entities, is dropped.
fn run(call: &Call, response: &Json) -> Json {
    let is_over = response.get("status").as_str() != Some("IN_PROGRESS");
    let outputs = if is_over { response.get("outputs").elements() } else { &[] };
    let first = outputs.first().unwrap_or(&Json::Null);
    // A member that is missing and an empty one are the same here.
    let text = |output: &Json, name: &str| {
        let text = output.get(name).as_str().filter(|text| !text.is_empty());
        Json::text_or_null(text)
    };
    let entities = outputs.iter().filter(|output| output.get("type").as_str() == Some("entities"));
    let entities = entities.map(|output| {
        Json::object([
            ("file", text(output, "file")),
            ("type", output.get("type").clone()),
            ("extension", text(output, "extension")),
        ])
    });
    let count = |name: &str| if is_over { response.get(name).clone() } else { Json::Null };
    let returned = call.result.get("returned");
    let returned = if returned.has("response") { returned.get("response") } else { returned };
    // The official SDK repeats the zeros of counts that do not apply.
    let part = |name: &str| match (count(name), returned.get(name)) {
        (Json::Null, zero) if is_over && zero.as_f64() == Some(0.0) => zero.clone(),
        (count, _) => count,
    };
    let official = Json::object([
        ("type", first.get("type").clone()),
        ("file_base64", text(first, "file")),
        ("file", file(call, first)),
        ("extension", text(first, "extension")),
        ("word_count", count("word_count")),
        ("char_count", count("char_count")),
        ("size_in_kb", part("size_in_kb")),
        ("duration_in_seconds", part("duration_in_seconds")),
        ("page_count", part("page_count")),
        ("slide_count", part("slide_count")),
        ("entities", Json::List(entities.collect())),
        ("run_id", response.get("run_id").clone()),
        ("status", response.get("status").clone()),
        ("errors", Json::Null),
    ]);
    match response.get("files_written") {
        Json::Null if !response.has("files_written") => official,
        written => Json::object([("response", official), ("files_written", written.clone())]),
    }
}

/// The file as an object with a name, a size and a media type; this SDK gives out its bytes.
fn file(call: &Call, output: &Json) -> Json {
    let content = output.get("file").as_str().filter(|content| !content.is_empty());
    let Some(content) = content.and_then(|content| STANDARD.decode(content).ok()) else { return Json::Null };
    let extension = output.get("extension").as_str().filter(|extension| !extension.is_empty());
    let name = extension.map_or("processed_file".to_owned(), |extension| format!("deidentified.{extension}"));
    let kind = match extension {
        None => Json::text(""),
        Some(_) if media_types::agreed(&name) => Json::text(media_types::of(&name)),
        // Which it is depends on the machine that the recording was made on.
        Some(_) => recorded_type(call),
    };
    let file = [("name", Json::text(name)), ("size", Json::number(content.len())), ("type", kind)];
    Json::object([("file", Json::object(file))])
}

fn recorded_type(call: &Call) -> Json {
    let returned = call.result.get("returned");
    let response = if returned.has("response") { returned.get("response") } else { returned };
    response.get("file").get("file").get("type").clone()
}
