//! The embedded Detect: finds entities in texts and files, and puts tokens in their place.

mod files;
mod passage;
mod recognizer;
mod rewrite;

pub use files::{Ocr, OcrError, OcrWord, Tesseract};
pub use passage::Passage;
pub use recognizer::{Finding, Recognizer};
