use std::ops::Range;

use regex::Regex;
use skyflow_types::DetectEntity;

use crate::segmentation::is_word;
use crate::{Finding, Passage, Recognizer};

/// How far before a finding a cue may begin, in bytes. A bound, so that looking back costs the same in every text.
const LOOK_BACK: usize = 48;

/// A match that is longer is not looked into once it is refused, so that the time stays in proportion to the text.
const LOOK_INTO: usize = 256;

/// How many shorter forms of a refused match are tried, for the same reason.
const SHORTER: usize = 8;

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
    borders: Borders,
}

/// What may be right beside a finding.
#[derive(Debug, Clone, Copy, Default)]
struct Borders {
    /// The characters behind or before which no digit may be.
    apart: &'static str,
    /// Whether an underscore may.
    attached: bool,
    /// Whether the `@` of an address may not.
    outside_addresses: bool,
}

impl Shape {
    /// Takes the form as a pattern: what its first group matches is the entity, the whole match where there is none.
    ///
    /// The borders of words are checked here, not in the pattern: a Unicode `\b` makes `regex` leave its fast path.
    pub(super) fn new(entity: DetectEntity, score: f64, text: &str) -> Self {
        Self { entity, score, pattern: pattern(text), accepts: None, cue: None, borders: Borders::default() }
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
    /// lists and tables have between their values, and a slash is it beside a value without one.
    pub(super) fn apart(self) -> Self {
        self.apart_by("-./")
    }

    /// Requires that it is no part of a longer number: no digit follows one of these at its ends.
    pub(super) fn apart_by(self, joints: &'static str) -> Self {
        Self { borders: Borders { apart: joints, ..self.borders }, ..self }
    }

    /// Allows underscores beside it, as in names of files and in emphasized texts.
    pub(super) fn attached(self) -> Self {
        Self { borders: Borders { attached: true, ..self.borders }, ..self }
    }

    /// Refuses the host of an e-mail address, which is part of the address.
    pub(super) fn outside_addresses(self) -> Self {
        Self { borders: Borders { outside_addresses: true, ..self.borders }, ..self }
    }

    /// Returns where a pattern matches between borders of words, apart from longer numbers.
    pub(super) fn found<'a>(pattern: &'a Regex, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let borders = Borders { apart: "-./", attached: true, outside_addresses: false };
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(found) = pattern.find_at(text, at) {
                let fits = |range: &Range<usize>| is_bordered(text, range, borders);
                match longest(pattern, text, found.range(), fits) {
                    Some(range) => {
                        at = range.end;
                        return Some(range);
                    }
                    None => at = found.end().max(found.start() + 1),
                }
            }
            None
        })
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
            let cued = self.cue.as_ref().is_none_or(|cue| cue.precedes(passage, range.start));
            let fits = |range: &Range<usize>| {
                let value = text.get(range.clone()).unwrap_or_default();
                is_bordered(text, range, self.borders) && self.accepts.is_none_or(|accepts| accepts(value))
            };
            let fitting = match (cued, grouped) {
                (false, _) => None,
                (true, true) => Some(range.clone()).filter(fits),
                (true, false) => longest(&self.pattern, text, range.clone(), fits),
            };
            at = if let Some(range) = fitting {
                let end = range.end;
                findings.push(Finding::new(range, self.entity.clone(), self.score));
                end.max(whole.start() + 1)
            } else if whole.len() > LOOK_INTO
                || (self.borders.outside_addresses && is_host(text, &range))
                || (!cued && text.as_bytes().get(range.start).is_some_and(u8::is_ascii_digit))
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

/// Returns a match that fits, or the longest match at its start that ends earlier, at the end of a word, and fits.
fn longest(
    pattern: &Regex,
    text: &str,
    found: Range<usize>,
    fits: impl Fn(&Range<usize>) -> bool,
) -> Option<Range<usize>> {
    let mut range = found;
    for _ in 0..SHORTER {
        if fits(&range) {
            return Some(range);
        }
        if range.len() > LOOK_INTO {
            return None;
        }
        let end = range.start + before_last_word(text.get(range.clone())?)?;
        let shorter =
            pattern.find_at(text.get(..end)?, range.start).filter(|found| found.start() == range.start)?;
        range = shorter.range();
    }
    None
}

/// Returns where the words before the last one end.
fn before_last_word(text: &str) -> Option<usize> {
    let last = text.trim_end_matches(|letter| !is_word(letter)).trim_end_matches(is_word);
    Some(last.trim_end_matches(|letter| !is_word(letter)).len()).filter(|end| *end > 0)
}

/// Returns where the word ends that begins at a place; at least one character further.
fn after_word(text: &str, start: usize) -> usize {
    let mut letters = text.get(start..).unwrap_or_default().char_indices();
    let _first = letters.next();
    letters.find(|(_, letter)| !is_word(*letter)).map_or(text.len() + 1, |(length, _)| start + length)
}

/// Tells whether a part of a text begins and ends at borders of words.
fn is_bordered(text: &str, range: &Range<usize>, borders: Borders) -> bool {
    let (Some(head), Some(value), Some(tail)) =
        (text.get(..range.start), text.get(range.clone()), text.get(range.end..))
    else {
        return false;
    };
    if borders.outside_addresses && is_host(text, range) {
        return false;
    }
    let mut back = head.chars().rev();
    let mut ahead = tail.chars();
    let (previous, next) = (back.next(), ahead.next());
    let splits = |inside: Option<char>, outside: Option<char>| {
        inside.is_some_and(is_word)
            && outside.is_some_and(|outside| is_word(outside) && !(borders.attached && outside == '_'))
    };
    if splits(value.chars().next(), previous) || splits(value.chars().next_back(), next) {
        return false;
    }
    let joins = |joint: Option<char>, beyond: Option<char>| {
        joint.is_some_and(|joint| borders.apart.contains(joint) && (joint != '/' || value.contains('/')))
            && beyond.is_some_and(|beyond| beyond.is_ascii_digit())
    };
    !joins(previous, back.next()) && !joins(next, ahead.next())
}

/// Tells whether the `@` of an e-mail address is right before a part of a text.
fn is_host(text: &str, range: &Range<usize>) -> bool {
    text.get(..range.start).is_some_and(|head| head.ends_with('@'))
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
