//! Where this SDK differs from the official one on purpose.
//!
//! A rule has a condition on what was recorded, names the differences it explains, and demands what this SDK promises
//! instead. Each has its row, with the same id, in `docs/parity.md`. There is no list of traces: a rule holds for a trace
//! that was never recorded before.

use crate::difference::Difference;
use crate::promise::refusal;
use crate::replay::Observed;
use crate::trace::{Call, Reply, Trace};

mod arguments;
mod auth;
mod behaviour;
mod connections;
mod detect;
mod failures;
mod files;
mod help;
mod refused;
mod requests;
mod responses;
mod runs;
mod types;

/// A difference on purpose.
pub struct Rule {
    /// The id of its row in `docs/parity.md`.
    pub id: &'static str,
    /// When it is about a call.
    pub applies: fn(&Case<'_>) -> bool,
    /// Which differences of such a call it explains.
    pub explains: fn(&Difference, &Case<'_>, &Observed) -> bool,
    /// What holds instead.
    pub holds: fn(&Case<'_>, &Observed) -> Result<(), String>,
}

/// A recorded call in its trace.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub trace: &'a Trace,
    pub call: &'a Call,
    /// What all calls of the trace did in this SDK.
    pub all: &'a [Observed],
}

impl<'a> Case<'a> {
    /// Tells whether nothing in the call keeps this SDK from making it.
    fn is_made(&self) -> bool {
        let call = self.call;
        refusal::of(call).is_none() && types::mistyped(self.trace, &call.op, &call.args).is_none()
    }

    /// Returns the response that decided the outcome, if this SDK makes the call too.
    fn last_reply(&self) -> Option<&'a Reply> {
        self.call.last_reply().filter(|_| self.is_made())
    }
}

/// All rules.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let groups: [&'static [Rule]; 11] = [
        requests::RULES,
        files::RULES,
        refused::RULES,
        arguments::RULES,
        auth::RULES,
        responses::RULES,
        failures::RULES,
        behaviour::RULES,
        connections::RULES,
        detect::RULES,
        runs::RULES,
    ];
    groups.into_iter().flatten()
}

/// What the rules make of a call.
#[derive(Debug, Default)]
pub struct Judgement {
    /// The rules that explain a difference.
    pub explained_by: Vec<&'static str>,
    /// What no rule explains, and promises that do not hold.
    pub problems: Vec<String>,
}

/// Judges the differences of one call.
pub fn judge(case: &Case<'_>, ours: &Observed, differences: &[Difference]) -> Judgement {
    let mut judgement = Judgement::default();
    let about: Vec<&Rule> = all().filter(|rule| (rule.applies)(case)).collect();
    for rule in &about {
        if let Err(problem) = (rule.holds)(case, ours) {
            judgement.problems.push(format!("rule {} does not hold: {problem}", rule.id));
        }
    }
    for difference in differences {
        let explaining: Vec<_> =
            about.iter().filter(|rule| (rule.explains)(difference, case, ours)).map(|rule| rule.id).collect();
        if explaining.is_empty() {
            judgement.problems.push(difference.to_string());
        }
        judgement.explained_by.extend(explaining);
    }
    judgement.explained_by.sort_unstable();
    judgement.explained_by.dedup();
    judgement
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_unique_id_and_a_parity_row() {
        let paper =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/parity.md")).unwrap();
        let mut seen = BTreeSet::new();
        for rule in super::all() {
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
            let row = format!("| `{}` |", rule.id);
            assert!(
                paper.lines().any(|line| line.starts_with(&row)),
                "docs/parity.md has no row {}",
                rule.id
            );
        }
    }
}
