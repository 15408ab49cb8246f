use std::collections::BTreeMap;
use std::rc::Rc;

use lopdf::{Document, Object, ObjectId};

use super::font::Font;

/// How many fonts a document may have.
const FONTS_LIMIT: usize = 2_000;
/// What their tables together may unfold to.
const TABLES_LIMIT: usize = 32 << 20;

/// The fonts of a document: each is read once, wherever it is used.
pub(super) struct Fonts {
    read: BTreeMap<ObjectId, Option<Rc<Font>>>,
    fonts_left: usize,
    tables_left: usize,
}

impl Fonts {
    pub(super) fn new() -> Self {
        Self { read: BTreeMap::new(), fonts_left: FONTS_LIMIT, tables_left: TABLES_LIMIT }
    }

    /// Tells whether the document has more fonts, or larger ones, than are read.
    pub(super) fn is_too_much(&self) -> bool {
        self.fonts_left == 0 || self.tables_left == 0
    }

    /// Returns the font that an object is or refers to.
    pub(super) fn get(&mut self, document: &Document, object: &Object) -> Option<Rc<Font>> {
        let id = object.as_reference().ok();
        if let Some(known) = id.and_then(|id| self.read.get(&id)) {
            return known.clone();
        }
        self.fonts_left = self.fonts_left.checked_sub(1)?;
        let font = document.dereference(object).ok().and_then(|(_, font)| font.as_dict().ok());
        let font = font.map(|font| Rc::new(Font::read(document, font, &mut self.tables_left)));
        if let Some(id) = id {
            self.read.insert(id, font.clone());
        }
        font
    }
}
