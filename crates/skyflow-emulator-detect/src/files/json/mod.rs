//! Files of type `json` and `jsonl`: strings, numbers and member names are passages.
//!
//! The files are not parsed into values and serialized again: only the bytes of edited literals change, so that
//! formatting, order, repeated members and the digits of numbers stay.

mod cursor;
mod labels;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use serde::de::IgnoredAny;

use self::cursor::Cursor;
use self::labels::Labels;
use super::key_names::is_value;
use super::{FileProblem, rewriter::Rewriter, text_encoding};
use crate::mapped_text::{MappedText, Splices};
use crate::passage::is_label;
use crate::rewrite::{Edit, apply};
use crate::rules::is_known_label;

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
            let end = start + document.len();
            Walk {
                cursor: Cursor { source: &source, at: start, end },
                labels: &Labels::read(&source, start, end),
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
    /// What labels the values of an object whose members do not say what they are.
    value_label: String,
    names: Names,
}

impl Container {
    /// Returns the label of a member: its name, or what says what the object holds.
    fn label_of<'a>(&'a self, name: &'a str) -> &'a str {
        if !self.value_label.is_empty() && is_value(name) && !is_known_label(name) {
            return &self.value_label;
        }
        Some(name).filter(|name| is_label(name)).unwrap_or_default()
    }
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
    cursor: Cursor<'a>,
    labels: &'a Labels,
    splices: &'a mut Splices,
    hasher: RandomState,
}

impl Walk<'_> {
    fn rewrite(mut self, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
        let mut containers: Vec<Container> = Vec::new();
        while let Some(byte) = self.cursor.peek() {
            let at = self.cursor.at;
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
                    let value_label = match self.labels.of_object(at) {
                        "" => label.clone(),
                        own => own.to_owned(),
                    };
                    containers.push(Container {
                        is_object,
                        name_is_next: is_object,
                        label,
                        value_label,
                        names,
                    });
                    self.cursor.at += 1;
                }
                b'}' | b']' => {
                    if let Some(container) = containers.pop() {
                        container.names.finish(self.splices, &self.hasher);
                    }
                    self.cursor.at += 1;
                }
                b',' => {
                    if let Some(container) = containers.last_mut() {
                        container.name_is_next = container.is_object;
                    }
                    self.cursor.at += 1;
                }
                b'"' => {
                    let text = self.cursor.string();
                    match containers.last_mut() {
                        Some(object) if object.name_is_next => {
                            object.name_is_next = false;
                            object.label = object.label_of(text.text()).to_owned();
                            let edits = rewriter.edits(text.text(), "")?;
                            object.names.add(text, edits, &self.hasher);
                        }
                        _ if self.labels.is_label(at) => rewriter.count(text.text()),
                        container => {
                            let label = container.map_or("", |container| container.label.as_str());
                            let label = self.labels.of_cell(at).unwrap_or(label);
                            let edits = rewriter.edits(text.text(), label)?;
                            self.splices.edit(&text, &edits, escape);
                        }
                    }
                }
                b'-' | b'0'..=b'9' => {
                    let literal = self.cursor.number();
                    let digits = self.cursor.source.get(literal.clone()).unwrap_or_default();
                    let label = containers.last().map_or("", |container| container.label.as_str());
                    let label = self.labels.of_cell(at).unwrap_or(label);
                    let edits = rewriter.edits(digits, label)?;
                    if !edits.is_empty() {
                        self.splices.replace(literal, format!("\"{}\"", escape(&apply(digits, &edits))));
                    }
                }
                _ => self.cursor.at += 1,
            }
        }
        Ok(())
    }
}

fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
