//! Short lists of words, in small letters, that the rules know entities by.

// Without `skip`, every word gets a line of its own.
#[rustfmt::skip]
pub(super) mod medicine;
#[rustfmt::skip]
pub(super) mod names;
#[rustfmt::skip]
pub(super) mod people;
#[rustfmt::skip]
pub(super) mod places;
