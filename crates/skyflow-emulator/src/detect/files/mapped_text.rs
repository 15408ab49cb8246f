use std::collections::BTreeMap;
use std::ops::Range;

use crate::detect::rewrite::Edit;

/// A text put together from pieces of a source, of which each character knows where it was written.
#[derive(Default)]
pub(super) struct MappedText {
    text: String,
    /// Where each character starts in the text, and its bytes in the source; none for what the source only implies.
    characters: Vec<(usize, Range<usize>)>,
}

impl MappedText {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a character that the source writes in these bytes.
    pub(super) fn push(&mut self, character: char, source: Range<usize>) {
        self.characters.push((self.text.len(), source));
        self.text.push(character);
    }

    /// Adds a character that stands for something other than text, such as a line break.
    pub(super) fn push_implied(&mut self, character: char) {
        self.push(character, 0..0);
    }

    /// Adds a piece of the source that is written as it reads.
    pub(super) fn push_verbatim(&mut self, piece: &str, start: usize) {
        for (index, character) in piece.char_indices() {
            self.push(character, start + index..start + index + character.len_utf8());
        }
    }

    /// Returns the bytes of the source behind a part of the text, character by character.
    pub(super) fn sources(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let from = self.characters.partition_point(|(start, _)| *start < range.start);
        let end = range.end;
        self.characters
            .iter()
            .skip(from)
            .take_while(move |(start, _)| *start < end)
            .map(|(_, source)| source.clone())
            .filter(|source| !source.is_empty())
    }
}

/// Changes to a source, each in place of some of its bytes.
#[derive(Default)]
pub(super) struct Splices {
    changes: BTreeMap<usize, (usize, String)>,
}

impl Splices {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Replaces some bytes; what was said about them before is forgotten.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let covered: Vec<usize> = self.changes.range(range.clone()).map(|(start, _)| *start).collect();
        for start in covered {
            self.changes.remove(&start);
        }
        self.changes.insert(range.start, (range.end, text.into()));
    }

    /// Adds a text before a byte.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Tells whether any byte of a range is changed.
    pub(super) fn touches(&self, range: &Range<usize>) -> bool {
        self.changes.range(range.clone()).next().is_some()
    }

    /// Makes the edits of a text in the source it comes from.
    ///
    /// The first piece of an edited part gets the whole replacement, as `encode` writes it; the others lose theirs.
    /// Where two views of one source want to edit the same bytes, the first one wins.
    pub(super) fn edit(&mut self, mapped: &MappedText, edits: &[Edit], encode: impl Fn(&str) -> String) {
        self.edit_at(mapped, edits, |replacement, _| encode(replacement));
    }

    /// Makes edits where it depends on the place in the source how a replacement is written.
    pub(super) fn edit_at(
        &mut self,
        mapped: &MappedText,
        edits: &[Edit],
        encode: impl Fn(&str, usize) -> String,
    ) {
        for edit in edits {
            let taken = mapped.sources(&edit.range).any(|source| self.changes.contains_key(&source.start));
            let first = mapped.sources(&edit.range).next().map_or(0, |source| source.start);
            let mut replacement = if taken { String::new() } else { encode(&edit.replacement, first) };
            for source in mapped.sources(&edit.range) {
                self.changes
                    .entry(source.start)
                    .or_insert_with(|| (source.end, std::mem::take(&mut replacement)));
            }
        }
    }

    /// Returns the changed source.
    pub(super) fn apply(&self, source: &str) -> String {
        let mut changed = String::with_capacity(source.len());
        let mut at = 0;
        for (start, (end, text)) in &self.changes {
            if *start < at {
                continue;
            }
            changed.push_str(source.get(at..*start).unwrap_or_default());
            changed.push_str(text);
            at = *end;
        }
        changed.push_str(source.get(at..).unwrap_or_default());
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_piece_gets_the_replacement_and_the_others_lose_theirs() {
        let source = "<a>Jo</a><b>h&#110; x</b>";
        let mut mapped = MappedText::default();
        mapped.push_verbatim("Jo", 3);
        mapped.push('h', 12..13);
        mapped.push('n', 13..19);
        mapped.push_verbatim(" x", 19);
        assert_eq!(mapped.text(), "John x");
        let mut splices = Splices::default();
        splices.edit(&mapped, &[Edit { range: 0..4, replacement: "[N]".into() }], str::to_owned);
        assert_eq!(splices.apply(source), "<a>[N]</a><b> x</b>");
        splices.edit(&mapped, &[Edit { range: 3..6, replacement: "[M]".into() }], str::to_owned);
        assert_eq!(splices.apply(source), "<a>[N]</a><b></b>");
    }
}
