use std::fmt;
use std::ops::Range;

use skyflow_types::DetectEntity;

use super::Passage;

/// Finds entities in a text.
///
/// A recognizer must not call the vault that it is part of: a text that gets vault tokens is looked at within a
/// transaction, and the call would wait for its own end.
///
/// What the recognizers of a vault find is put together: where findings overlap, the longest wins, and the one with
/// the higher score among those of one length.
pub trait Recognizer: Send + Sync + fmt::Debug {
    /// Returns what is found, in any order; findings may overlap.
    ///
    /// A finding whose range is empty, reaches beyond the text or cuts a character is ignored.
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding>;
}

/// Says that a part of a text is an entity.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The part of the text, in bytes.
    pub range: Range<usize>,
    /// What it is.
    pub entity: DetectEntity,
    /// How sure that is: from 0 to 1. In a file, what is surer than 0.6 is replaced throughout.
    pub score: f64,
    /// What else it may be, each with its score; such as `name_given` beside `name`.
    pub labels: Vec<(DetectEntity, f64)>,
}

impl Finding {
    /// Names a part of a text, in bytes, and what it is.
    pub fn new(range: Range<usize>, entity: DetectEntity, score: f64) -> Self {
        Self { range, entity, score, labels: Vec::new() }
    }

    /// Says what else it may be.
    pub fn label(mut self, entity: DetectEntity, score: f64) -> Self {
        self.labels.push((entity, score));
        self
    }
}
