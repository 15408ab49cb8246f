//! Requests of Detect.

use super::help::{first_as_recorded, made_as_promised, refused, the_call};
use super::types::mistyped;
use super::{Case, Rule};
use crate::difference::{Difference, Part, Place};
use crate::json::Json;
use crate::promise::detect::{goes_by_the_description, loses_transformations};
use crate::promise::refusal::{self, Reason};
use crate::replay::Observed;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "date-shift-days",
        applies: |case| is_refused_for(case, Reason::ShiftedDates),
        explains: the_call,
        holds: refused_first,
    },
    Rule {
        id: "positive-counts",
        applies: |case| is_refused_for(case, Reason::NoCount),
        explains: the_call,
        holds: refused_first,
    },
    Rule {
        id: "format-by-extension",
        applies: |case| is_refused_for(case, Reason::NoFormat),
        explains: the_call,
        holds: refused_first,
    },
    Rule {
        id: "file-not-empty",
        applies: |case| is_refused_for(case, Reason::EmptyFile),
        explains: the_call,
        holds: refused_first,
    },
    Rule {
        id: "unknown-entities",
        applies: |case| {
            let unknown = |entity: &Json| !entity.as_str().is_some_and(is_official);
            case.call.op == "deidentify_file"
                && case.call.refused()
                && case.call.message().contains("entities")
                && case.call.args.get("entities").elements().iter().any(unknown)
                && case.is_made()
        },
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "entities-lowercase",
        applies: |case| {
            let odd = |entity: &Json| entity.as_str().is_some_and(|name| !is_official(name));
            is_sent(case)
                && case.is_made()
                && lists(&case.call.args).any(|list| list.elements().iter().any(odd))
        },
        explains: |difference, _, _| {
            let in_a_list = |at: &str| LISTS.iter().any(|list| at.starts_with(&format!("{list}[")));
            matches!(&difference.place, Place::Request(0, Part::Body(at)) if in_a_list(at))
                && difference.expected.to_ascii_lowercase() == difference.got
        },
        holds: first_as_recorded,
    },
    Rule {
        id: "empty-lists-omitted",
        applies: |case| {
            let empty = |list: &Json| matches!(list, Json::List(elements) if elements.is_empty());
            let args = &case.call.args;
            let patterns = [args.get("allow_regex"), args.get("restrict_regex")];
            is_sent(case) && case.is_made() && lists(args).chain(patterns).any(empty)
        },
        explains: |difference, _, _| {
            let known = |at: &str| LISTS.contains(&at) || [".allow_regex", ".restrict_regex"].contains(&at);
            match &difference.place {
                Place::Request(0, Part::Body(at)) if at == ".format" => {
                    let format = Json::parse(&difference.expected).unwrap_or(Json::Null);
                    let unsaid = |value: &Json| value.is_null() || *value == Json::List(Vec::new());
                    difference.got == "null" && format.members().iter().all(|(_, value)| unsaid(value))
                }
                Place::Request(0, Part::Body(at)) => {
                    known(at) && difference.expected == "[]" && difference.got == "null"
                }
                _ => false,
            }
        },
        holds: first_as_recorded,
    },
    Rule {
        id: "date-shift-in-files",
        applies: |case| {
            is_sent(case)
                && case.is_made()
                && case.call.op == "deidentify_file"
                && !case.call.args.get("transformations").is_null()
                && loses_transformations(case.call)
        },
        explains: |difference: &Difference, _, _| {
            difference.place == Place::Request(0, Part::Body(".transformations".to_owned()))
                && difference.expected == "null"
        },
        holds: first_as_recorded,
    },
    Rule {
        id: "endpoint-by-description",
        applies: |case| {
            is_sent(case)
                && case.is_made()
                && case.call.op == "deidentify_file"
                && goes_by_the_description(case.call)
        },
        explains: |difference, _, _| difference.place == Place::Request(0, Part::Path),
        holds: first_as_recorded,
    },
];

/// The places of entities in bodies.
const LISTS: [&str; 8] = [
    ".entity_types",
    ".token_type.vault_token",
    ".token_type.entity_unq_counter",
    ".token_type.entity_only",
    ".transformations.shift_dates.entity_types",
    ".format.redacted",
    ".format.masked",
    ".format.plaintext",
];

/// The lists of entities that a call has.
fn lists(args: &Json) -> impl Iterator<Item = &Json> {
    let format = args.get("token_format");
    let of_the_call = ["entities", "redacted_entities", "masked_entities", "plain_text_entities"];
    let of_the_format = ["vault_token", "entity_unique_counter", "entity_only"];
    let of_the_call = of_the_call.into_iter().map(|name| args.get(name));
    let of_the_format = of_the_format.into_iter().map(|name| format.get(name));
    of_the_call.chain(of_the_format).chain([args.get("transformations").get("entities")])
}

/// Tells whether the official SDK has a constant of this name.
fn is_official(name: &str) -> bool {
    skyflow::DetectEntity::ALL_KNOWN.iter().any(|known| known.to_uppercase() == name)
}

fn is_sent(case: &Case<'_>) -> bool {
    matches!(case.call.op.as_str(), "deidentify_text" | "reidentify_text" | "deidentify_file")
        && !case.call.exchanges.is_empty()
}

/// A call that the official SDK makes and this one does not.
fn is_refused_for(case: &Case<'_>, reason: Reason) -> bool {
    !case.call.refused()
        && mistyped(case.trace, &case.call.op, &case.call.args).is_none()
        && refusal::of(case.call).is_some_and(|(first, _)| first == reason)
}

fn refused_first(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    refused(ours, &refusal::of(case.call).unwrap_or((Reason::BlankText, String::new())).1)
}
