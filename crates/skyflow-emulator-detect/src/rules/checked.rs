use std::ops::Range;

use skyflow_types::DetectEntity;

use crate::segmentation::is_word;
use crate::{Finding, Passage, Recognizer};

/// Numbers whose check digits decide, however people divide them.
///
/// A number is looked for at each group of letters and digits: with as many groups behind it as it may have, and then
/// with fewer, so that something behind a number does not hide it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) entity: DetectEntity,
    pub(super) score: f64,
    /// How many letters and digits there may be.
    pub(super) lengths: std::ops::RangeInclusive<usize>,
    /// Tells whether a number may begin with a group: a test that costs nothing.
    pub(super) begins: fn(&str) -> bool,
    pub(super) accepts: fn(&Written<'_>) -> bool,
}

/// A candidate: groups of letters and digits with a few other characters between them.
pub(super) struct Written<'a> {
    text: &'a str,
    /// The letters and digits alone.
    compact: String,
    groups: Vec<Range<usize>>,
}

impl<'a> Written<'a> {
    pub(super) fn compact(&self) -> &str {
        &self.compact
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.groups.iter().filter_map(|group| self.text.get(group.clone()))
    }

    /// Returns what is between the groups.
    pub(super) fn joints(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.groups.windows(2).filter_map(|pair| match pair {
            [one, next] => self.text.get(one.end..next.start),
            _ => None,
        })
    }

    /// Tells whether it is written in three or more groups, which no longer number has by chance.
    pub(super) fn is_grouped(&self) -> bool {
        self.groups.len() > 2
    }

    /// Tells whether the number is part of a longer one: a digit behind a point or a hyphen at either end.
    pub(super) fn is_joined(&self) -> bool {
        let range = self.range();
        let joins = |mut outside: std::str::Chars<'_>, next: fn(&mut std::str::Chars<'_>) -> Option<char>| {
            next(&mut outside).is_some_and(|joint| "-.".contains(joint))
                && next(&mut outside).is_some_and(|beyond| beyond.is_ascii_digit())
        };
        let head = self.text.get(..range.start).unwrap_or_default().chars();
        let tail = self.text.get(range.end..).unwrap_or_default().chars();
        joins(head, |letters| letters.next_back()) || joins(tail, |letters| letters.next())
    }

    fn range(&self) -> Range<usize> {
        let start = self.groups.first().map_or(0, |group| group.start);
        start..self.groups.last().map_or(start, |group| group.end)
    }

    /// Counts the sides on which more digits follow, of which some may belong to the number in place of its own digits.
    fn sides_with_digits(&self) -> usize {
        let range = self.range();
        let head = self.text.get(..range.start).unwrap_or_default();
        let before = head.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_behind = before.ends_with(|letter: char| letter.is_ascii_digit())
            && head.get(before.len()..).is_some_and(is_joint);
        let next = group_at(self.text, range.end);
        let is_before = next.is_some_and(|next| {
            self.text.get(range.end..next.start).is_some_and(is_joint)
                && self
                    .text
                    .get(next)
                    .is_some_and(|next| next.starts_with(|first: char| first.is_ascii_digit()))
        });
        usize::from(is_behind) + usize::from(is_before)
    }

    /// Tells whether letters of other scripts are right beside it.
    fn is_in_a_word(&self) -> bool {
        let range = self.range();
        let joins = |letter: char| is_word(letter) && letter != '_';
        self.text.get(..range.start).is_some_and(|head| head.ends_with(joins))
            || self.text.get(range.end..).is_some_and(|tail| tail.starts_with(joins))
    }

    fn push(&mut self, group: Range<usize>) {
        self.compact.push_str(self.text.get(group.clone()).unwrap_or_default());
        self.groups.push(group);
    }

    /// Takes the last group away.
    fn pop(&mut self) {
        if let Some(group) = self.groups.pop() {
            self.compact.truncate(self.compact.len() - group.len());
        }
    }
}

impl Checked {
    /// Returns the longest number that begins with a group.
    fn longest<'a>(&self, text: &'a str, first: Range<usize>) -> Option<Written<'a>> {
        let mut written = Written { text, compact: String::new(), groups: Vec::new() };
        let mut next = Some(first);
        while let Some(group) = next.take() {
            if written.compact.len() + group.len() > *self.lengths.end() {
                break;
            }
            let end = group.end;
            written.push(group);
            next = group_at(text, end).filter(|next| text.get(end..next.start).is_some_and(is_joint));
        }
        while written.compact.len() >= *self.lengths.start() {
            if !written.is_in_a_word() && (self.accepts)(&written) {
                return Some(written);
            }
            written.pop();
        }
        None
    }
}

impl Recognizer for Checked {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let text = passage.text();
        let mut findings: Vec<Finding> = Vec::new();
        // Some groups of two numbers may have the check digit of a third: the one with nothing beside it is meant.
        let mut last_sides = 0;
        let mut at = 0;
        while let Some(group) = group_at(text, at) {
            at = group.end;
            if !text.get(group.clone()).is_some_and(self.begins) {
                continue;
            }
            let Some(written) = self.longest(text, group) else { continue };
            let (range, sides) = (written.range(), written.sides_with_digits());
            match findings.last_mut().filter(|last| last.range.end > range.start) {
                Some(last) if sides < last_sides => last.range = range,
                Some(_) => continue,
                None => findings.push(Finding::new(range, self.entity.clone(), self.score)),
            }
            last_sides = sides;
        }
        findings
    }
}

/// Returns the next letters and digits at or behind a place.
fn group_at(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = at + bytes.get(at..)?.iter().position(u8::is_ascii_alphanumeric)?;
    let rest = bytes.get(start..)?;
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some(start..start + length)
}

/// Tells whether people write this between the groups of a number: up to three characters, one line break at most.
fn is_joint(between: &str) -> bool {
    const LIMIT: usize = 3;
    between.chars().take(LIMIT + 1).count() <= LIMIT
        && between.matches('\n').count() <= 1
        && !between.contains(|character: char| is_word(character) && character != '_')
}
