use std::ops::Range;
use std::slice;

use super::comment::in_comment;
use super::labels::Labels;
use super::section::in_section;
use super::tokens::{Attribute, local};
use super::{Document, Token, decode, escape, escape_attribute, tokens};
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

/// Processes a file of type `xml`.
pub(crate) fn process(content: &[u8], rewriter: &mut Rewriter<'_>) -> Result<Vec<u8>, FileProblem> {
    let document = Document::read(content)?;
    let changed = rewrite_document(&document.source, rewriter)?;
    Ok(document.write(&changed))
}

/// Shows texts, attributes, comments and instructions, each under the name of its element or attribute.
pub(crate) fn rewrite_document(source: &str, rewriter: &mut Rewriter<'_>) -> Result<String, FileProblem> {
    let mut splices = Splices::default();
    let mut open: Vec<Range<usize>> = Vec::new();
    // Characters that only comments and the borders of CDATA sections divide are one text.
    let mut characters = Characters::default();
    let tokens = tokens(source)?;
    let labels = Labels::read(source, &tokens);
    for token in tokens {
        let name_of = |name: &Range<usize>| source.get(name.clone()).map_or("", local);
        let label = |name: &Range<usize>| match labels.is_label(name.start) {
            true => None,
            false => Some(labels.of(name.start, name_of(name))),
        };
        match token {
            Token::Start { name, attributes, empty, .. } => {
                characters.finish(open.last().map_or(Some(""), label), &mut splices, rewriter)?;
                for Attribute { name: attribute, value } in &attributes {
                    if is_namespace(source.get(attribute.clone()).unwrap_or_default()) {
                        continue;
                    }
                    let mut text = MappedText::default();
                    decode(source, value, &mut text)?;
                    let of_attribute = labels.of_attribute(name.start, name_of(attribute));
                    let edits = rewriter.edits(text.text(), of_attribute)?;
                    splices.edit(&text, &edits, escape_attribute);
                }
                if !empty {
                    open.push(name);
                }
            }
            Token::End { .. } => {
                characters.finish(open.last().map_or(Some(""), label), &mut splices, rewriter)?;
                open.pop();
            }
            Token::Text(range) => decode(source, &range, &mut characters.text)?,
            Token::CharacterData(range) => {
                characters.text.push_verbatim(source.get(range.clone()).unwrap_or_default(), range.start);
                characters.sections.push(range);
            }
            Token::Comment(range) => {
                let text = verbatim(source, &range);
                let edits = rewriter.edits(text.text(), "")?;
                splices.edit(&text, &in_comment(text.text(), &edits), str::to_owned);
            }
            Token::Instruction(range) | Token::DocumentType(range) => {
                let plain = |text: &str| text.replace(['<', '>', '[', ']', '"', '\'', '?'], "_");
                let text = verbatim(source, &range);
                let edits = rewriter.edits(text.text(), "")?;
                splices.edit(&text, &edits, plain);
            }
        }
    }
    Ok(splices.apply(source))
}

/// The characters of an element up to its next child.
#[derive(Default)]
struct Characters {
    text: MappedText,
    /// Where references mean nothing.
    sections: Vec<Range<usize>>,
}

impl Characters {
    /// Shows the characters under their label; those that are a label themselves are kept.
    fn finish(
        &mut self,
        label: Option<&str>,
        splices: &mut Splices,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<(), FileProblem> {
        let Self { text, sections } = std::mem::take(self);
        let Some(label) = label else {
            rewriter.count(text.text());
            return Ok(());
        };
        let edits = rewriter.edits(text.text(), label)?;
        // The text before an edit, after the edits before it.
        let mut before = String::new();
        let mut end = 0;
        for edit in &edits {
            before.push_str(text.text().get(end..edit.range.start).unwrap_or_default());
            end = edit.range.end;
            let after = text.text().get(end..).unwrap_or_default();
            splices.edit_at(&text, slice::from_ref(edit), |replacement, at| {
                // They are in order, so the last one that starts before a place is the only one it can be in.
                let started = sections.partition_point(|section| section.start <= at);
                let section = started.checked_sub(1).and_then(|last| sections.get(last));
                match section.is_some_and(|section| section.contains(&at)) {
                    true => in_section(&before, replacement, after),
                    false => escape(replacement),
                }
            });
            before.push_str(&edit.replacement);
        }
        Ok(())
    }
}

/// Returns something that is written as it reads.
fn verbatim(source: &str, range: &Range<usize>) -> MappedText {
    let mut text = MappedText::default();
    text.push_verbatim(source.get(range.clone()).unwrap_or_default(), range.start);
    text
}

/// Tells whether an attribute says what names mean: its value is no text, and a changed one would change every name.
fn is_namespace(name: &str) -> bool {
    name == "xmlns" || name.starts_with("xmlns:") || local(name).eq_ignore_ascii_case("schemaLocation")
}
