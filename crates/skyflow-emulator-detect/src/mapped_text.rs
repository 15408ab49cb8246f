use std::collections::BTreeMap;
use std::ops::Range;

use crate::rewrite::Edit;

/// A text put together from pieces of a source, which knows where each of its characters was written.
#[derive(Default)]
pub(super) struct MappedText {
    text: String,
    pieces: Vec<Piece>,
}

/// A part of the text, from a byte of it up to the next piece, and the bytes of the source that write it.
struct Piece {
    start: usize,
    /// Empty for what the source only implies.
    source: Range<usize>,
    /// Whether the source reads as the text does; otherwise the piece is one character.
    is_verbatim: bool,
}

impl MappedText {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a character that the source writes in these bytes.
    pub(super) fn push(&mut self, character: char, source: Range<usize>) {
        let is_verbatim = source.len() == character.len_utf8();
        match self.pieces.last_mut() {
            // Long texts must not need many times their length.
            Some(last) if is_verbatim && last.is_verbatim && last.source.end == source.start => {
                last.source.end = source.end;
            }
            _ => self.pieces.push(Piece { start: self.text.len(), source, is_verbatim }),
        }
        self.text.push(character);
    }

    /// Adds a character for something other than text, such as a line break.
    #[cfg(any(feature = "office", test))]
    pub(super) fn push_implied(&mut self, character: char) {
        self.push(character, 0..0);
    }

    /// Adds a piece of the source that is written as it reads.
    pub(super) fn push_verbatim(&mut self, piece: &str, start: usize) {
        if !piece.is_empty() {
            let source = start..start + piece.len();
            self.pieces.push(Piece { start: self.text.len(), source, is_verbatim: true });
            self.text.push_str(piece);
        }
    }

    /// Returns the bytes of the source from the first to the last one behind a part of the text.
    pub(super) fn span(&self, range: &Range<usize>) -> Range<usize> {
        let mut sources = self.sources(range);
        let Some(first) = sources.next() else { return 0..0 };
        first.start..sources.last().map_or(first.end, |last| last.end)
    }

    /// Returns the bytes of the source behind a part of the text, in the order of the text.
    fn sources(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        // The piece in which the part starts is the last one that does not start behind it.
        let first = self.pieces.partition_point(|piece| piece.start <= range.start).saturating_sub(1);
        let Range { start, end } = *range;
        let pieces = self.pieces.iter().skip(first).take_while(move |piece| piece.start < end);
        let sources = pieces.map(move |piece| match piece.is_verbatim {
            true => {
                let from = piece.source.start + start.saturating_sub(piece.start);
                from..piece.source.end.min(piece.source.start + (end - piece.start))
            }
            false => piece.source.clone(),
        });
        sources.filter(|source| !source.is_empty())
    }
}

/// Changes to a source, each in place of some of its bytes.
#[derive(Default)]
pub(super) struct Splices {
    changes: BTreeMap<usize, (usize, String)>,
}

impl Splices {
    /// Replaces some bytes; what was said about them before is forgotten.
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        let covered: Vec<usize> = self.changes.range(range.clone()).map(|(start, _)| *start).collect();
        for start in covered {
            self.changes.remove(&start);
        }
        self.changes.insert(range.start, (range.end, text.into()));
    }

    /// Adds a text before a byte.
    #[cfg(feature = "office")]
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Tells whether any byte of a range is changed.
    #[cfg(feature = "office")]
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
            let sources: Vec<Range<usize>> = mapped.sources(&edit.range).collect();
            let free: Vec<Range<usize>> = sources.iter().flat_map(|source| self.unchanged(source)).collect();
            let first = free.first().map_or(0, |source| source.start);
            let mut replacement = match free == sources {
                true => encode(&edit.replacement, first),
                // An edit before this one has put its own there.
                false => String::new(),
            };
            for source in free {
                self.changes.insert(source.start, (source.end, std::mem::take(&mut replacement)));
            }
        }
    }

    /// Returns the parts of a range that no change covers.
    fn unchanged(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let mut free = Vec::new();
        let mut at = range.start;
        let before = self.changes.range(..range.start).next_back();
        for (start, (end, _)) in before.into_iter().chain(self.changes.range(range.clone())) {
            if *start > at {
                free.push(at..*start);
            }
            at = at.max(*end);
        }
        if at < range.end {
            free.push(at..range.end);
        }
        free
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
    fn first_piece_gets_the_whole_replacement() {
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

    #[test]
    fn parts_of_pieces_are_found() {
        let mut mapped = MappedText::default();
        mapped.push_verbatim("abc", 10);
        mapped.push_implied('\n');
        mapped.push('&', 13..18);
        "d\u{fc}f".char_indices().for_each(|(at, c)| mapped.push(c, 20 + at..20 + at + c.len_utf8()));
        let sources =
            |range: Range<usize>| mapped.sources(&range).map(|s| (s.start, s.end)).collect::<Vec<_>>();
        assert_eq!(mapped.text(), "abc\n&d\u{fc}f");
        assert_eq!(sources(1..2), [(11, 12)]);
        assert_eq!(sources(2..6), [(12, 13), (13, 18), (20, 21)]);
        assert!(sources(3..4).is_empty());
        assert_eq!(sources(6..8), [(21, 23)]);
        assert_eq!(sources(4..9), [(13, 18), (20, 24)]);
    }
}
