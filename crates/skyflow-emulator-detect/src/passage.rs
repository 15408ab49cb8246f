use std::fmt;

/// A text that is looked at as a whole: a string of a request, a cell, a paragraph, a line.
#[derive(Clone, Copy)]
pub struct Passage<'a> {
    text: &'a str,
    label: &'a str,
}

impl<'a> Passage<'a> {
    /// Takes a text of which nothing else is known.
    pub fn new(text: &'a str) -> Self {
        Self { text, label: "" }
    }

    /// Sets the label of the text: the header of its column, the name of its member, element or attribute.
    ///
    /// A label of more than 64 bytes is no name of anything, and counts as none.
    pub fn labelled(self, label: &'a str) -> Self {
        Self { label: if is_label(label) { label } else { "" }, ..self }
    }

    /// Returns the text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the label of the text; empty without one.
    pub fn label(&self) -> &'a str {
        self.label
    }
}

/// The longest label, in bytes.
const LABEL_LIMIT: usize = 64;

/// Tells whether a text can be a label; a longer one is not worth to be kept for each passage under it.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= LABEL_LIMIT
}

impl fmt::Debug for Passage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passage").field("length", &self.text.len()).finish_non_exhaustive()
    }
}
