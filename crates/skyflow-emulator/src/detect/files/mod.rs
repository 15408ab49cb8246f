//! Rewrites files in their own format: what is not edited stays as it was written.
//!
//! | format | what is looked at | what stays as it is, or is refused |
//! |---|---|---|
//! | txt | the whole text | |
//! | csv | every cell, under the header of its column | |
//! | json, jsonl | strings, numbers, member names | |
//! | xml | texts, attributes, comments, instructions | names of elements and attributes; declared entities are refused |
//! | docx, xlsx, pptx | every XML part: see [`office`] | pictures and fonts; embedded files, programs and sound are refused |
//! | pdf | text, annotations, fields, outlines, properties: see [`pdf`] | pictures; scanned and encrypted files are refused |
//! | png, jpg, bmp, tiff | the words that a recognition reads | what it does not read |
//!
//! A value that is divided over cells, paragraphs or elements is not found, and neither is one in a picture within a
//! document.

mod csv;
mod image;
mod json;
mod mapped_text;
mod office;
mod pdf;
mod plain_text;
mod problem;
mod rewriter;
mod text_encoding;
mod xml;

#[cfg(test)]
mod every_format_tests;
#[cfg(test)]
mod planted;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod text_tests;

pub use image::{Ocr, OcrError, OcrWord, Tesseract};
pub(crate) use problem::FileProblem;

use self::rewriter::Rewriter;
use super::rewrite::Rewrite;

/// The longest file that is processed.
const SIZE_LIMIT: usize = 64 << 20;

/// What a request may say about the processing of its file.
///
/// The density and the resolution of PDF pages are not among it: pages are never turned into pictures, so that those
/// have no effect.
#[derive(Debug, Default, Clone)]
pub(crate) struct FileOptions {
    /// Whether the processed image is an output; it is unless this says no.
    pub(crate) output_processed_image: Option<bool>,
    /// Whether the processed text of an image is an output.
    pub(crate) output_ocr_text: Option<bool>,
    /// How parts of an image are hidden; by a black box unless this says otherwise.
    pub(crate) masking_method: Option<MaskingMethod>,
}

/// How a part of an image is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaskingMethod {
    /// Coarse squares of one colour each, from which no letter can be told.
    Blur,
    /// A black box.
    Blackbox,
}

/// A file that processing made.
pub(crate) struct ProcessedFile {
    pub(crate) content: Vec<u8>,
    /// The `processedFileType` of the wire.
    pub(crate) kind: &'static str,
    /// The `processedFileExtension` of the wire.
    pub(crate) extension: String,
}

/// What processing a file made.
pub(crate) struct ProcessedRun {
    /// The files; the first is the main one.
    pub(crate) outputs: Vec<ProcessedFile>,
    /// The words of the text that was looked at.
    pub(crate) word_count: u64,
    /// The characters of the text that was looked at.
    pub(crate) character_count: u64,
    /// The pages of a document that has pages.
    pub(crate) pages: Option<u32>,
    /// The slides of a presentation.
    pub(crate) slides: Option<u32>,
}

/// Processes a file of a format, named by its extension in lower case.
///
/// The passages come in the same order each time the same file is processed.
///
/// # Errors
///
/// Returns why the file is not processed. Whatever the content is, this neither panics nor unfolds it without limit.
pub(crate) fn process(
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
    if let Some(kind) = image::format(format) {
        let outputs = image::process(format, kind, content, options, ocr, rewriter)?;
        let (word_count, character_count) = rewriter.counts();
        return Ok(ProcessedRun { outputs, word_count, character_count, pages: None, slides: None });
    }
    let mut pages = None;
    let mut slides = None;
    let mut office = |kind, rewriter: &mut Rewriter<'_>| {
        let processed = office::process(kind, content, rewriter)?;
        (pages, slides) = (processed.pages, processed.slides);
        Ok::<_, FileProblem>(processed.content)
    };
    let content = match format {
        "txt" => plain_text::process(content, rewriter)?,
        "csv" => csv::process(content, rewriter)?,
        "json" => json::process(content, false, rewriter)?,
        "jsonl" => json::process(content, true, rewriter)?,
        "xml" => xml::process(content, rewriter)?,
        "docx" => office(office::Kind::Document, rewriter)?,
        "xlsx" => office(office::Kind::Spreadsheet, rewriter)?,
        "pptx" => office(office::Kind::Presentation, rewriter)?,
        "pdf" => {
            let (content, count) = pdf::process(content, rewriter)?;
            pages = Some(count);
            content
        }
        _ => return Err(unsupported(format)),
    };
    let (word_count, character_count) = rewriter.counts();
    let file = ProcessedFile { content, kind: "redacted_file", extension: format.to_owned() };
    Ok(ProcessedRun { outputs: vec![file], word_count, character_count, pages, slides })
}

fn unsupported(format: &str) -> FileProblem {
    // The format comes from the request; only what looks like an extension is repeated.
    let known = ["xls", "doc", "ppt", "dcm", "mp3", "wav"].into_iter().find(|known| *known == format);
    let what = known.map_or("files of this format".to_owned(), |known| format!("{known} files"));
    FileProblem::unsupported(format!(
        "the embedded vault does not process {what}; register a canned result for the file"
    ))
}
