//! Files of type `json` and `jsonl`: strings, numbers and member names are passages.
//!
//! The files are not parsed into values and serialized again: only the bytes of edited literals change, so that
//! formatting, order, repeated members and the digits of numbers stay.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use serde::de::IgnoredAny;

use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::mapped_text::{MappedText, Splices};
use crate::passage::is_label;
use crate::rewrite::{Edit, apply};

/// How deep arrays and objects may be nested: each level keeps its label.
const DEPTH_LIMIT: usize = 1000;

pub(super) fn process(
    content: &[u8],
    lines: bool,
    rewriter: &mut Rewriter<'_>,
) -> Result<Vec<u8>, FileProblem> {
    let (source, encoding) = text_encoding::decode(content)
        .ok_or_else(|| FileProblem::broken("the text is not written in the encoding its first bytes say"))?;
    let documents = match lines {
        true => source.split_inclusive('\n').collect(),
        false => vec![source.as_str()],
    };
    let mut splices = Splices::default();
    let mut start = 0;
    for (index, document) in documents.into_iter().enumerate() {
        if !(lines && document.trim().is_empty()) {
            serde_json::from_str::<IgnoredAny>(document).map_err(|error| {
                let line = index + error.line();
                FileProblem::broken(format!(
                    "the file is not valid JSON at line {line}, column {}",
                    error.column()
                ))
            })?;
            Walk {
                source: &source,
                at: start,
                end: start + document.len(),
                splices: &mut splices,
                hasher: RandomState::new(),
            }
            .rewrite(rewriter)?;
        }
        start += document.len();
    }
    Ok(text_encoding::encode(&splices.apply(&source), encoding))
}

/// An array or an object around the place where the walk is.
struct Container {
    is_object: bool,
    /// What the next string of an object is.
    name_is_next: bool,
    label: String,
    names: Names,
}

/// The names of the members of an object.
///
/// Where one token replaces several values, as `entity_only` has it, their members would become one: the second is
/// numbered.
#[derive(Default)]
struct Names {
    /// The hashes of the names that stay: names would need many times their length. Two of one hash do no harm: an unneeded
    /// number is all.
    kept: Vec<u64>,
    /// The names that change wait for the end of the object: one that stays can come behind them.
    edited: Vec<(MappedText, Vec<Edit>)>,
}

impl Names {
    fn add(&mut self, text: MappedText, edits: Vec<Edit>, hasher: &RandomState) {
        match edits.is_empty() {
            true => self.kept.push(hasher.hash_one(text.text())),
            false => self.edited.push((text, edits)),
        }
    }

    /// Changes the names, each into one that the object does not have yet.
    fn finish(self, splices: &mut Splices, hasher: &RandomState) {
        if self.edited.is_empty() {
            return;
        }
        let mut taken: HashSet<u64> = self.kept.into_iter().collect();
        // What each name has become: a member that was there twice still is.
        let mut renamed: HashMap<String, Vec<Edit>> = HashMap::new();
        // The last number behind each name, so that many of one name do not count from the start.
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for (text, mut edits) in self.edited {
            if let Some(edits) = renamed.get(text.text()) {
                splices.edit(&text, edits, escape);
                continue;
            }
            let mut name = apply(text.text(), &edits);
            let replacement = edits.last().map(|edit| edit.replacement.clone()).unwrap_or_default();
            let number = numbers.entry(name.clone()).or_insert(1);
            while !taken.insert(hasher.hash_one(&name)) {
                *number += 1;
                if let Some(last) = edits.last_mut() {
                    last.replacement = numbered(&replacement, *number);
                }
                name = apply(text.text(), &edits);
            }
            splices.edit(&text, &edits, escape);
            renamed.insert(text.text().to_owned(), edits);
        }
    }
}

/// Numbers a replacement, within the brackets of a token.
fn numbered(replacement: &str, number: usize) -> String {
    match replacement.strip_suffix(']') {
        Some(token) => format!("{token}_{number}]"),
        None => format!("{replacement}_{number}"),
    }
}

/// A walk over the literals of a valid JSON text.
struct Walk<'a> {
    source: &'a str,
    at: usize,
    end: usize,
    splices: &'a mut Splices,
    hasher: RandomState,
}

impl Walk<'_> {
    fn rewrite(mut self, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
        let mut containers: Vec<Container> = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'[' => {
                    if containers.len() >= DEPTH_LIMIT {
                        return Err(FileProblem::too_large(format!(
                            "the file nests JSON deeper than {DEPTH_LIMIT} levels"
                        )));
                    }
                    let is_object = byte == b'{';
                    // An array is labelled by the name of its member, as its elements are.
                    let label = containers.last().map(|outer| outer.label.clone()).unwrap_or_default();
                    let names = Names::default();
                    containers.push(Container { is_object, name_is_next: is_object, label, names });
                    self.at += 1;
                }
                b'}' | b']' => {
                    if let Some(container) = containers.pop() {
                        container.names.finish(self.splices, &self.hasher);
                    }
                    self.at += 1;
                }
                b',' => {
                    if let Some(container) = containers.last_mut() {
                        container.name_is_next = container.is_object;
                    }
                    self.at += 1;
                }
                b'"' => {
                    let text = self.string();
                    match containers.last_mut() {
                        Some(object) if object.name_is_next => {
                            object.name_is_next = false;
                            let label = Some(text.text()).filter(|text| is_label(text)).unwrap_or_default();
                            label.clone_into(&mut object.label);
                            let edits = rewriter.edits(text.text(), "")?;
                            object.names.add(text, edits, &self.hasher);
                        }
                        container => {
                            let label = container.map_or("", |container| container.label.as_str());
                            let edits = rewriter.edits(text.text(), label)?;
                            self.splices.edit(&text, &edits, escape);
                        }
                    }
                }
                b'-' | b'0'..=b'9' => {
                    let literal = self.number();
                    let digits = self.source.get(literal.clone()).unwrap_or_default();
                    let label = containers.last().map_or("", |container| container.label.as_str());
                    let edits = rewriter.edits(digits, label)?;
                    if !edits.is_empty() {
                        self.splices.replace(literal, format!("\"{}\"", escape(&apply(digits, &edits))));
                    }
                }
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        if self.at < self.end { self.source.as_bytes().get(self.at).copied() } else { None }
    }

    fn number(&mut self) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            self.at += 1;
        }
        start..self.at
    }

    /// Reads a string literal and steps behind its last quote.
    fn string(&mut self) -> MappedText {
        let mut text = MappedText::default();
        self.at += 1;
        loop {
            let start = self.at;
            let rest = self.source.get(start..self.end).unwrap_or_default();
            let mut characters = rest.chars();
            match characters.next() {
                None => return text,
                Some('"') => {
                    self.at += 1;
                    return text;
                }
                Some('\\') => {
                    let (character, length) = unescape(characters.as_str());
                    self.at += 1 + length;
                    text.push(character, start..self.at);
                }
                Some(character) => {
                    self.at += character.len_utf8();
                    text.push(character, start..self.at);
                }
            }
        }
    }
}

/// Reads what follows a backslash; returns the character and the length of what was read.
fn unescape(rest: &str) -> (char, usize) {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    match rest.chars().next() {
        Some('u') => {
            let after = rest.get(1..).unwrap_or_default();
            let first = unit(after).unwrap_or(0xfffd);
            if let Some(character) = char::from_u32(first) {
                return (character, 5);
            }
            let second = after.get(4..).and_then(|after| after.strip_prefix("\\u")).and_then(unit);
            let pair = second.filter(|second| first < 0xdc00 && (0xdc00..0xe000).contains(second));
            match pair
                .and_then(|second| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)))
            {
                Some(character) => (character, 11),
                None => (char::REPLACEMENT_CHARACTER, 5),
            }
        }
        Some('n') => ('\n', 1),
        Some('t') => ('\t', 1),
        Some('r') => ('\r', 1),
        Some('b') => ('\u{8}', 1),
        Some('f') => ('\u{c}', 1),
        Some(other) => (other, other.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, 0),
    }
}

fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
