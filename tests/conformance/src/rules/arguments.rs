//! What cannot be written in Rust.

use super::Rule;
use super::help::{nothing_sent, the_call};
use super::types::mistyped;
use crate::outcome::Outcome;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "typed-arguments",
    applies: |case| mistyped(case.trace, &case.call.op, &case.call.args).is_some(),
    explains: the_call,
    holds: |case, ours| {
        nothing_sent(ours)?;
        let argument = mistyped(case.trace, &case.call.op, &case.call.args).unwrap_or_default();
        match &ours.outcome {
            Outcome::Inexpressible { argument: named, .. } if same_argument(named, &argument) => Ok(()),
            other => Err(format!("`{argument}` is of another type, and {other}")),
        }
    },
}];

/// `redaction` is the older spelling of `redaction_type`; the id of a row to update is part of its data.
fn same_argument(named: &str, argument: &str) -> bool {
    named.trim_end_matches("_type") == argument.trim_end_matches("_type")
}
