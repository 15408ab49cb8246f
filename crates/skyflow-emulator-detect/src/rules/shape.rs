use std::ops::Range;

use regex::Regex;
use skyflow_types::DetectEntity;

use crate::segmentation::is_word;
use crate::{Finding, Passage, Recognizer};

/// How far before a finding a cue may begin, in bytes. A bound, so that looking back costs the same in every text.
const LOOK_BACK: usize = 48;

/// A match that is longer is not looked into once it is refused, so that the time stays in proportion to the text.
const LOOK_INTO: usize = 256;

/// Letters of most scripts, as the inside of a class: `\pL` takes a thousand times the memory when it is repeated.
pub(super) const LETTERS: &str = r"A-Za-z\x{c0}-\x{1fff}\x{2c00}-\x{2dff}\x{3040}-\x{d7ff}";

/// The spaces within numbers, as the inside of a class: documents keep a number on one line by such as these.
pub(super) const SPACES: &str = r" \x{a0}\x{2007}\x{2009}\x{202f}";

/// The hyphens within numbers, as the end of a class.
pub(super) const HYPHENS: &str = r"\x{2010}\x{2011}\x{2013}-";

/// Compiles a pattern that is written in these rules.
#[expect(clippy::expect_used, reason = "the patterns are constants, and a test builds every one of them")]
pub(super) fn pattern(text: &str) -> Regex {
    // Cannot fail: no part of a pattern comes from outside of this module, and `built_in_rules_compile` builds all.
    Regex::new(text).expect("a pattern of the rules is valid")
}

/// Returns the end of a text before a place: at most as long as a cue and what may follow it.
pub(super) fn before(text: &str, at: usize) -> &str {
    let mut start = at.saturating_sub(LOOK_BACK);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..at).unwrap_or_default()
}

/// Returns the start of a text after a place.
pub(super) fn after(text: &str, at: usize) -> &str {
    let mut end = (at + LOOK_BACK).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(at..end).unwrap_or_default()
}

/// Words that are required before a finding, with no digit between them and it.
#[derive(Debug)]
pub(super) struct Cue(Regex);

impl Cue {
    /// Takes alternatives, as a pattern; case does not matter.
    pub(super) fn new(alternatives: &str) -> Self {
        Self(pattern(&format!("(?:^|[^a-zA-Z0-9])(?i-u:{alternatives})(?:[^a-zA-Z0-9][^0-9]{{0,30}})?$")))
    }

    /// Returns whether the words are right before a position, or are the label of the text.
    pub(super) fn precedes(&self, passage: &Passage<'_>, at: usize) -> bool {
        self.0.is_match(before(passage.text(), at))
            || (!passage.label().is_empty()
                && self.0.is_match(before(passage.label(), passage.label().len())))
    }
}

/// One form that an entity is written in.
#[derive(Debug)]
pub(super) struct Shape {
    entity: DetectEntity,
    score: f64,
    pattern: Regex,
    accepts: Option<fn(&str) -> bool>,
    cue: Option<Cue>,
    apart: bool,
}

impl Shape {
    /// Takes the form as a pattern: what its first group matches is the entity, the whole match where there is none.
    ///
    /// The borders of words are checked here, not in the pattern: a Unicode `\b` makes `regex` leave its fast path.
    pub(super) fn new(entity: DetectEntity, score: f64, text: &str) -> Self {
        Self { entity, score, pattern: pattern(text), accepts: None, cue: None, apart: false }
    }

    /// Asks of what matches that it passes a check, such as a checksum.
    pub(super) fn checked(self, accepts: fn(&str) -> bool) -> Self {
        Self { accepts: Some(accepts), ..self }
    }

    /// Asks for words before it.
    pub(super) fn cued(self, alternatives: &str) -> Self {
        Self { cue: Some(Cue::new(alternatives)), ..self }
    }

    /// Requires that it is no part of a longer number: no digit follows a `-`, `.` or `/` at its ends. A comma is what
    /// lists and tables have between their values.
    pub(super) fn apart(self) -> Self {
        Self { apart: true, ..self }
    }

    /// Returns where a pattern matches between borders of words, apart from longer numbers.
    pub(super) fn found<'a>(pattern: &'a Regex, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        pattern.find_iter(text).map(|found| found.range()).filter(|range| stands_alone(text, range, true))
    }

    fn find(&self, passage: &Passage<'_>, findings: &mut Vec<Finding>) {
        let text = passage.text();
        let grouped = self.pattern.captures_len() > 1;
        let mut at = 0;
        while at <= text.len() {
            // Finding groups costs more than finding a match.
            let Some(whole) = self.pattern.find_at(text, at) else { return };
            let range = match grouped.then(|| self.pattern.captures_at(text, whole.start())).flatten() {
                Some(groups) => groups.get(1).map_or(whole.range(), |group| group.range()),
                None => whole.range(),
            };
            let value = text.get(range.clone()).unwrap_or_default();
            let cued = self.cue.as_ref().is_none_or(|cue| cue.precedes(passage, range.start));
            let fits = cued
                && stands_alone(text, &range, self.apart)
                && self.accepts.is_none_or(|accepts| accepts(value));
            at = if fits {
                let end = range.end;
                findings.push(Finding::new(range, self.entity.clone(), self.score));
                end.max(whole.start() + 1)
            } else if whole.len() > LOOK_INTO
                || (!cued && value.starts_with(|first: char| first.is_ascii_digit()))
            {
                // No cue reaches over the digits that this match begins with.
                whole.end()
            } else {
                // The next match may begin inside of the refused one, but not inside of its first word.
                after_word(text, whole.start())
            };
            while !text.is_char_boundary(at) && at < text.len() {
                at += 1;
            }
        }
    }
}

/// Returns where the word ends that begins at a place; at least one character further.
fn after_word(text: &str, start: usize) -> usize {
    let mut letters = text.get(start..).unwrap_or_default().char_indices();
    let _first = letters.next();
    letters.find(|(_, letter)| !is_word(*letter)).map_or(text.len() + 1, |(length, _)| start + length)
}

/// Tells whether a part of a text begins and ends at borders of words.
fn stands_alone(text: &str, range: &Range<usize>, apart: bool) -> bool {
    let (Some(head), Some(value), Some(tail)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return false;
    };
    let mut back = head.chars().rev();
    let mut ahead = tail.chars();
    let (previous, next) = (back.next(), ahead.next());
    let splits = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(is_word) && outside.is_some_and(is_word)
    };
    if splits(value.chars().next(), previous) || splits(value.chars().next_back(), next) {
        return false;
    }
    let joins = |joint: Option<char>, beyond: Option<char>| {
        joint.is_some_and(|joint| "-./".contains(joint))
            && beyond.is_some_and(|beyond| beyond.is_ascii_digit())
    };
    !apart || (!joins(previous, back.next()) && !joins(next, ahead.next()))
}

/// The forms of one family of entities.
#[derive(Debug)]
pub(super) struct Shapes(pub(super) Vec<Shape>);

impl Recognizer for Shapes {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for shape in &self.0 {
            shape.find(passage, &mut findings);
        }
        findings
    }
}
