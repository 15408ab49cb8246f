//! Pictures: words are read by a program outside, and hidden by boxes.

mod ocr;

pub use ocr::{Ocr, OcrError, OcrWord};
