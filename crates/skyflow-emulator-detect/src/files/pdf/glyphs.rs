use std::collections::BTreeMap;
use std::rc::Rc;

use lopdf::content::Operation;
use lopdf::{Dictionary, Document, Object};

use super::font::Font;
use super::fonts::Fonts;
use super::matrix::{Matrix, number};

/// A code that a content stream shows, and where.
pub(super) struct Glyph {
    /// The operation that shows it, and its place among the codes of that operation.
    pub(super) operation: usize,
    pub(super) place: usize,
    pub(super) bytes: Vec<u8>,
    /// What it says; nothing where that is not known.
    pub(super) text: Option<String>,
    /// From the origin of the glyph, in units of text, to the space of the stream.
    pub(super) space: Matrix,
    /// How wide the glyph is, and how far the next one is from that, in units of text.
    pub(super) advance: f64,
    pub(super) spacing: f64,
    /// What a displacement in a `TJ` has to say for that.
    pub(super) displacement: f64,
    pub(super) is_invisible: bool,
}

/// What a content stream shows.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) glyphs: Vec<Glyph>,
    /// Whether text is shown in a font of which it cannot be known what it says.
    pub(super) is_unreadable: bool,
    pub(super) is_too_much: bool,
}

/// The state that `q` keeps and `Q` brings back.
#[derive(Clone)]
struct State {
    space: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    character_spacing: f64,
    word_spacing: f64,
    scale: f64,
    leading: f64,
    rise: f64,
    mode: i64,
}

/// How many glyphs a stream may show; a page of small print has ten thousand.
const GLYPHS_LIMIT: usize = 200_000;
/// The rendering modes that paint nothing: none at all, and one that only clips.
const INVISIBLE_MODES: [i64; 2] = [3, 7];
/// How deep states may be kept.
const DEPTH_LIMIT: usize = 1_000;

pub(super) fn shown(
    document: &Document,
    resources: &Dictionary,
    operations: &[Operation],
    fonts: &mut Fonts,
) -> Shown {
    let state = State {
        space: Matrix::IDENTITY,
        font: None,
        size: 0.0,
        character_spacing: 0.0,
        word_spacing: 0.0,
        scale: 1.0,
        leading: 0.0,
        rise: 0.0,
        mode: 0,
    };
    let mut reader = Reader {
        document,
        resources,
        fonts,
        named: BTreeMap::new(),
        state,
        kept: Vec::new(),
        line: Matrix::IDENTITY,
        text: Matrix::IDENTITY,
        shown: Shown::default(),
    };
    for (index, operation) in operations.iter().enumerate() {
        reader.step(index, &operation.operator, &operation.operands);
    }
    reader.shown.is_too_much |= reader.fonts.is_too_much();
    reader.shown
}

struct Reader<'a> {
    document: &'a Document,
    resources: &'a Dictionary,
    fonts: &'a mut Fonts,
    /// The fonts of the stream by the names it has for them.
    named: BTreeMap<Vec<u8>, Option<Rc<Font>>>,
    state: State,
    kept: Vec<State>,
    line: Matrix,
    text: Matrix,
    shown: Shown,
}

impl Reader<'_> {
    fn step(&mut self, index: usize, operator: &str, operands: &[Object]) {
        let first = operands.first().and_then(number);
        match operator {
            "q" if self.kept.len() < DEPTH_LIMIT => self.kept.push(self.state.clone()),
            "Q" => self.state = self.kept.pop().unwrap_or_else(|| self.state.clone()),
            "cm" => {
                if let Some(matrix) = Matrix::read(operands) {
                    self.state.space = matrix.then(self.state.space);
                }
            }
            "BT" => {
                self.line = Matrix::IDENTITY;
                self.text = Matrix::IDENTITY;
            }
            "Tf" => {
                self.state.font =
                    operands.first().and_then(|name| name.as_name().ok()).and_then(|n| self.font(n));
                self.state.size = operands.get(1).and_then(number).unwrap_or(0.0);
            }
            "gs" => self.graphics_state(operands),
            "Tc" => self.state.character_spacing = first.unwrap_or(0.0),
            "Tw" => self.state.word_spacing = first.unwrap_or(0.0),
            "Tz" => self.state.scale = first.unwrap_or(100.0) / 100.0,
            "TL" => self.state.leading = first.unwrap_or(0.0),
            "Ts" => self.state.rise = first.unwrap_or(0.0),
            "Tr" => self.state.mode = operands.first().and_then(|mode| mode.as_i64().ok()).unwrap_or(0),
            "Td" | "TD" => {
                let y = operands.get(1).and_then(number).unwrap_or(0.0);
                if operator == "TD" {
                    self.state.leading = -y;
                }
                self.next_line(first.unwrap_or(0.0), y);
            }
            "Tm" => {
                if let Some(matrix) = Matrix::read(operands) {
                    self.line = matrix;
                    self.text = matrix;
                }
            }
            "T*" => self.next_line(0.0, -self.state.leading),
            "Tj" | "TJ" => self.show(index, operands),
            "'" => {
                self.next_line(0.0, -self.state.leading);
                self.show(index, operands);
            }
            "\"" => {
                self.state.word_spacing = first.unwrap_or(0.0);
                self.state.character_spacing = operands.get(1).and_then(number).unwrap_or(0.0);
                self.next_line(0.0, -self.state.leading);
                self.show(index, operands.get(2..).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::translation(x, y).then(self.line);
        self.text = self.line;
    }

    fn font(&mut self, name: &[u8]) -> Option<Rc<Font>> {
        if let Some(known) = self.named.get(name) {
            return known.clone();
        }
        let fonts = self.resources.get_deref(b"Font", self.document).and_then(Object::as_dict).ok();
        let font = fonts.and_then(|fonts| fonts.get(name).ok());
        let font = font.and_then(|font| self.fonts.get(self.document, font));
        self.named.insert(name.to_vec(), font.clone());
        font
    }

    /// A named state can bring a font as well.
    fn graphics_state(&mut self, operands: &[Object]) {
        let Some(name) = operands.first().and_then(|name| name.as_name().ok()) else { return };
        let states = self.resources.get_deref(b"ExtGState", self.document).and_then(Object::as_dict);
        let state = states.and_then(|states| states.get_deref(name, self.document)).and_then(Object::as_dict);
        let font = state.and_then(|state| state.get_deref(b"Font", self.document)).and_then(Object::as_array);
        if let Ok([font, size]) = font.map(Vec::as_slice) {
            self.state.font = self.fonts.get(self.document, font);
            self.state.size = number(size).unwrap_or(0.0);
        }
    }

    fn show(&mut self, operation: usize, operands: &[Object]) {
        let mut place = 0;
        let elements = match operands.first() {
            Some(Object::Array(elements)) => elements.as_slice(),
            _ => operands,
        };
        for element in elements {
            match element {
                Object::String(string, _) => self.show_string(operation, &mut place, string),
                other => {
                    if let Some(displacement) = number(other) {
                        self.move_by(-displacement / 1000.0 * self.state.size * self.state.scale);
                    }
                }
            }
        }
    }

    fn show_string(&mut self, operation: usize, place: &mut usize, string: &[u8]) {
        let Some(font) = self.state.font.clone() else {
            self.shown.is_unreadable |= !string.is_empty();
            return;
        };
        self.shown.is_unreadable |= !font.is_readable() && !string.is_empty();
        let state = self.state.clone();
        for code in font.codes(string) {
            if self.shown.glyphs.len() >= GLYPHS_LIMIT {
                self.shown.is_too_much = true;
                return;
            }
            let spacing = state.character_spacing + if code.is_word_space { state.word_spacing } else { 0.0 };
            let advance = (code.width * state.size + spacing) * state.scale;
            let size = Matrix([state.size * state.scale, 0.0, 0.0, state.size, 0.0, state.rise]);
            let relative_spacing = if state.size == 0.0 { 0.0 } else { spacing / state.size };
            self.shown.glyphs.push(Glyph {
                operation,
                place: *place,
                bytes: code.bytes,
                text: code.text,
                space: size.then(self.text).then(state.space),
                advance: code.width,
                spacing: relative_spacing,
                displacement: -(code.width + relative_spacing) * 1000.0,
                is_invisible: INVISIBLE_MODES.contains(&state.mode),
            });
            *place += 1;
            self.move_by(advance);
        }
    }

    fn move_by(&mut self, distance: f64) {
        self.text = Matrix::translation(distance, 0.0).then(self.text);
    }
}
