//! The types of arguments, as the Rust API has them.

use crate::json::Json;
use crate::trace::Trace;

/// What an argument can be.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Flag,
    Texts,
    Count,
    Choice(&'static [&'static str]),
    Rows,
    Row,
    Items(&'static [(&'static str, Type)]),
    Seconds,
    Any,
    /// An object with these members and no others.
    Item(&'static [(&'static str, Type)]),
    /// A whole number that cannot be left out.
    Days,
    /// A 32-bit count.
    Size,
    Decibels,
    /// Seconds that a `Duration` holds as they are.
    Span,
    /// A directory of the recording machine, by its name or as `true`.
    Directory,
}

const REDACTIONS: Type = Type::Choice(&["DEFAULT", "REDACTED", "MASKED", "PLAIN_TEXT"]);
const ORDERS: Type = Type::Choice(&["ASCENDING", "DESCENDING", "NONE"]);
const MODES: Type = Type::Choice(&["DISABLE", "ENABLE", "ENABLE_STRICT"]);

const ENTITIES: Type = Type::Texts;
const TOKEN_FORMAT: Type = Type::Item(&[
    ("default", Type::Choice(&["VAULT_TOKEN", "ENTITY_UNIQUE_COUNTER", "ENTITY_ONLY"])),
    ("vault_token", ENTITIES),
    ("entity_unique_counter", ENTITIES),
    ("entity_only", ENTITIES),
]);
const SHIFTED_DATES: Type =
    Type::Item(&[("min_days", Type::Days), ("max_days", Type::Days), ("entities", ENTITIES)]);
const BLEEP: Type = Type::Item(&[
    ("gain", Type::Decibels),
    ("frequency", Type::Size),
    ("start_padding", Type::Span),
    ("stop_padding", Type::Span),
]);
const TRANSCRIPTIONS: Type = Type::Choice(&[
    "TRANSCRIPTION",
    "DIARIZED_TRANSCRIPTION",
    "MEDICAL_TRANSCRIPTION",
    "MEDICAL_DIARIZED_TRANSCRIPTION",
    "PLAINTEXT_TRANSCRIPTION",
]);

/// The arguments of each operation, in the order in which they are read.
const ARGUMENTS: &[(&str, &[(&str, Type)])] = &[
    (
        "insert",
        &[
            ("table", Type::Text),
            ("return_tokens", Type::Flag),
            ("values", Type::Rows),
            ("tokens", Type::Rows),
            ("upsert", Type::Text),
            ("homogeneous", Type::Flag),
            ("token_mode", MODES),
            ("continue_on_error", Type::Flag),
        ],
    ),
    (
        "get",
        &[
            ("table", Type::Text),
            ("ids", Type::Texts),
            ("column_name", Type::Text),
            ("column_values", Type::Texts),
            ("redaction_type", REDACTIONS),
            ("return_tokens", Type::Flag),
            ("fields", Type::Texts),
            ("offset", Type::Count),
            ("limit", Type::Count),
            ("download_url", Type::Flag),
            ("order_by", ORDERS),
        ],
    ),
    (
        "update",
        &[
            ("data", Type::Row),
            ("table", Type::Text),
            ("tokens", Type::Any),
            ("return_tokens", Type::Flag),
            ("token_mode", MODES),
        ],
    ),
    ("delete", &[("table", Type::Text), ("ids", Type::Texts)]),
    ("query", &[("query", Type::Text)]),
    ("tokenize", &[("values", Type::Items(&[("value", Type::Text), ("column_group", Type::Text)]))]),
    (
        "detokenize",
        &[
            (
                "data",
                Type::Items(&[
                    ("redaction", REDACTIONS),
                    ("redaction_type", REDACTIONS),
                    ("token", Type::Text),
                ]),
            ),
            ("continue_on_error", Type::Flag),
            ("download_url", Type::Flag),
        ],
    ),
    (
        "upload_file",
        &[
            ("file", Type::Text),
            ("file_name", Type::Text),
            ("column_name", Type::Text),
            ("table", Type::Text),
            ("skyflow_id", Type::Text),
        ],
    ),
    (
        "deidentify_text",
        &[
            ("text", Type::Text),
            ("entities", ENTITIES),
            ("allow_regex", Type::Texts),
            ("restrict_regex", Type::Texts),
            ("token_format", TOKEN_FORMAT),
            ("transformations", SHIFTED_DATES),
        ],
    ),
    (
        "reidentify_text",
        &[
            ("text", Type::Text),
            ("redacted_entities", ENTITIES),
            ("masked_entities", ENTITIES),
            ("plain_text_entities", ENTITIES),
        ],
    ),
    (
        "deidentify_file",
        &[
            ("file", Type::Text),
            ("entities", ENTITIES),
            ("allow_regex", Type::Texts),
            ("restrict_regex", Type::Texts),
            ("token_format", TOKEN_FORMAT),
            ("transformations", SHIFTED_DATES),
            ("output_processed_image", Type::Flag),
            ("output_ocr_text", Type::Flag),
            ("masking_method", Type::Choice(&["BLACKBOX", "BLUR"])),
            ("pixel_density", Type::Size),
            ("max_resolution", Type::Size),
            ("output_processed_audio", Type::Flag),
            ("output_transcription", TRANSCRIPTIONS),
            ("bleep", BLEEP),
            ("output_directory", Type::Directory),
            ("wait_time", Type::Span),
        ],
    ),
    ("get_detect_run", &[("run_id", Type::Text)]),
    ("bearer_token", &[("role_ids", Type::Texts), ("ctx", Type::Any), ("token_uri", Type::Text)]),
    (
        "signed_data_tokens",
        &[("time_to_live", Type::Seconds), ("ctx", Type::Any), ("data_tokens", Type::Texts)],
    ),
];

/// Arguments that may be null, as a way to say nothing; the others of their type may not.
const NULLABLE_FLAGS: [&str; 5] =
    ["homogeneous", "download_url", "output_processed_image", "output_ocr_text", "output_processed_audio"];

/// Returns an argument of a type that the Rust API does not take.
pub(super) fn mistyped(trace: &Trace, op: &str, args: &Json) -> Option<String> {
    let (_, known) = ARGUMENTS.iter().find(|(name, _)| *name == op)?;
    if matches!(op, "upload_file" | "deidentify_file") && args.get("file").is_null() {
        return Some("file".to_owned());
    }
    let of_the_call = known.iter().find_map(|(name, kind)| {
        let value = args.get(name);
        let absent = match kind {
            Type::Flag if args.has(name) => !value.is_null() || NULLABLE_FLAGS.contains(name),
            Type::Row => false,
            _ => true,
        };
        if value.is_null() && absent { None } else { wrong(name, value, *kind) }
    });
    let surplus = || {
        let rows = |name: &str| args.get(name).elements().len();
        (op == "insert" && rows("tokens") > rows("values")).then(|| "tokens".to_owned())
    };
    let id = args.get("data").get("skyflow_id");
    let other_id =
        || (op == "update" && !id.is_null() && id.as_str().is_none()).then(|| "data.skyflow_id".to_owned());
    in_config(trace).or(of_the_call).or_else(surplus).or_else(other_id)
}

fn in_config(trace: &Trace) -> Option<String> {
    let config = &trace.config;
    let id = ["vault_id", "cluster_id"]
        .into_iter()
        .find(|key| config.has(key) && config.get(key).as_str().is_none());
    let env = config.get("env");
    let unknown =
        !env.is_null() && !["PROD", "SANDBOX", "STAGE", "DEV"].contains(&env.as_str().unwrap_or_default());
    let roles = trace.credentials.get("roles");
    let list_of_texts = roles.elements().iter().all(|role| role.as_str().is_some());
    let usable_roles = roles.is_null() || (matches!(roles, Json::List(_)) && list_of_texts);
    (!usable_roles)
        .then(|| "credentials.roles".to_owned())
        .or_else(|| id.map(|key| format!("config.{key}")))
        .or_else(|| unknown.then(|| "config.env".to_owned()))
}

fn wrong(name: &str, value: &Json, kind: Type) -> Option<String> {
    let here = || Some(name.to_owned());
    match (kind, value) {
        (Type::Any, _)
        | (Type::Text, Json::Text(_))
        | (Type::Flag, Json::Bool(_))
        | (Type::Row, Json::Object(_)) => None,
        (Type::Count, Json::Text(digits) | Json::Number(digits)) if digits.parse::<u64>().is_ok() => None,
        (Type::Seconds, Json::Number(digits)) if digits.parse::<i64>().is_ok() => None,
        (Type::Choice(choices), Json::Text(text)) if choices.contains(&text.as_str()) => None,
        (Type::Texts, Json::List(elements)) => {
            let wrong = elements.iter().position(|element| element.as_str().is_none())?;
            Some(format!("{name}[{wrong}]"))
        }
        // The SDK itself refuses a row that is not an object, but null is an absent row.
        (Type::Rows, Json::List(rows)) if name == "tokens" => {
            let wrong = rows.iter().position(Json::is_null)?;
            Some(format!("{name}[{wrong}]"))
        }
        (Type::Rows, Json::List(_)) | (Type::Directory, Json::Bool(_) | Json::Text(_)) => None,
        (Type::Days, Json::Number(digits)) if digits.parse::<i64>().is_ok() => None,
        (Type::Size, Json::Number(digits)) if digits.parse::<u32>().is_ok() => None,
        (Type::Decibels, number) if number.as_f64().is_some() => None,
        (Type::Span, Json::Number(_)) if is_span(value) => None,
        (Type::Item(members), item) => item_wrong(name, item, members),
        (Type::Items(members), Json::List(items)) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| item_wrong(&format!("{name}[{index}]"), item, members)),
        _ => here(),
    }
}

fn item_wrong(name: &str, item: &Json, members: &[(&str, Type)]) -> Option<String> {
    if !matches!(item, Json::Object(_)) {
        return Some(name.to_owned());
    }
    let surplus = item.members().iter().find(|(key, _)| !members.iter().any(|(known, _)| known == key));
    if let Some((key, _)) = surplus {
        return Some(format!("{name}.{key}"));
    }
    members.iter().find_map(|(key, kind)| {
        let value = item.get(key);
        let absent = value.is_null() && !matches!(kind, Type::Days);
        if absent { None } else { wrong(&format!("{name}.{key}"), value, *kind) }
    })
}

/// Seconds from zero on, with no more digits than nanoseconds have.
fn is_span(seconds: &Json) -> bool {
    let seconds = seconds.as_f64().filter(|seconds| seconds.is_sign_positive() && *seconds < 1e18);
    seconds.is_some_and(|seconds| {
        let nanoseconds = (seconds.fract() * 1e9).round() / 1e9;
        (seconds.trunc() + nanoseconds).to_bits() == seconds.to_bits()
    })
}
