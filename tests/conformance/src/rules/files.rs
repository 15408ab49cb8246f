//! Uploads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::help::{as_responded, refused, the_call};
use super::{Case, Rule};
use crate::difference::{Part, Place};
use crate::replay::Observed;
use crate::{media_types, wire};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "file-name-from-argument",
        applies: |case| {
            matches!(source(case), Some(("object" | "nameless", _))) && !given_name(case).trim().is_empty()
        },
        explains: |difference, _, _| {
            let name_or_type = ["file name", "content type", "count"];
            matches!(&difference.place, Place::Request(_, Part::Form(part, what)) if part == "file" && name_or_type.contains(what))
        },
        holds: |case, ours| {
            let part = file_part(ours).ok_or("no file was sent")?;
            let named = part.file_name.as_deref() == Some(given_name(case));
            let typed = part.content_type.as_deref() == Some(media_types::of(given_name(case)));
            if named && typed {
                as_responded(case, ours)
            } else {
                Err(format!("the file was sent as {part:?}"))
            }
        },
    },
    Rule {
        id: "file-name-required",
        applies: |case| {
            let nameless =
                matches!(source(case), Some(("nameless", _))) && given_name(case).trim().is_empty();
            nameless && !case.call.refused()
        },
        explains: the_call,
        holds: |_, ours| refused(ours, "file_name"),
    },
    Rule {
        id: "base64-validated",
        applies: |case| {
            let broken = matches!(source(case), Some(("rawbase64", text)) if STANDARD.decode(text).is_err());
            broken && !case.call.refused()
        },
        explains: the_call,
        holds: |_, ours| refused(ours, "file"),
    },
    Rule {
        id: "media-type-table",
        applies: |case| case.call.op == "upload_file" && !case.call.exchanges.is_empty(),
        explains: |difference, case, _| {
            let of_the_file = matches!(&difference.place, Place::Request(_, Part::Form(part, "content type")) if part == "file");
            of_the_file && !media_types::agreed(recorded_name(case))
        },
        holds: |case, ours| match file_part(ours) {
            Some(part) => {
                let expected = media_types::of(part.file_name.as_deref().unwrap_or_default());
                match part.content_type.as_deref() {
                    Some(sent) if sent == expected => Ok(()),
                    sent => Err(format!("a file of the type {expected} was sent as {sent:?}")),
                }
            }
            None if case.call.refused() || ours.sent.is_empty() => Ok(()),
            None => Err("no file was sent".to_owned()),
        },
    },
];

fn source<'a>(case: &Case<'a>) -> Option<(&'a str, &'a str)> {
    if case.call.op == "upload_file" { case.call.args.get("file").as_str()?.split_once(':') } else { None }
}

fn given_name<'a>(case: &Case<'a>) -> &'a str {
    case.call.args.get("file_name").as_str().unwrap_or_default()
}

fn recorded_name<'a>(case: &Case<'a>) -> &'a str {
    let parts = case.call.exchanges.first().map(|exchange| exchange.request.body.get("parts").elements());
    let file = parts.unwrap_or_default().iter().find(|part| part.get("name").as_str() == Some("file"));
    file.and_then(|part| part.get("filename").as_str()).unwrap_or_default()
}

fn file_part(ours: &Observed) -> Option<wire::Part> {
    let sent = ours.sent.first()?;
    let content_type = sent.headers.get("content-type")?.to_str().ok()?;
    wire::form(content_type, &sent.body)?.into_iter().find(|part| part.name == "file")
}
