//! Third parties, called through a connection.

use super::help::{as_responded, first_as_recorded, made_as_promised, refused, the_call};
use super::{Case, Rule};
use crate::difference::{Part, Place};
use crate::json::Json;
use crate::promise::connection as promised;
use crate::replay::Observed;

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
        holds: only_as_recorded,
    },
    Rule {
        id: "literals-in-forms",
        applies: |case| {
            is_sent(case)
                && promised::media_type(case.call) == "application/x-www-form-urlencoded"
                && any(case.call.args.get("body"), &|value| value.is_null() || value.as_bool().is_some())
        },
        explains: in_the_body,
        holds: only_as_recorded,
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
        holds: only_as_recorded,
    },
    Rule {
        id: "path-parameters-checked",
        applies: |case| is_sent(case) && promised::missing_parameter(case.call).is_some(),
        explains: the_call,
        holds: |case, ours| {
            let missing = promised::missing_parameter(case.call).unwrap_or_default();
            refused(ours, &format!("path_params.{missing}"))
        },
    },
    Rule {
        id: "all-five-methods",
        applies: |case| case.call.op == "invoke" && case.call.result.has("unsupported"),
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "string-as-body",
        applies: |case| {
            case.call.op == "invoke" && case.call.refused() && case.call.args.get("body").as_str().is_some()
        },
        explains: the_call,
        holds: made_as_promised,
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

fn only_as_recorded(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    match ours.sent.len() {
        1 => first_as_recorded(case, ours),
        count => Err(format!("{count} requests were sent: {}", ours.outcome)),
    }
}

fn any(value: &Json, is_it: &dyn Fn(&Json) -> bool) -> bool {
    is_it(value)
        || value.elements().iter().any(|element| any(element, is_it))
        || value.members().iter().any(|(_, member)| any(member, is_it))
}
