//! PDF files with a text layer: glyphs of edited text are taken out of the content streams, and black boxes with the
//! replacements are painted over where they were.
//!
//! The result is written from the reachable objects, without earlier revisions. Pictures stay as they are, which
//! is why a file is refused that shows text by pictures.

mod canvas;
mod font;
mod fonts;
mod forms;
mod glyphs;
mod layout;
mod matrix;
mod names;
mod redaction;
mod strings;
mod widths;

#[cfg(test)]
mod hiding_places_tests;
#[cfg(test)]
mod tests;

use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};

use self::canvas::Canvases;
use super::{FileProblem, rewriter::Rewriter};

/// What all the streams of objects may unfold to while the file is read.
const UNFOLDED_LIMIT: usize = 16 << 20;
/// The longest file: read, it needs many times the bytes it is written in.
const SIZE_LIMIT: usize = 32 << 20;

/// Processes a file and returns it with the number of its pages.
pub(super) fn process(content: &[u8], rewriter: &mut Rewriter<'_>) -> Result<(Vec<u8>, u32), FileProblem> {
    let broken = |_| FileProblem::broken("the file is not a valid PDF");
    if content.len() > SIZE_LIMIT {
        return Err(FileProblem::too_large(format!("the PDF is larger than {} MiB", SIZE_LIMIT >> 20)));
    }
    // The library bounds each stream, and not their sum.
    let packed = content.split(|byte| *byte == b'/').filter(|name| name.starts_with(b"ObjStm")).count();
    let options = LoadOptions::with_max_decompressed_size((UNFOLDED_LIMIT / packed.max(1)).max(1 << 20));
    let mut document = Document::load_mem_with_options(content, options).map_err(broken)?;
    if document.is_encrypted() || document.was_encrypted() {
        return Err(FileProblem::unsupported(
            "the file is encrypted; the embedded vault does not process encrypted PDF files",
        ));
    }
    let pages: Vec<ObjectId> = document.page_iter().collect();
    if pages.is_empty() {
        return Err(FileProblem::broken("the file is a PDF without pages"));
    }
    let mut trailer = Dictionary::new();
    for key in [&b"Root"[..], b"Info"] {
        if let Ok(value) = document.trailer.get(key) {
            trailer.set(key, value.clone());
        }
    }
    document.trailer = trailer;

    let mut canvases = Canvases::new(&mut document, rewriter);
    for (index, page) in pages.iter().enumerate() {
        canvases.rewrite_page(*page, index + 1)?;
    }
    canvases.rewrite_forms()?;
    if !canvases.has_text() {
        return Err(FileProblem::unsupported(
            "the PDF has no text layer: scanned pages need recognition, which the embedded vault does not emulate for \
             PDF files; register a canned result for the file",
        ));
    }
    let mut names = canvases.into_names();
    strings::rewrite(&mut document, rewriter)?;
    names.add_document(&document);
    names.check(rewriter)?;
    document.prune_objects();
    let mut written = Vec::new();
    document.save_to(&mut written).map_err(|_| FileProblem::broken("the PDF cannot be written"))?;
    Ok((written, u32::try_from(pages.len()).unwrap_or(u32::MAX)))
}

/// Returns the resources of a page, which may come from the nodes above it.
fn inherited_resources(document: &Document, page: ObjectId) -> Dictionary {
    let mut node = document.get_dictionary(page).ok();
    // Deeper trees are loops.
    for _ in 0..64 {
        let Some(dictionary) = node else { break };
        if let Ok(resources) = dictionary.get_deref(b"Resources", document).and_then(Object::as_dict) {
            return resources.clone();
        }
        node = dictionary.get_deref(b"Parent", document).and_then(Object::as_dict).ok();
    }
    Dictionary::new()
}
