//! What many rules say.

use super::Case;
use crate::compare::same_outcome;
use crate::difference::{Difference, Place};
use crate::outcome::Outcome;
use crate::replay::Observed;
use crate::{promise, recorded};

/// Explains whatever differs in the outcome; the rule's promise is about the whole of it.
pub(super) fn the_result(difference: &Difference, _: &Case<'_>, _: &Observed) -> bool {
    difference.is_in_the_result()
}

/// Explains that no request was made, and the outcome.
pub(super) fn the_call(difference: &Difference, _: &Case<'_>, _: &Observed) -> bool {
    difference.is_in_the_result() || matches!(difference.place, Place::RequestCount | Place::TokenCount)
}

/// The call is refused before anything is sent, because of `field`.
pub(super) fn refused(ours: &Observed, field: &str) -> Result<(), String> {
    refused_by(ours, |named| named == field).map_err(|problem| format!("{problem}, and not for `{field}`"))
}

pub(super) fn refused_by(ours: &Observed, is_it: impl Fn(&str) -> bool) -> Result<(), String> {
    nothing_sent(ours)?;
    match &ours.outcome {
        Outcome::Refused { field } if is_it(field) => Ok(()),
        other => Err(other.to_string()),
    }
}

pub(super) fn nothing_sent(ours: &Observed) -> Result<(), String> {
    match ours.sent.len() + ours.tokens.len() {
        0 => Ok(()),
        count => Err(format!("{count} requests were sent")),
    }
}

/// Checks that the outcome follows from the last response.
pub(super) fn as_responded(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    let Some((path, reply)) = ours.sent.last().and_then(|sent| Some((&sent.path, sent.reply.as_ref()?)))
    else {
        return Err(format!("no response, and {}", ours.outcome));
    };
    same_outcome(&promise::outcome(case.call, path, reply), &ours.outcome)
}

/// The official SDK refused the call; this one sends the recorded request and returns its response.
pub(super) fn made_as_promised(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    match ours.sent.as_slice() {
        [_, ..] if case.call.op == "deidentify_file" => {
            first_as_recorded(case, ours)?;
            run_as_promised(case, ours)
        }
        [_] => {
            first_as_recorded(case, ours)?;
            as_responded(case, ours)
        }
        sent => Err(format!("{} requests were sent: {}", sent.len(), ours.outcome)),
    }
}

/// The official SDK makes another request; the first of this one is the recorded one.
pub(super) fn first_as_recorded(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    match ours.sent.first() {
        Some(sent) => recorded::holds(case.trace, case.call, sent),
        None => Err(format!("nothing was sent: {}", ours.outcome)),
    }
}

/// Checks that a run is started and polled as promised, and that its outcome follows from the last response.
pub(super) fn run_as_promised(case: &Case<'_>, ours: &Observed) -> Result<(), String> {
    promise::run::asked_as_promised(case.trace, case.call, &ours.sent)?;
    as_responded(case, ours)
}
