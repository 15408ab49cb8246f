//! Short lists of words, in small letters, that the rules know entities by.

pub(super) mod medicine;
pub(super) mod names;
pub(super) mod people;
pub(super) mod places;
