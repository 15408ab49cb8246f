//! The embedded Detect: finds entities in texts and files, and puts tokens in their place.

mod passage;
mod recognizer;
mod rewrite;

pub use passage::Passage;
pub use recognizer::{Finding, Recognizer};
