use crate::files::xml::escape;
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};

use super::field_code;
use super::names::Names;

/// The text of a paragraph, put together from its runs.
#[derive(Default)]
pub(super) struct Paragraph {
    /// The text as it reads now.
    current: MappedText,
    /// The text as it was before its tracked changes.
    original: MappedText,
    /// The codes of its fields.
    instructions: MappedText,
    has_changes: bool,
    /// What labels the text; `None` where it is a label itself.
    label: Option<String>,
}

/// What tracked changes say about a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Kept,
    Inserted,
    Deleted,
}

impl Paragraph {
    pub(super) fn labelled(label: Option<&str>) -> Self {
        Self { label: label.map(str::to_owned), ..Self::default() }
    }

    /// Adds a text that `add` reads from the source.
    pub(super) fn add(
        &mut self,
        change: Change,
        add: impl Fn(&mut MappedText) -> Result<(), FileProblem>,
    ) -> Result<(), FileProblem> {
        self.has_changes |= change != Change::Kept;
        if change != Change::Deleted {
            add(&mut self.current)?;
        }
        if change != Change::Inserted {
            add(&mut self.original)?;
        }
        Ok(())
    }

    /// Adds what is an element and reads as a character.
    pub(super) fn add_implied(&mut self, character: char) {
        self.current.push_implied(character);
        self.original.push_implied(character);
    }

    /// Returns the codes of fields, which are split over runs as texts are.
    pub(super) fn instructions(&mut self) -> &mut MappedText {
        &mut self.instructions
    }

    /// Shows the paragraph and distributes the edits over its runs.
    pub(super) fn finish(
        self,
        splices: &mut Splices,
        names: &mut Names,
        rewriter: &mut Rewriter<'_>,
    ) -> Result<(), FileProblem> {
        match &self.label {
            None => rewriter.count(self.current.text()),
            Some(label) => {
                let edits = rewriter.edits(self.current.text(), label)?;
                splices.edit(&self.current, &edits, escape);
            }
        }
        if self.has_changes {
            let edits =
                rewriter.edits_aside(self.original.text(), self.label.as_deref().unwrap_or_default())?;
            splices.edit(&self.original, &edits, escape);
        }
        field_code::rewrite(&self.instructions, splices, names, rewriter)
    }
}
