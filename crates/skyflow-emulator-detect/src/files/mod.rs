//! Rewrites files in their own format: what is not edited stays as it was written.
//!
//! | format | what is looked at | what stays as it is, or is refused |
//! |---|---|---|
//! | txt | the whole text | |
//! | csv | every cell, under the header of its column | |
//! | json, jsonl | strings, numbers, member names | |
//! | xml | texts, attributes, comments, instructions | names of elements and attributes; declared entities are refused |
//! | docx, xlsx, pptx | every XML part: see `office` | pictures and fonts; embedded files, programs and sound are refused |
//! | pdf | text, annotations, fields, outlines, properties: see `pdf` | pictures; scanned and encrypted files are refused |
//! | png, jpg, bmp, tiff | the words that a recognition reads | what it does not read |
//!
//! A value that is divided over cells, paragraphs or elements is not found, and neither is one in a picture within a
//! document.

mod csv;
#[cfg(feature = "image")]
mod image;
mod json;
mod key_names;
mod ocr;
#[cfg(feature = "office")]
mod office;
#[cfg(feature = "pdf")]
mod pdf;
mod plain_text;
mod problem;
mod rewriter;
mod table_labels;
mod tesseract;
mod text_encoding;
#[cfg_attr(
    not(feature = "office"),
    allow(dead_code, unused_imports, reason = "Office files need more than XML files")
)]
mod xml;

#[cfg(test)]
#[cfg(all(feature = "office", feature = "pdf"))]
mod every_format_tests;
#[cfg(test)]
mod planted;
#[cfg(test)]
#[cfg(any(feature = "office", feature = "pdf"))]
mod samples;
#[cfg(test)]
mod text_tests;

pub use ocr::{Ocr, OcrError, OcrWord};
pub use problem::FileProblem;
pub use rewriter::TextCounts;
pub use tesseract::Tesseract;

use self::rewriter::Rewriter;
use super::rewrite::Rewrite;

/// The longest file that is processed.
const SIZE_LIMIT: usize = 64 << 20;

/// Holds the options of a request for its file.
///
/// The density and the resolution of PDF pages are not among it: pages are never turned into pictures, so that those
/// have no effect.
#[derive(Debug, Default, Clone)]
#[non_exhaustive]
pub struct FileOptions {
    /// Whether the processed image is an output; it is unless this says no.
    pub output_processed_image: Option<bool>,
    /// Whether the processed text of an image is an output.
    pub output_ocr_text: Option<bool>,
    /// How parts of an image are hidden; by a black box unless this says otherwise.
    pub masking_method: Option<MaskingMethod>,
    /// Whether the whole image is hidden, whatever it shows.
    pub hides_image: bool,
}

/// How a part of an image is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskingMethod {
    /// Coarse squares of one colour each, from which no letter can be told.
    Blur,
    /// A black box.
    Blackbox,
}

/// A file that processing made.
#[non_exhaustive]
pub struct ProcessedFile {
    /// The bytes of the file.
    pub content: Vec<u8>,
    /// The `processedFileType` of the wire.
    pub kind: &'static str,
    /// The `processedFileExtension` of the wire.
    pub extension: String,
}

/// What processing a file made.
#[non_exhaustive]
pub struct ProcessedRun {
    /// The files; the first is the main one.
    pub outputs: Vec<ProcessedFile>,
    /// How much text was looked at.
    pub input: TextCounts,
    /// How much text that has become.
    pub processed: TextCounts,
    /// The pages of a document that has pages.
    pub pages: Option<u32>,
    /// The slides of a presentation.
    pub slides: Option<u32>,
}

/// The formats that need a feature of this crate, and whether it is enabled.
const FEATURES: [(&str, &[&str], bool); 3] = [
    ("office", &["docx", "xlsx", "pptx"], cfg!(feature = "office")),
    ("pdf", &["pdf"], cfg!(feature = "pdf")),
    ("image", &["bmp", "jpeg", "jpg", "png", "tif", "tiff"], cfg!(feature = "image")),
];

/// Returns the feature of this crate that a format needs, where it is not enabled.
pub fn missing_feature(format: &str) -> Option<&'static str> {
    let needed = FEATURES.iter().find(|(_, formats, _)| formats.contains(&format));
    needed.filter(|(_, _, is_enabled)| !is_enabled).map(|(name, _, _)| *name)
}

/// Processes a file of a format, named by its extension in lowercase.
///
/// The passages come in the same order each time the same file is processed.
///
/// # Errors
///
/// Fails when the file is too large, broken or of a format that is not supported, and when `rewrite` fails. Whatever
/// the content is, this neither panics nor unfolds it without limit.
#[cfg_attr(not(feature = "image"), expect(unused_variables, reason = "only images need a recognition"))]
pub fn process(
    format: &str,
    content: &[u8],
    options: &FileOptions,
    ocr: Option<&dyn Ocr>,
    rewrite: &mut dyn Rewrite,
) -> Result<ProcessedRun, FileProblem> {
    if content.len() > SIZE_LIMIT {
        return Err(FileProblem::too_large(format!("the file is larger than {} MiB", SIZE_LIMIT >> 20)));
    }
    let mut rewriter = Rewriter::new(rewrite);
    let rewriter = &mut rewriter;
    #[cfg(feature = "image")]
    if let Some(kind) = image::format(format) {
        let outputs = image::process(format, kind, content, options, ocr, rewriter)?;
        let (input, processed) = rewriter.counts();
        return Ok(ProcessedRun { outputs, input, processed, pages: None, slides: None });
    }
    let text = |content| (content, None, None);
    #[cfg(feature = "office")]
    let office = |kind, rewriter: &mut Rewriter<'_>| {
        let processed = office::process(kind, content, rewriter)?;
        Ok::<_, FileProblem>((processed.content, processed.pages, processed.slides))
    };
    let (content, pages, slides) = match format {
        "txt" => text(plain_text::process(content, rewriter)?),
        "csv" => text(csv::process(content, rewriter)?),
        "json" => text(json::process(content, false, rewriter)?),
        "jsonl" => text(json::process(content, true, rewriter)?),
        "xml" => text(xml::process(content, rewriter)?),
        #[cfg(feature = "office")]
        "docx" => office(office::Kind::Document, rewriter)?,
        #[cfg(feature = "office")]
        "xlsx" => office(office::Kind::Spreadsheet, rewriter)?,
        #[cfg(feature = "office")]
        "pptx" => office(office::Kind::Presentation, rewriter)?,
        #[cfg(feature = "pdf")]
        "pdf" => {
            let (content, pages) = pdf::process(content, rewriter)?;
            (content, Some(pages), None)
        }
        _ => return Err(unsupported(format)),
    };
    let (input, processed) = rewriter.counts();
    let file = ProcessedFile { content, kind: "redacted_file", extension: format.to_owned() };
    Ok(ProcessedRun { outputs: vec![file], input, processed, pages, slides })
}

fn unsupported(format: &str) -> FileProblem {
    if let Some(feature) = missing_feature(format) {
        return FileProblem::unsupported(format!("{format} files need the feature `{feature}`"));
    }
    // The format comes from the request; only known extensions are repeated.
    let known =
        ["xls", "doc", "ppt", "dcm", "gif", "mp3", "wav", "zip"].into_iter().find(|known| *known == format);
    let what = known.map_or("files of this format".to_owned(), |known| format!("{known} files"));
    FileProblem::unsupported(format!(
        "the embedded vault does not process {what}; register a canned result for the file"
    ))
}

#[cfg(test)]
mod tests {
    use super::planted::Keep;
    use super::*;

    #[test]
    fn formats_are_processed_or_name_a_feature() {
        for (feature, formats, is_enabled) in FEATURES {
            for format in formats {
                let missing = (!is_enabled).then_some(feature);
                assert_eq!(missing_feature(format), missing, "{format}");
                let Err(problem) = process(format, b"", &FileOptions::default(), None, &mut Keep) else {
                    panic!("{format}: an empty file has no format");
                };
                let message = problem.to_string();
                assert_eq!(message.contains(&format!("`{feature}`")), !is_enabled, "{format}: {message}");
                assert!(!message.contains("does not process"), "{format}: {message}");
            }
        }
        assert_eq!(missing_feature("txt"), None);
    }
}
