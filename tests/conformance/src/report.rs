//! The verdict on each trace, and what is printed about all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::rules::{self, Case};
use crate::trace::{Trace, Unreadable};
use crate::{compare, replay};

/// How a trace and its replay compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    /// All differences are on purpose; these rules explain them.
    Parity(Vec<&'static str>),
    Different(Vec<String>),
}

/// The verdict on one trace.
#[derive(Debug, Clone)]
pub struct Judged {
    pub case: String,
    pub op: String,
    pub verdict: Verdict,
    /// The rules that explain a difference, whatever the verdict is.
    pub explained_by: Vec<&'static str>,
}

/// Replays a trace and judges it.
pub fn judge(trace: &Trace) -> Judged {
    let (verdict, explained_by) = verdict(trace);
    Judged { case: trace.case.clone(), op: trace.op.clone(), verdict, explained_by }
}

/// Judges a file that may be no trace.
pub fn judge_file(name: &str, parsed: Result<Trace, Unreadable>) -> Judged {
    match parsed {
        Ok(trace) => judge(&trace),
        Err(error) => Judged {
            case: name.to_owned(),
            op: "unreadable".to_owned(),
            verdict: Verdict::Different(vec![error.to_string()]),
            explained_by: Vec::new(),
        },
    }
}

fn verdict(trace: &Trace) -> (Verdict, Vec<&'static str>) {
    let all = replay::play(trace);
    let (mut explained, mut problems) = (Vec::new(), Vec::new());
    if all.len() != trace.calls().count() || all.is_empty() {
        problems.push(format!("{} of {} calls were made", all.len(), trace.calls().count()));
    }
    for (number, (call, ours)) in trace.calls().zip(&all).enumerate() {
        let differences = compare::call(call, ours);
        let judgement = rules::judge(&Case { trace, call, all: &all }, ours, &differences);
        explained.extend(judgement.explained_by);
        let prefix = if all.len() > 1 { format!("call {number}: ") } else { String::new() };
        problems.extend(judgement.problems.into_iter().map(|problem| format!("{prefix}{problem}")));
    }
    explained.sort_unstable();
    explained.dedup();
    let verdict = match (problems.is_empty(), explained.is_empty()) {
        (false, _) => Verdict::Different(problems),
        (true, false) => Verdict::Parity(explained.clone()),
        (true, true) => Verdict::Equal,
    };
    (verdict, explained)
}

/// Returns the rules that explain nothing in any of the recordings.
pub fn unused_rules<'a>(judged: impl IntoIterator<Item = &'a Judged>) -> Vec<&'static str> {
    let used: BTreeSet<&str> =
        judged.into_iter().flat_map(|judged| judged.explained_by.iter().copied()).collect();
    rules::all().map(|rule| rule.id).filter(|id| !used.contains(id)).collect()
}

/// How many traces have each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub equal: usize,
    pub parity: usize,
    pub different: usize,
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Equal => self.equal += 1,
            Verdict::Parity(_) => self.parity += 1,
            Verdict::Different(_) => self.different += 1,
        }
    }
}

/// The line that other programs read.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { equal, parity, different } = self;
        write!(f, "equal {equal}, parity {parity}, different {different}")
    }
}

/// Everything that is printed.
pub struct Report<'a>(pub &'a [Judged]);

impl Report<'_> {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.0.iter().for_each(|judged| counts.add(&judged.verdict));
        counts
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_op: BTreeMap<&str, Counts> = BTreeMap::new();
        for judged in self.0 {
            by_op.entry(&judged.op).or_default().add(&judged.verdict);
            match &judged.verdict {
                Verdict::Equal => {}
                Verdict::Parity(rules) => writeln!(f, "{}: parity {}", judged.case, rules.join(", "))?,
                Verdict::Different(problems) => {
                    writeln!(f, "{}: DIFFERENT: {}", judged.case, problems.join(" | "))?;
                }
            }
        }
        writeln!(f, "\n{:<20} {:>7} {:>7} {:>10}", "operation", "equal", "parity", "different")?;
        for (op, counts) in by_op {
            let Counts { equal, parity, different } = counts;
            writeln!(f, "{op:<20} {equal:>7} {parity:>7} {different:>10}")?;
        }
        writeln!(f)?;
        write!(f, "{}", self.counts())
    }
}
