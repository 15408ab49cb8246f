//! Detect: texts, files and the runs over them.

use skyflow::{DateShift, DeidentifyTextRequest, Detect, ReidentifyTextRequest, TokenFormat, TokenKind};

use super::arguments::{Arguments, Stop, choice, inexpressible, only, texts};
use super::finished;
use crate::json::Json;
use crate::outcome::Outcome;

mod file;
mod responses;

pub(crate) use file::file_content;
pub(super) use file::{deidentify_file, get_detect_run};

/// What texts and files have in common.
struct Options {
    entities: Vec<String>,
    allow_regex: Vec<String>,
    restrict_regex: Vec<String>,
    token_format: Option<TokenFormat>,
    shift_dates: Option<DateShift>,
}

/// The names of the arguments that [`options`] reads.
const OPTIONS: [&str; 5] = ["entities", "allow_regex", "restrict_regex", "token_format", "transformations"];

fn options(args: &Arguments<'_>) -> Result<Options, Stop> {
    Ok(Options {
        entities: args.texts("entities")?.unwrap_or_default(),
        allow_regex: args.texts("allow_regex")?.unwrap_or_default(),
        restrict_regex: args.texts("restrict_regex")?.unwrap_or_default(),
        token_format: token_format(args.raw("token_format"))?,
        shift_dates: shift_dates(args.raw("transformations"))?,
    })
}

/// Sets the options of a request: those of texts and of files have the same names, and no type in common.
macro_rules! with_options {
    ($request:expr, $options:expr) => {{
        let options = $options;
        let mut request = $request
            .entities(options.entities)
            .allow_regex(options.allow_regex)
            .restrict_regex(options.restrict_regex);
        if let Some(format) = options.token_format {
            request = request.token_format(format);
        }
        if let Some(shift) = options.shift_dates {
            request = request.shift_dates(shift);
        }
        request
    }};
}

use with_options;

const KINDS: [(&str, TokenKind); 3] = [
    ("VAULT_TOKEN", TokenKind::VaultToken),
    ("ENTITY_UNIQUE_COUNTER", TokenKind::EntityUniqueCounter),
    ("ENTITY_ONLY", TokenKind::EntityOnly),
];

fn token_format(given: &Json) -> Result<Option<TokenFormat>, Stop> {
    if given.is_null() {
        return Ok(None);
    }
    only("token_format", given, &["default", "vault_token", "entity_unique_counter", "entity_only"])?;
    let entities =
        |name: &str| texts(&format!("token_format.{name}"), given.get(name)).map(Option::unwrap_or_default);
    let kind = choice("token_format.default", given.get("default"), &KINDS)?;
    let format = kind.map_or_else(TokenFormat::new, TokenFormat::of);
    let format = format.vault_token(entities("vault_token")?);
    let format = format.entity_unique_counter(entities("entity_unique_counter")?);
    Ok(Some(format.entity_only(entities("entity_only")?)))
}

fn shift_dates(given: &Json) -> Result<Option<DateShift>, Stop> {
    if given.is_null() {
        return Ok(None);
    }
    only("transformations", given, &["min_days", "max_days", "entities"])?;
    let days = |name: &str| {
        let days = given.get(name).as_i64();
        days.ok_or_else(|| {
            inexpressible(&format!("transformations.{name}"), "is no count of days".to_owned())
        })
    };
    let shift = DateShift::days(days("min_days")?, days("max_days")?);
    let entities = texts("transformations.entities", given.get("entities"))?;
    Ok(Some(shift.entities(entities.unwrap_or_default())))
}

pub(super) async fn deidentify_text(detect: &Detect, args: &Json) -> Result<Outcome, Stop> {
    let known = [&["text"][..], &OPTIONS].concat();
    let args = Arguments::of("deidentify_text", args, &known)?;
    let request = DeidentifyTextRequest::new(args.required("text")?);
    let request = with_options!(request, options(&args)?);
    finished(detect.deidentify_text(request).await, |response| responses::deidentified(&response))
}

pub(super) async fn reidentify_text(detect: &Detect, args: &Json) -> Result<Outcome, Stop> {
    const KNOWN: [&str; 4] = ["text", "redacted_entities", "masked_entities", "plain_text_entities"];
    let args = Arguments::of("reidentify_text", args, &KNOWN)?;
    let mut request = ReidentifyTextRequest::new(args.required("text")?);
    if let Some(entities) = args.texts("redacted_entities")? {
        request = request.redacted_entities(entities);
    }
    if let Some(entities) = args.texts("masked_entities")? {
        request = request.masked_entities(entities);
    }
    if let Some(entities) = args.texts("plain_text_entities")? {
        request = request.plain_text_entities(entities);
    }
    finished(detect.reidentify_text(request).await, |response| {
        Json::object([
            ("type", Json::text("ReidentifyTextResponse")),
            ("processed_text", Json::text(response.processed_text)),
            ("errors", Json::List(Vec::new())),
        ])
    })
}
