use std::ops::Range;

use super::Passage;
use crate::DetectError;

/// Replaces a part of a text, in bytes.
#[derive(Clone, PartialEq)]
pub struct Edit {
    /// The replaced part of the text.
    pub range: Range<usize>,
    /// The replacement.
    pub replacement: String,
}

/// Decides what to change in the passages of one text or file, one after the other.
pub trait Rewrite {
    /// Returns the edits of a passage: in order, on the borders of characters, none over another.
    ///
    /// # Errors
    ///
    /// Fails when a token cannot be made or looked up.
    fn edits(&mut self, passage: &Passage<'_>) -> Result<Vec<Edit>, DetectError>;

    /// Is called between the steps of a long work, which ends with its error.
    ///
    /// # Errors
    ///
    /// Fails when the work has to end, such as with [`DetectError::OutOfTime`].
    fn check(&mut self) -> Result<(), DetectError> {
        Ok(())
    }
}

/// Applies edits to the text that they were made for.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        changed.push_str(text.get(at..edit.range.start).unwrap_or_default());
        changed.push_str(&edit.replacement);
        at = edit.range.end;
    }
    changed.push_str(text.get(at..).unwrap_or_default());
    changed
}
