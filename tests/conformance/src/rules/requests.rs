//! Contents of requests.

use super::help::{first_as_recorded, made_as_promised, refused_by, run_as_promised, the_call};
use super::{Case, Rule};
use crate::difference::{Difference, Part, Place};
use crate::json::Json;
use crate::promise::refusal;
use crate::trace::Call;
use crate::wire;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "unset-omitted",
        applies: |case| case.call.exchanges.iter().any(|_| true),
        explains: |difference, case, _| is_default(difference) || says_nothing(difference, case),
        holds: |_, _| Ok(()),
    },
    Rule {
        id: "token-call-headers",
        applies: |case| !case.call.tokens.is_empty(),
        explains: |difference, _, _| {
            matches!(difference.place, Place::Token(_, Part::Authorization)) && difference.got == "null"
        },
        holds: |_, ours| {
            let bare = ["authorization", "sky-metadata", "cookie"];
            let loaded =
                ours.tokens.iter().any(|sent| bare.iter().any(|name| sent.headers.contains_key(*name)));
            if loaded { Err("a request for a token carries headers of a vault".to_owned()) } else { Ok(()) }
        },
    },
    Rule {
        id: "path-segments",
        applies: |case| {
            let spliced = values_in_path(case).iter().any(|value| spliced(value));
            !case.call.exchanges.is_empty() && spliced && refusal::of(case.call).is_none()
        },
        explains: |difference, _, _| {
            matches!(difference.place, Place::Request(_, Part::Path | Part::Query(_)))
        },
        holds: |case, ours| {
            if case.call.op == "deidentify_file" {
                return run_as_promised(case, ours);
            }
            first_as_recorded(case, ours)?;
            let segments = ours.sent.first().map(|sent| wire::segments(&sent.path)).unwrap_or_default();
            match values_in_path(case).into_iter().find(|value| !segments.iter().any(|it| it == value)) {
                Some(value) => Err(format!("{value:?} is no segment of {segments:?}")),
                None => Ok(()),
            }
        },
    },
    Rule {
        id: "path-control-characters",
        applies: |case| {
            case.call.exchanges.is_empty()
                && !case.call.refused_by_name()
                && values_in_path(case).iter().any(|value| value.chars().any(|c| c.is_ascii_control()))
        },
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "dot-segments",
        applies: |case| {
            let dots = values_in_path(case).iter().any(|value| matches!(*value, "." | ".."));
            !case.call.refused() && case.call.op != "deidentify_file" && dots
        },
        explains: the_call,
        holds: |case, ours| {
            let is_place = |field: &str| match case.call.op.as_str() {
                "get_detect_run" => field == "run_id",
                "invoke" => field.starts_with("path_params"),
                _ => matches!(field, "vault_id" | "table" | "skyflow_id"),
            };
            refused_by(ours, is_place)
        },
    },
    Rule {
        id: "additional-options",
        applies: |case| case.call.has_no_form(),
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "env-default",
        applies: |case| case.trace.config.has("env") && case.trace.config.get("env").is_null(),
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "cluster-label",
        applies: |case| !case.call.refused() && !is_label(case.trace.cluster_id()),
        explains: the_call,
        holds: |_, ours| refused_by(ours, |field| field == "cluster_id"),
    },
    Rule {
        id: "paging-numbers",
        applies: |case| {
            let given = |name: &str| !case.call.args.get(name).is_null();
            case.call.op == "get"
                && (given("offset") || given("limit"))
                && ["offset", "limit"].iter().all(|name| is_count(case.call.args.get(name)))
                && !case.call.refused_for_another_reason()
        },
        explains: |difference, case, ours| {
            let paging = |key: &str| matches!(key, "offset" | "limit");
            let (recorded, sent) = (difference.expected.parse::<u64>(), difference.got.parse::<u64>());
            match &difference.place {
                Place::Request(_, Part::Query(key)) => paging(key) && recorded.is_ok() && recorded == sent,
                _ => case.call.refused() && the_call(difference, case, ours),
            }
        },
        holds: |case, ours| if case.call.refused() { made_as_promised(case, ours) } else { Ok(()) },
    },
    Rule {
        id: "any-statement",
        applies: |case| {
            let query = case.call.args.get("query").as_str().unwrap_or_default();
            case.call.op == "query" && !query.trim().is_empty() && !query.to_uppercase().starts_with("SELECT")
        },
        explains: the_call,
        holds: made_as_promised,
    },
];

impl Call {
    /// Refused with words about what was asked, and not by the library that builds the request.
    fn refused_by_name(&self) -> bool {
        self.result.get("message").as_str().is_some_and(|message| message.starts_with("Skyflow Python SDK"))
    }

    /// Refused with words that are not about offset and limit.
    fn refused_for_another_reason(&self) -> bool {
        let message = self.result.get("message").as_str().unwrap_or_default();
        self.refused() && !message.contains("offset") && !message.contains("limit")
    }
}

/// Members that this SDK omits because they equal the server's default: operation, place, value.
const DEFAULTS: &[(&str, &str)] = &[
    (".homogeneous", "false"),
    (".byot", "\"DISABLE\""),
    (".continueOnError", "false"),
    (".tokenization", "false"),
];

fn is_default(difference: &Difference) -> bool {
    let (expected, got) = (difference.expected.as_str(), difference.got.as_str());
    match &difference.place {
        Place::Request(_, Part::Body(at)) => {
            let left_out = got == "null" && DEFAULTS.contains(&(at.as_str(), expected));
            let level = at.starts_with(".detokenizationParameters[") && at.ends_with("].redaction");
            left_out || (level && expected == "null" && got == "\"DEFAULT\"")
        }
        Place::Request(_, Part::Query(key)) => {
            key == "tokenization" && expected == "false" && got == "absent"
        }
        Place::Request(_, Part::Form(name, "count")) => {
            name == "skyflowID" && expected.is_empty() && got == "absent"
        }
        _ => false,
    }
}

/// The kind of token that the official SDK names when the caller does not, and a format without a word in it.
fn says_nothing(difference: &Difference, case: &Case<'_>) -> bool {
    let Place::Request(_, Part::Body(at)) = &difference.place else { return false };
    let unsaid = Json::parse(&difference.expected).unwrap_or(Json::Bool(true));
    let says_nothing = match at.as_str() {
        ".token_type.default" => {
            unsaid.as_str() == Some("entity_unq_counter")
                && !case.call.args.get("token_format").has("default")
        }
        ".format" => {
            matches!(&unsaid, Json::Object(members) if members.iter().all(|(_, value)| value.is_null()))
        }
        _ => false,
    };
    says_nothing && difference.got == "null"
}

/// The caller's values that become segments of a path.
fn values_in_path<'a>(case: &Case<'a>) -> Vec<&'a str> {
    let args = &case.call.args;
    if case.call.op == "invoke" {
        return args.get("path_params").members().iter().filter_map(|(_, value)| value.as_str()).collect();
    }
    match case.call.op.as_str() {
        // Detect has the vault in queries and bodies.
        "get_detect_run" => return args.get("run_id").as_str().into_iter().collect(),
        // The id of a run comes from the server.
        "deidentify_file" => {
            let start = case.call.exchanges.first().and_then(|exchange| exchange.reply.as_ref());
            return start.and_then(|reply| reply.body.get("run_id").as_str()).into_iter().collect();
        }
        "deidentify_text" | "reidentify_text" => return Vec::new(),
        _ => {}
    }
    let mut values = vec![case.trace.vault_id()];
    let batch = case.call.op == "insert" && args.get("continue_on_error").as_bool() == Some(true);
    if matches!(case.call.op.as_str(), "insert" | "get" | "update" | "delete") && !batch {
        values.extend(args.get("table").as_str());
    }
    if case.call.op == "update" {
        values.extend(args.get("data").get("skyflow_id").as_str());
    }
    values
}

/// Returns whether a value has another meaning when it is inserted into a URL without encoding.
fn spliced(value: &str) -> bool {
    let hex = |text: Option<&str>| text.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let escape = value.match_indices('%').any(|(at, _)| hex(value.get(at + 1..at + 3)));
    escape || value.contains(['/', '?', '#'])
}

fn is_label(cluster: &str) -> bool {
    (1..=63).contains(&cluster.len())
        && !cluster.starts_with('-')
        && !cluster.ends_with('-')
        && cluster.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_count(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Number(digits) | Json::Text(digits) => digits.parse::<u64>().is_ok(),
        _ => false,
    }
}
