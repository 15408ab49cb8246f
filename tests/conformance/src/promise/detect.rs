//! Requests of Detect, worked out from the recorded call alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::call::file_content;
use crate::json::Json;
use crate::trace::{Call, Trace};

/// Method, path below `/v1/detect`, query and body of the first request.
pub(super) type Plan = (&'static str, Vec<String>, Vec<(String, String)>, Json);

pub(super) fn request(trace: &Trace, call: &Call) -> Option<Plan> {
    let args = &call.args;
    let post = |path: &[&str], body: Json| {
        Some(("POST", path.iter().map(|&segment| segment.to_owned()).collect(), Vec::new(), body))
    };
    match call.op.as_str() {
        "deidentify_text" => {
            let mut body = options(args);
            body.set("text", args.get("text").clone());
            body.set("vault_id", Json::text(trace.vault_id()));
            post(&["deidentify", "string"], body)
        }
        "reidentify_text" => post(
            &["reidentify", "string"],
            Json::object([
                ("text", args.get("text").clone()),
                ("vault_id", Json::text(trace.vault_id())),
                ("format", something(display_format(args))),
            ]),
        ),
        "deidentify_file" => {
            let (path, of_its_kind) = endpoint(call);
            let file = [
                ("base64", Json::Text(STANDARD.encode(file_content(call)))),
                ("data_format", Json::text(extension(call))),
            ];
            let mut body = options(args);
            body.set("vault_id", Json::text(trace.vault_id()));
            body.set("file", Json::object(file));
            of_its_kind.into_iter().for_each(|(name, value)| body.set(name, value));
            post(&[&["deidentify", "file"], path].concat(), body)
        }
        "get_detect_run" => {
            let path = vec!["runs".to_owned(), args.get("run_id").as_str().unwrap_or_default().to_owned()];
            Some(("GET", path, vec![("vault_id".to_owned(), trace.vault_id().to_owned())], Json::Null))
        }
        _ => None,
    }
}

/// Tells whether values may be stored in the vault.
pub fn asks_for_vault_tokens(call: &Call) -> bool {
    let format = call.args.get("token_format");
    format.get("default").as_str() == Some("VAULT_TOKEN") || !format.get("vault_token").elements().is_empty()
}

/// The name of the file without its directories.
pub fn file_name(call: &Call) -> &str {
    let (form, name) =
        call.args.get("file").as_str().and_then(|file| file.split_once(':')).unwrap_or_default();
    if form == "nameless" { "" } else { name.rsplit(['/', '\\']).next().unwrap_or_default() }
}

/// Returns the extension of the file name in lowercase; empty when it is no format.
pub fn extension(call: &Call) -> String {
    let extension = file_name(call).rsplit_once('.').map_or("", |(_, extension)| extension);
    let plain = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { extension.to_ascii_lowercase() } else { String::new() }
}

/// What texts and files have in common.
fn options(args: &Json) -> Json {
    let format = args.get("token_format");
    let default = format.get("default").as_str().map(|kind| match kind {
        "ENTITY_UNIQUE_COUNTER" => "entity_unq_counter".to_owned(),
        other => other.to_ascii_lowercase(),
    });
    let token_type = Json::object([
        ("default", Json::text_or_null(default)),
        ("entity_unq_counter", entities(format.get("entity_unique_counter"))),
        ("entity_only", entities(format.get("entity_only"))),
        ("vault_token", entities(format.get("vault_token"))),
    ]);
    let shift = args.get("transformations");
    let shift_dates = Json::object([
        ("max_days", shift.get("max_days").clone()),
        ("min_days", shift.get("min_days").clone()),
        ("entity_types", entities(shift.get("entities"))),
    ]);
    let unless_null = |given: &Json, value: Json| if given.is_null() { Json::Null } else { value };
    Json::object([
        ("entity_types", entities(args.get("entities"))),
        ("token_type", unless_null(format, token_type)),
        ("allow_regex", filled(args.get("allow_regex"))),
        ("restrict_regex", filled(args.get("restrict_regex"))),
        ("transformations", unless_null(shift, Json::object([("shift_dates", shift_dates)]))),
    ])
}

fn display_format(args: &Json) -> Json {
    Json::object([
        ("redacted", entities(args.get("redacted_entities"))),
        ("masked", entities(args.get("masked_entities"))),
        ("plaintext", entities(args.get("plain_text_entities"))),
    ])
}

/// An object that says nothing is not sent.
fn something(object: Json) -> Json {
    if object.members().iter().all(|(_, value)| value.is_null()) { Json::Null } else { object }
}

/// An empty list says nothing.
fn filled(list: &Json) -> Json {
    if list.elements().is_empty() { Json::Null } else { list.clone() }
}

/// Returns entities as requests write them: in lowercase.
fn entities(list: &Json) -> Json {
    let small = |entity: &Json| Json::text(entity.as_str().unwrap_or_default().to_ascii_lowercase());
    filled(&Json::List(list.elements().iter().map(small).collect()))
}

/// The endpoint of a format, and the options that go to it alone.
fn endpoint(call: &Call) -> (&'static [&'static str], Vec<(&'static str, Json)>) {
    let args = &call.args;
    let small = |name: &str| Json::text_or_null(args.get(name).as_str().map(str::to_ascii_lowercase));
    let same = |name: &'static str| (name, args.get(name).clone());
    match extension(call).as_str() {
        "txt" => (&["text"], Vec::new()),
        "mp3" | "wav" => {
            let bleep = args.get("bleep");
            let own = vec![
                ("output_transcription", small("output_transcription")),
                same("output_processed_audio"),
                ("bleep_gain", bleep.get("gain").clone()),
                ("bleep_frequency", bleep.get("frequency").clone()),
                ("bleep_start_padding", bleep.get("start_padding").clone()),
                ("bleep_stop_padding", bleep.get("stop_padding").clone()),
            ];
            (&["audio"], own)
        }
        "pdf" => (
            &["document", "pdf"],
            vec![("density", args.get("pixel_density").clone()), same("max_resolution")],
        ),
        "jpg" | "jpeg" | "png" | "bmp" | "tif" | "tiff" | "dcm" | "gif" => {
            let own = vec![
                ("masking_method", small("masking_method")),
                same("output_processed_image"),
                same("output_ocr_text"),
            ];
            (&["image"], own)
        }
        "ppt" | "pptx" => (&["presentation"], Vec::new()),
        "csv" | "xls" | "xlsx" => (&["spreadsheet"], Vec::new()),
        "doc" | "docx" => (&["document"], Vec::new()),
        "json" | "xml" | "jsonl" => (&["structured_text"], Vec::new()),
        _ => (&[], Vec::new()),
    }
}

/// Tells whether the published description has an endpoint for a format that the official SDK sends to the one for any.
pub fn goes_by_the_description(call: &Call) -> bool {
    ["dcm", "gif", "jsonl"].contains(&extension(call).as_str())
}

/// Tells whether the official SDK drops transformations for files of this format.
pub fn loses_transformations(call: &Call) -> bool {
    let (path, _) = endpoint(call);
    !goes_by_the_description(call) && !matches!(path, [] | ["text" | "audio" | "structured_text"])
}
