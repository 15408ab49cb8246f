//! Short lists of words, in lowercase, that the rules know entities by.

// Without `skip`, every word gets a separate line.
#[rustfmt::skip]
pub(super) mod medicine;
#[rustfmt::skip]
pub(super) mod names;
#[rustfmt::skip]
pub(super) mod people;
#[rustfmt::skip]
pub(super) mod places;
