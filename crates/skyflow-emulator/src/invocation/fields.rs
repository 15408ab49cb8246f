use std::collections::BTreeMap;

use rusqlite::Connection;
use skyflow_types::Redaction;

use super::document::Document;
use crate::clock::Now;
use crate::connections::{Action, Rule};
use crate::errors::{ApiError, ApiResult};
use crate::exact::{Exact, Members};
use crate::operations::connection_fields;
use crate::schema::text_of;
use crate::state::State;

/// A record that a message makes: the table, the list elements it comes from, and which match of a selector.
type RowKey = (String, Vec<usize>, usize);

/// What becomes of a value: the rule that means it, the list elements on the way to it, the number of its match.
type Change<'a> = dyn FnMut(&Rule, &[usize], usize, &str) -> ApiResult<Option<String>> + 'a;

/// The parts of a message, each with its rules.
pub(super) type Parts<'a> = [(&'a [Rule], &'a mut Document)];

/// Applies the rules of a route to a message, in one transaction.
pub(super) fn transform(
    state: &State,
    now: Now,
    upserts: &[(String, String)],
    parts: &mut Parts<'_>,
) -> ApiResult<()> {
    if parts.iter().all(|(rules, _)| rules.is_empty()) {
        return Ok(());
    }
    state.store.write(|connection| {
        let mut rows: BTreeMap<RowKey, Members> = BTreeMap::new();
        for (rules, document) in parts.iter_mut() {
            visit(rules, document, &mut |rule, indices, number, text| {
                match &rule.action {
                    Action::Detokenize(redaction) => {
                        reveal(state, connection, now, rule, *redaction, text).map(Some)
                    }
                    Action::Tokenize { table, column } => {
                        let row = rows.entry((table.clone(), indices.to_vec(), number)).or_default();
                        row.insert(column.clone(), Exact::String(text.to_owned()));
                        Ok(None)
                    }
                }
            })?;
        }
        let mut tokens = BTreeMap::new();
        for (key, fields) in rows {
            let upsert = upserts.iter().find(|(table, _)| *table == key.0).map(|(_, column)| column.as_str());
            let made = connection_fields::insert(state, connection, now, &key.0, fields, upsert)?;
            tokens.insert(key, made);
        }
        for (rules, document) in parts.iter_mut() {
            visit(rules, document, &mut |rule, indices, number, _| {
                let Action::Tokenize { table, column } = &rule.action else { return Ok(None) };
                let token = tokens.get(&(table.clone(), indices.to_vec(), number)).and_then(|made| made.get(column));
                match token {
                    Some(token) => Ok(Some(text_of(token))),
                    None => Err(ApiError::bad_request(format!(
                        "Tokenization failed. Column {column} has no tokens. Specify a column with a token policy."
                    ))),
                }
            })?;
        }
        Ok(())
    })
}

fn reveal(
    state: &State,
    connection: &Connection,
    now: Now,
    rule: &Rule,
    redaction: Redaction,
    token: &str,
) -> ApiResult<String> {
    connection_fields::reveal(state, connection, now, token, redaction)?.ok_or_else(|| {
        // The content of the field is not repeated: where a token is missing, it may be a value.
        let field = rule.path.join(".");
        ApiError::bad_request(format!(
            "Detokenize failed. Field {field} holds no known token. Specify valid tokens."
        ))
    })
}

/// Shows each value that a rule means, with the number of its match within the field, and puts back what the function
/// makes of it.
fn visit(rules: &[Rule], document: &mut Document, change: &mut Change<'_>) -> ApiResult<()> {
    for rule in rules {
        for field in document.fields(&rule.path) {
            let text = text_of(field.value);
            let Some(selector) = &rule.selector else {
                if let Some(changed) = change(rule, &field.indices, 0, &text)? {
                    *field.value = Exact::String(changed);
                }
                continue;
            };
            let mut changed = String::new();
            let mut copied = 0;
            for (number, captures) in selector.captures_iter(&text).enumerate() {
                let Some(part) = captures.get(1).or_else(|| captures.get(0)) else { continue };
                if let Some(new) = change(rule, &field.indices, number + 1, part.as_str())? {
                    changed.push_str(text.get(copied..part.start()).unwrap_or_default());
                    changed.push_str(&new);
                    copied = part.end();
                }
            }
            if copied > 0 {
                changed.push_str(text.get(copied..).unwrap_or_default());
                *field.value = Exact::String(changed);
            }
        }
    }
    Ok(())
}
