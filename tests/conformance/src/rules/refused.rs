//! What the official SDK sends and this one refuses.

use super::help::{refused, refused_by, the_call};
use super::{Case, Rule};
use crate::json::Json;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "get-requires-selection",
        applies: |case| {
            let args = &case.call.args;
            let ids = args.get("ids");
            let by_column = !args.get("column_name").is_null() || !args.get("column_values").is_null();
            let none = ids.is_null() && !by_column;
            let empty = matches!(ids, Json::List(ids) if ids.is_empty());
            case.call.op == "get" && !case.call.refused() && (none || empty)
        },
        explains: the_call,
        holds: |_, ours| refused(ours, "ids"),
    },
    Rule {
        id: "no-blank-element",
        applies: |case| !case.call.refused() && blank(case).is_some(),
        explains: the_call,
        holds: |case, ours| refused(ours, &blank(case).unwrap_or_default()),
    },
    Rule {
        id: "homogeneous-batch",
        applies: |case| !case.call.refused() && other_columns(case).is_some(),
        explains: the_call,
        holds: |case, ours| refused(ours, &format!("records[{}]", other_columns(case).unwrap_or_default())),
    },
    Rule {
        id: "tokens-match-row",
        applies: |case| !case.call.refused() && misfits(case),
        explains: the_call,
        holds: |_, ours| refused_by(ours, |field| field.starts_with("tokens")),
    },
    Rule {
        id: "delete-all-rows-explicit",
        applies: |case| {
            let ids = case.call.args.get("ids").elements();
            case.call.op == "delete" && ids.len() > 1 && ids.iter().any(is_star)
        },
        explains: the_call,
        holds: |case, ours| {
            let star = case.call.args.get("ids").elements().iter().position(is_star).unwrap_or_default();
            refused(ours, &format!("ids[{star}]"))
        },
    },
    Rule {
        id: "update-requires-id",
        applies: |case| {
            let id = case.call.args.get("data").get("skyflow_id");
            let blank = id.is_null() || id.as_str().is_some_and(|id| id.trim().is_empty());
            case.call.op == "update" && !case.call.refused() && blank
        },
        explains: the_call,
        holds: |_, ours| refused(ours, "skyflow_id"),
    },
    Rule {
        id: "update-requires-column",
        applies: |case| {
            let data = case.call.args.get("data");
            let only_the_id = data.members().len() == 1 && data.get("skyflow_id").as_str().is_some_and(named);
            case.call.op == "update" && !case.call.refused() && only_the_id
        },
        explains: the_call,
        holds: |_, ours| refused(ours, "fields"),
    },
];

fn named(id: &str) -> bool {
    !id.trim().is_empty()
}

fn is_star(id: &Json) -> bool {
    id.as_str() == Some("*")
}

fn is_blank(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The place of a blank element in a list, as the SDK names it.
fn blank(case: &Case<'_>) -> Option<String> {
    let args = &case.call.args;
    let in_list = |list: &str| {
        let at = args.get(list).elements().iter().position(is_blank)?;
        Some(format!("{list}[{at}]"))
    };
    match case.call.op.as_str() {
        "get" => ["ids", "column_values", "fields"].into_iter().find_map(in_list),
        "delete" => in_list("ids"),
        "detokenize" => {
            let at = args.get("data").elements().iter().position(|item| is_blank(item.get("token")))?;
            Some(format!("tokens[{at}]"))
        }
        "tokenize" => {
            let at =
                args.get("values").elements().iter().position(|item| is_blank(item.get("column_group")))?;
            Some(format!("values[{at}].column_group"))
        }
        "deidentify_text" | "deidentify_file" => {
            ["allow_regex", "restrict_regex"].into_iter().find_map(in_list)
        }
        "upload_file" => is_blank(args.get("file_name")).then(|| "file_name".to_owned()),
        "signed_data_tokens" => {
            let empty = |token: &Json| token.as_str() == Some("");
            args.get("data_tokens").elements().iter().any(empty).then(|| "token".to_owned())
        }
        _ => None,
    }
}

/// The first row of a batch that has other columns than the first, where equal ones are demanded.
fn other_columns(case: &Case<'_>) -> Option<usize> {
    let args = &case.call.args;
    let yes = |name: &str| args.get(name).as_bool() == Some(true);
    if case.call.op != "insert" || !yes("homogeneous") || !yes("continue_on_error") {
        return None;
    }
    let columns = |row: &Json| {
        let mut names: Vec<&String> = row.members().iter().map(|(name, _)| name).collect();
        names.sort();
        names.into_iter().cloned().collect::<Vec<_>>()
    };
    let rows = args.get("values").elements();
    rows.iter().position(|row| columns(row) != columns(args.get("values").at(0)))
}

/// Tells whether tokens are brought for columns that their row does not have, or none at all.
fn misfits(case: &Case<'_>) -> bool {
    let args = &case.call.args;
    let misfit = |row: &Json, tokens: &Json| {
        let columns = tokens.members();
        matches!(tokens, Json::Object(_))
            && (columns.is_empty() || columns.iter().any(|(name, _)| !row.has(name)))
    };
    match case.call.op.as_str() {
        "insert" => {
            let rows = args.get("values").elements().iter().enumerate();
            rows.into_iter().any(|(index, row)| misfit(row, args.get("tokens").at(index)))
        }
        "update" => {
            let tokens = args.get("tokens");
            misfit(args.get("data"), tokens) || tokens.has("skyflow_id")
        }
        _ => false,
    }
}
