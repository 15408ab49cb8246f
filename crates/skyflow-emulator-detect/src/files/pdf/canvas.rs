use std::collections::BTreeSet;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::fonts::Fonts;
use super::forms;
use super::glyphs::{self, Glyph, Shown};
use super::layout::{self, Place};
use super::names::Names;
use super::redaction::{LABEL_FONT, Redaction};
use super::{inherited_resources, strings};
use crate::files::{FileProblem, rewriter::Rewriter};

/// What all content streams together may unfold to.
const CONTENT_LIMIT: usize = 32 << 20;
/// How many operations all content streams together may have. The pages of a long book have some hundred thousand.
const OPERATIONS_LIMIT: usize = 800_000;
/// How many operations and operands one stream may have: each of them needs a hundred times the bytes it is written in.
const STREAM_LIMIT: usize = 1_000_000;

/// The content streams of a document: those of its pages, and the forms that pages, annotations and patterns show.
pub(super) struct Canvases<'a, 'r> {
    document: &'a mut Document,
    rewriter: &'a mut Rewriter<'r>,
    label_font: ObjectId,
    content_left: usize,
    operations_left: usize,
    fonts: Fonts,
    has_text: bool,
    names: Names,
    /// The pages without text of their own, and the forms they show.
    without_text: Vec<(usize, BTreeSet<ObjectId>)>,
}

/// A stream without what is edited.
struct Canvas {
    content: Vec<u8>,
    /// What the content names, with the font of the labels.
    resources: Dictionary,
    has_text: bool,
    has_picture: bool,
}

impl<'a, 'r> Canvases<'a, 'r> {
    pub(super) fn new(document: &'a mut Document, rewriter: &'a mut Rewriter<'r>) -> Self {
        let mut font = Dictionary::new();
        for (key, name) in [
            ("Type", "Font"),
            ("Subtype", "Type1"),
            ("BaseFont", "Helvetica"),
            ("Encoding", "WinAnsiEncoding"),
        ] {
            font.set(key, Object::Name(name.into()));
        }
        let label_font = document.add_object(font);
        Self {
            document,
            rewriter,
            label_font,
            content_left: CONTENT_LIMIT,
            operations_left: OPERATIONS_LIMIT,
            fonts: Fonts::new(),
            has_text: false,
            names: Names::default(),
            without_text: Vec::new(),
        }
    }

    /// Tells whether any stream has shown text.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Returns the names within the content streams.
    pub(super) fn into_names(self) -> Names {
        self.names
    }

    pub(super) fn rewrite_page(&mut self, page: ObjectId, number: usize) -> Result<(), FileProblem> {
        let resources = inherited_resources(self.document, page);
        let content =
            self.document.get_page_content_with_limit(page, self.content_left).map_err(|_| too_large())?;
        let place = format!("page {number}");
        let Canvas { content, resources, has_text, has_picture } =
            self.rewrite(&content, resources, &place)?;
        if has_picture && !has_text {
            return Err(scanned(number));
        }
        if !has_text {
            self.without_text.push((number, forms::reached(self.document, &resources)));
        }
        let mut stream = Stream::new(Dictionary::new(), content);
        let _ = stream.compress();
        let contents = self.document.add_object(stream);
        if let Ok(page) = self.document.get_dictionary_mut(page) {
            page.set("Contents", Object::Reference(contents));
            page.set("Resources", resources);
        }
        Ok(())
    }

    /// Rewrites the streams that others show, once each: what they show is in a space of their own.
    pub(super) fn rewrite_forms(&mut self) -> Result<(), FileProblem> {
        let forms = forms::forms(self.document);
        let mut with_text = BTreeSet::new();
        let mut with_picture = BTreeSet::new();
        for form in forms {
            let Ok(stream) = self.document.get_object(form).and_then(Object::as_stream) else { continue };
            let resources = stream.dict.get_deref(b"Resources", self.document).and_then(Object::as_dict);
            let resources = match resources {
                Ok(resources) => resources.clone(),
                // Old files leave it to the page that shows the form.
                Err(_) => self.resources_of_a_page_with(form),
            };
            let content = stream.get_plain_content_with_limit(self.content_left).map_err(|_| too_large())?;
            let Canvas { content, resources, has_text, has_picture } =
                self.rewrite(&content, resources, "a form in the file")?;
            if has_text {
                with_text.insert(form);
            }
            if has_picture {
                with_picture.insert(form);
            }
            if let Ok(stream) = self.document.get_object_mut(form).and_then(Object::as_stream_mut) {
                stream.set_plain_content(content);
                stream.dict.set("Resources", resources);
                let _ = stream.compress();
            }
        }
        // A scan may be wrapped in a form.
        let is_scanned =
            |shown: &BTreeSet<_>| !shown.is_disjoint(&with_picture) && shown.is_disjoint(&with_text);
        match self.without_text.iter().find(|(_, shown)| is_scanned(shown)) {
            Some((number, _)) => Err(scanned(*number)),
            None => Ok(()),
        }
    }

    fn resources_of_a_page_with(&self, form: ObjectId) -> Dictionary {
        let pages = self.document.page_iter().map(|page| inherited_resources(self.document, page));
        let shows = |resources: &Dictionary| {
            let objects = resources.get_deref(b"XObject", self.document).and_then(Object::as_dict);
            objects.is_ok_and(|objects| {
                objects.iter().any(|(_, object)| object.as_reference().is_ok_and(|id| id == form))
            })
        };
        pages.into_iter().find(shows).unwrap_or_default()
    }

    /// Returns a content stream without what is edited.
    fn rewrite(&mut self, content: &[u8], resources: Dictionary, place: &str) -> Result<Canvas, FileProblem> {
        self.rewriter.check()?;
        self.content_left = self.content_left.checked_sub(content.len()).ok_or_else(too_large)?;
        let mut operations = self.operations(content)?;
        // The library reads past a packed picture, and what it writes of it spoils the rest of the stream.
        if operations.iter().any(|operation| operation.operator == "BI" && operation.operands.is_empty()) {
            return Err(FileProblem::unsupported(format!(
                "{place} of the PDF has a compressed picture within its text operations, which the embedded vault \
                 cannot keep; register a canned result for the file"
            )));
        }
        operations.iter().for_each(|operation| self.names.add_operation(operation));
        for operation in
            operations.iter_mut().filter(|operation| ["BDC", "DP"].contains(&operation.operator.as_str()))
        {
            for operand in &mut operation.operands {
                strings::object_strings(operand, "", 0, self.rewriter)?;
            }
        }
        let shown = glyphs::shown(self.document, &resources, &operations, &mut self.fonts);
        if shown.is_too_much {
            return Err(FileProblem::too_large(format!(
                "{place} of the PDF shows more text than is processed"
            )));
        }
        check_readable(&shown, place)?;
        let has_text =
            shown.glyphs.iter().any(|glyph| glyph.text.as_ref().is_some_and(|text| !text.trim().is_empty()));
        let has_picture = forms::has_picture(self.document, &resources)
            || operations.iter().any(|operation| operation.operator == "BI");
        self.has_text |= has_text;

        let texts = layout::texts(&shown.glyphs);
        let mut redaction = Redaction::default();
        let edits = self.rewriter.edits_aside(&texts.rows.text, "")?;
        redaction.add(&texts.rows, &edits);
        let edits = self.rewriter.edits(&texts.paragraphs.text, "")?;
        redaction.add(&texts.paragraphs, &edits);
        let mut resources = resources;
        if !redaction.is_empty() {
            operations = redaction.apply(operations, &shown.glyphs);
            self.add_label_font(&mut resources);
        }
        let content = Content { operations };
        let content = content.encode().map_err(|_| FileProblem::broken("the PDF cannot be written"))?;
        Ok(Canvas { content, resources, has_text, has_picture })
    }

    fn operations(&mut self, content: &[u8]) -> Result<Vec<Operation>, FileProblem> {
        // Before anything is read: the library reads the operands of an operation at once.
        if objects(content) > STREAM_LIMIT {
            return Err(too_many());
        }
        let mut operations = Vec::new();
        for operation in Content::decode_iter(content) {
            let operation = operation.map_err(|_| FileProblem::broken("a page of the PDF is broken"))?;
            self.operations_left = self.operations_left.checked_sub(1).ok_or_else(too_many)?;
            operations.push(operation);
        }
        Ok(operations)
    }

    fn add_label_font(&self, resources: &mut Dictionary) {
        let fonts = resources.get_deref(b"Font", self.document).and_then(Object::as_dict);
        let mut fonts = fonts.cloned().unwrap_or_default();
        fonts.set(LABEL_FONT, Object::Reference(self.label_font));
        resources.set("Font", fonts);
    }
}

/// Counts the words and brackets of a content stream: it has no more operators and operands.
fn objects(content: &[u8]) -> usize {
    let mut count = 0;
    let mut is_in_word = false;
    for byte in content {
        let is_open = b"[(</".contains(byte);
        let is_word = !byte.is_ascii_whitespace() && !is_open && !b"])>".contains(byte);
        count += usize::from(is_open || (is_word && !is_in_word));
        is_in_word = is_word;
    }
    count
}

fn scanned(page: usize) -> FileProblem {
    FileProblem::unsupported(format!(
        "page {page} of the PDF has a picture and no text: scanned pages need recognition, which the embedded vault \
         does not emulate for PDF files; register a canned result for the file"
    ))
}

fn too_many() -> FileProblem {
    FileProblem::too_large(format!(
        "the pages of the PDF have more than {OPERATIONS_LIMIT} operations, or one of them more than {STREAM_LIMIT} \
         operators and operands"
    ))
}

fn too_large() -> FileProblem {
    FileProblem::too_large(format!("the pages of the PDF unfold to more than {} MiB", CONTENT_LIMIT >> 20))
}

/// Refuses text that cannot be looked at, and text that only repeats what a picture shows.
fn check_readable(shown: &Shown, place: &str) -> Result<(), FileProblem> {
    let unknown = shown.glyphs.iter().filter(|glyph| glyph.text.is_none()).count();
    // Signs without a meaning, such as the dots of a list, are in many files.
    if shown.is_unreadable || unknown * 10 > shown.glyphs.len() {
        return Err(FileProblem::unsupported(format!(
            "the text of {place} of the PDF cannot be read: its font has no Unicode mapping"
        )));
    }
    let has_no_place = |(index, glyph): (usize, &Glyph)| {
        glyph.text.as_ref().is_none_or(|text| !text.trim().is_empty()) && Place::of(index, glyph).is_none()
    };
    if shown.glyphs.iter().enumerate().any(has_no_place) {
        return Err(FileProblem::unsupported(format!(
            "{place} of the PDF has text without a size or outside of any page, which cannot be looked at; register a \
             canned result for the file"
        )));
    }
    if shown.glyphs.iter().any(|glyph| glyph.is_invisible) {
        return Err(FileProblem::unsupported(format!(
            "{place} of the PDF has invisible text over what may be a scanned picture; the embedded vault does not \
             process those; register a canned result for the file"
        )));
    }
    Ok(())
}
