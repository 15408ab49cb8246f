use super::FileProblem;
use crate::Passage;
use crate::rewrite::{Edit, Rewrite};

/// Shows the passages of a file to the text engine and counts what it has shown.
pub(super) struct Rewriter<'a> {
    rewrite: &'a mut dyn Rewrite,
    words: u64,
    characters: u64,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(rewrite: &'a mut dyn Rewrite) -> Self {
        Self { rewrite, words: 0, characters: 0 }
    }

    /// Returns the words and the characters of the passages so far.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.words, self.characters)
    }

    /// Returns what to change in a passage of the file's text.
    pub(super) fn edits(&mut self, text: &str, label: &str) -> Result<Vec<Edit>, FileProblem> {
        self.count(text);
        self.edits_aside(text, label)
    }

    /// Counts a passage that is kept as it is.
    pub(super) fn count(&mut self, text: &str) {
        self.words += text.split_whitespace().count() as u64;
        self.characters += text.chars().count() as u64;
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
