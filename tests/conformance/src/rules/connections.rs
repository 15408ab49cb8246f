//! Third parties, called through a connection.

use super::help::{as_responded, refused, the_call};
use super::{Case, Rule};
use crate::difference::{Part, Place};
use crate::json::Json;
use crate::lab::Sent;
use crate::promise::connection as promised;
use crate::replay::Observed;
use crate::wire;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "no-default-body",
        applies: |case| is_sent(case) && !case.call.args.has("body"),
        explains: |difference, _, _| {
            matches!(&difference.place, Place::Request(_, Part::Body(at)) if at.is_empty())
                && difference.expected == "{}"
                && difference.got.is_empty()
        },
        holds: |_, ours| match ours.sent.iter().find(|sent| !sent.body.is_empty()) {
            Some(sent) => Err(format!("{} bytes were sent", sent.body.len())),
            None => Ok(()),
        },
    },
    Rule {
        id: "xml-escaped",
        applies: |case| {
            is_sent(case)
                && matches!(promised::media_type(case.call).as_str(), "text/xml" | "application/xml")
                && any(case.call.args.get("body"), &|value| {
                    value.is_null()
                        || value.as_str().is_some_and(|text| text.contains(['<', '>', '&', '"', '\'']))
                })
        },
        explains: in_the_body,
        holds: body_as_promised,
    },
    Rule {
        id: "literals-in-forms",
        applies: |case| {
            is_sent(case)
                && promised::media_type(case.call) == "application/x-www-form-urlencoded"
                && any(case.call.args.get("body"), &|value| value.is_null() || value.as_bool().is_some())
        },
        explains: in_the_body,
        holds: body_as_promised,
    },
    Rule {
        id: "json-in-multipart",
        applies: |case| {
            is_sent(case)
                && promised::media_type(case.call) == "multipart/form-data"
                && case.call.args.get("body").members().iter().any(|(_, value)| value.as_str().is_none())
        },
        explains: |difference, case, _| match &difference.place {
            Place::Request(_, Part::Form(name, what)) => {
                case.call.args.get("body").get(name).as_str().is_none() && *what != "count"
            }
            _ => false,
        },
        holds: |case, ours| {
            let expected = promised::parts(case.call);
            match only(ours)? {
                sent if parts_of(sent) == expected => Ok(()),
                sent => Err(format!("promised {expected:?}, sent {:?}", parts_of(sent))),
            }
        },
    },
    Rule {
        id: "path-parameters-checked",
        applies: |case| is_sent(case) && promised::segments(case.call).is_none(),
        explains: the_call,
        holds: |case, ours| {
            let (_, url) = promised::address(case.call);
            let names = url.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            let missing = names.into_iter().find(|name| !case.call.args.get("path_params").has(name));
            refused(ours, &format!("path_params.{}", missing.unwrap_or_default()))
        },
    },
    Rule {
        id: "all-five-methods",
        applies: |case| case.call.op == "invoke" && case.call.result.has("unsupported"),
        explains: the_call,
        holds: made,
    },
    Rule {
        id: "string-as-body",
        applies: |case| {
            case.call.op == "invoke" && case.call.refused() && case.call.args.get("body").as_str().is_some()
        },
        explains: the_call,
        holds: made,
    },
    Rule {
        id: "error-from-client-accessor",
        applies: |case| {
            case.call.op == "invoke"
                && case.call.last_reply().is_some_and(|reply| reply.header("error-from-client").is_some())
        },
        explains: |difference, _, _| {
            difference.place == Place::Error("details") && difference.expected.contains("error_from_client")
        },
        holds: as_responded,
    },
];

fn is_sent(case: &Case<'_>) -> bool {
    case.call.op == "invoke" && !case.call.exchanges.is_empty()
}

fn in_the_body(difference: &crate::difference::Difference, _: &Case<'_>, _: &Observed) -> bool {
    matches!(difference.place, Place::Request(_, Part::Body(_)))
}

fn only(ours: &Observed) -> Result<&Sent, String> {
    match ours.sent.as_slice() {
        [sent] => Ok(sent),
        sent => Err(format!("{} requests were sent: {}", sent.len(), ours.outcome)),
    }
}

fn body_as_promised(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    let (expected, sent) = (promised::body(case.call), only(ours)?);
    if expected.as_bytes() == &sent.body[..] {
        return Ok(());
    }
    Err(format!("promised {expected}, sent {}", String::from_utf8_lossy(&sent.body)))
}

/// The official SDK did not make the call; this one sends the promised request and returns its response.
fn made(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    body_as_promised(case, ours)?;
    let sent = only(ours)?;
    let same = case.call.args.get("method").as_str() == Some(&sent.method)
        && promised::segments(case.call) == Some(wire::segments(&sent.path))
        && promised::query(case.call) == wire::pairs(&sent.query);
    if !same {
        return Err(format!("sent {} {}?{}", sent.method, sent.path, sent.query));
    }
    as_responded(case, ours)
}

fn parts_of(sent: &Sent) -> Vec<(String, String, Option<&'static str>)> {
    let content_type = sent.headers.get("content-type").and_then(|value| value.to_str().ok());
    let parts = wire::form(content_type.unwrap_or_default(), &sent.body).unwrap_or_default();
    let shown = |part: wire::Part| {
        let content_type = match part.content_type.as_deref() {
            None => None,
            Some("application/json") => Some("application/json"),
            Some(_) => Some("another content type"),
        };
        (part.name, String::from_utf8_lossy(&part.content).into_owned(), content_type)
    };
    parts.into_iter().map(shown).collect()
}

fn any(value: &Json, is_it: &dyn Fn(&Json) -> bool) -> bool {
    is_it(value)
        || value.elements().iter().any(|element| any(element, is_it))
        || value.members().iter().any(|(_, member)| any(member, is_it))
}
