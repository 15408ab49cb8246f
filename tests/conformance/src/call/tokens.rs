//! Data tokens: tokenize and detokenize.

use skyflow::{DetokenizeRequest, DetokenizeResponse, Redaction, TokenizeRequest, Vault};

use super::arguments::{Arguments, REDACTIONS, Stop, choice, only, text};
use super::finished;
use crate::json::Json;
use crate::outcome::Outcome;

pub(super) async fn tokenize(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("tokenize", args, &["values"])?;
    let mut request = TokenizeRequest::new();
    for (index, item) in args.list("values")?.unwrap_or_default().iter().enumerate() {
        let name = format!("values[{index}]");
        only(&name, item, &["value", "column_group"])?;
        request = request.value(member(&name, item, "value")?, member(&name, item, "column_group")?);
    }
    finished(vault.tokenize(request).await, |response| {
        let fields =
            response.tokenized_fields.iter().map(|field| Json::object([("token", Json::text(&field.token))]));
        let errors = response
            .errors
            .iter()
            .map(|error| Json::object([("request_index", Json::number(error.request_index))]));
        Json::object([
            ("type", Json::text("TokenizeResponse")),
            ("tokenized_fields", Json::List(fields.collect())),
            ("errors", Json::List(errors.collect())),
        ])
    })
}

pub(super) async fn detokenize(vault: &Vault, args: &Json) -> Result<Outcome, Stop> {
    let args = Arguments::of("detokenize", args, &["data", "continue_on_error", "download_url"])?;
    let mut request = DetokenizeRequest::new();
    for (index, item) in args.list("data")?.unwrap_or_default().iter().enumerate() {
        let name = format!("data[{index}]");
        // `redaction` is the older spelling.
        only(&name, item, &["token", "redaction_type", "redaction"])?;
        let given =
            [item.get("redaction_type"), item.get("redaction")].into_iter().find(|level| !level.is_null());
        let level = choice(&format!("{name}.redaction_type"), given.unwrap_or(&Json::Null), &REDACTIONS)?;
        request = request.token_with(member(&name, item, "token")?, level.unwrap_or(Redaction::Default));
    }
    if let Some(yes) = args.flag("continue_on_error")? {
        request = request.continue_on_error(yes);
    }
    if !args.raw("download_url").is_null() {
        request = request.download_url(args.flag("download_url")?.unwrap_or_default());
    }
    finished(vault.detokenize(request).await, |response| detokenized(&response))
}

fn detokenized(response: &DetokenizeResponse) -> Json {
    let fields = response.detokenized_fields.iter().map(|field| {
        let value = field.decode::<Box<serde_json::value::RawValue>>();
        Json::object([
            ("token", Json::text(&field.token)),
            ("request_index", Json::number(field.request_index)),
            ("value", value.map_or(Json::Null, |raw| Json::parse(raw.get()).unwrap_or(Json::Null))),
            ("type", Json::text_or_null(field.value_type.as_ref().map(ToString::to_string))),
        ])
    });
    let errors = response.errors.iter().map(|error| {
        Json::object([
            ("token", Json::text(&error.token)),
            ("request_index", Json::number(error.request_index)),
            ("error", Json::text(&error.error)),
            ("request_id", Json::text_or_null(error.request_id.as_ref())),
        ])
    });
    Json::object([
        ("type", Json::text("DetokenizeResponse")),
        ("detokenized_fields", Json::List(fields.collect())),
        ("errors", Json::List(errors.collect())),
    ])
}

/// A text in an item; empty when it is missing, for the SDK to refuse.
fn member(name: &str, item: &Json, key: &str) -> Result<String, Stop> {
    match item.get(key) {
        Json::Null => Ok(String::new()),
        value => text(&format!("{name}.{key}"), value),
    }
}
