use super::FileProblem;
use crate::Passage;
use crate::rewrite::{Edit, Rewrite, apply};

/// Shows the passages of a file to the text engine and counts what it has shown.
pub(super) struct Rewriter<'a> {
    rewrite: &'a mut dyn Rewrite,
    input: TextCounts,
    processed: TextCounts,
}

/// How much text there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextCounts {
    /// Words, divided by white space.
    pub words: u64,
    /// Characters.
    pub characters: u64,
}

impl TextCounts {
    /// Counts a text.
    pub fn of(text: &str) -> Self {
        Self { words: text.split_whitespace().count() as u64, characters: text.chars().count() as u64 }
    }

    fn add(&mut self, other: Self) {
        self.words += other.words;
        self.characters += other.characters;
    }
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(rewrite: &'a mut dyn Rewrite) -> Self {
        Self { rewrite, input: TextCounts::default(), processed: TextCounts::default() }
    }

    /// Returns how much text the passages so far had, and have now.
    pub(super) fn counts(&self) -> (TextCounts, TextCounts) {
        (self.input, self.processed)
    }

    /// Returns what to change in a passage of the file's text.
    pub(super) fn edits(&mut self, text: &str, label: &str) -> Result<Vec<Edit>, FileProblem> {
        let edits = self.edits_aside(text, label)?;
        let counts = TextCounts::of(text);
        self.input.add(counts);
        self.processed.add(if edits.is_empty() { counts } else { TextCounts::of(&apply(text, &edits)) });
        Ok(edits)
    }

    /// Fails when the file takes too long.
    #[cfg(feature = "pdf")]
    pub(super) fn check(&mut self) -> Result<(), FileProblem> {
        Ok(self.rewrite.check()?)
    }

    /// Counts a passage that is kept as it is.
    pub(super) fn count(&mut self, text: &str) {
        self.input.add(TextCounts::of(text));
        self.processed.add(TextCounts::of(text));
    }

    /// Returns what to change in a passage that readers of the file do not see: a property, a name, a comment.
    pub(super) fn edits_aside(&mut self, text: &str, label: &str) -> Result<Vec<Edit>, FileProblem> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let edits = self.rewrite.edits(&Passage::new(text).labelled(label))?;
        debug_assert!(edits.iter().all(|edit| text.get(edit.range.clone()).is_some()));
        debug_assert!(
            edits
                .windows(2)
                .all(|pair| pair.first().map(|e| e.range.end) <= pair.last().map(|e| e.range.start))
        );
        Ok(edits)
    }
}
