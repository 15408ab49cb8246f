use std::ops::Range;

use super::Passage;
use crate::errors::ApiResult;

/// A part of a text, in bytes, and what is to stand there instead.
#[derive(Clone, PartialEq)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) replacement: String,
}

/// Says what to change in the passages of one text or file, one after the other.
pub(crate) trait Rewrite {
    /// Returns the edits of a passage: in order, on the borders of characters, none over another.
    fn edits(&mut self, passage: &Passage<'_>) -> ApiResult<Vec<Edit>>;
}

/// Makes the changes.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> String {
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
