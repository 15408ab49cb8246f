use std::fmt;

/// Reads the text of a picture.
///
/// The embedded vault includes no recognition: it processes pictures when it is given one of these, such as
/// [`Tesseract`](super::Tesseract).
pub trait Ocr: Send + Sync + fmt::Debug {
    /// Returns the words of a picture, line by line from the top and from left to right. The picture is a PNG, whatever
    /// the format of the file.
    ///
    /// # Errors
    ///
    /// Returns an [`OcrError`] when the picture cannot be read.
    fn read(&self, png: &[u8]) -> Result<Vec<OcrWord>, OcrError>;
}

/// A word in a picture.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OcrWord {
    /// The word as it reads.
    pub text: String,
    /// The distance of the left edge from the left of the picture, in pixels.
    pub left: u32,
    /// The distance of the upper edge from the top of the picture, in pixels.
    pub top: u32,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The line of the word; words of one line have the same number.
    pub line: u32,
}

impl OcrWord {
    /// Creates a word from its text, its line and its box: left, top, width and height in pixels.
    pub fn new(text: impl Into<String>, line: u32, [left, top, width, height]: [u32; 4]) -> Self {
        Self { text: text.into(), left, top, width, height, line }
    }
}

/// Shows where the word is, but not what it says.
impl fmt::Debug for OcrWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = [self.left, self.top, self.width, self.height];
        f.debug_struct("OcrWord").field("place", &place).field("line", &self.line).finish_non_exhaustive()
    }
}

/// Says why a picture was not read.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct OcrError {
    message: String,
}

impl OcrError {
    /// Says what went wrong, without anything of the picture.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
