use std::collections::{BTreeMap, BTreeSet};

use lopdf::content::Operation;
use lopdf::{Object, StringFormat};

use super::glyphs::Glyph;
use super::layout::{Place, Text};
use super::widths;
use crate::rewrite::Edit;

/// How far letters reach below and above their line, in sizes.
const DESCENT: f64 = 0.22;
const ASCENT: f64 = 0.78;
/// The name of the font of the labels in the resources of a stream.
pub(super) const LABEL_FONT: &str = "SkyflowLabel";

/// Glyphs that go together with what is written instead.
struct Span {
    glyphs: Vec<usize>,
    label: String,
}

/// The glyphs to remove from a stream.
#[derive(Default)]
pub(super) struct Redaction {
    spans: Vec<Span>,
    removed: BTreeSet<usize>,
}

impl Redaction {
    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Takes the glyphs behind edits; those that an earlier text has taken stay with that.
    pub(super) fn add(&mut self, text: &Text, edits: &[Edit]) {
        for edit in edits {
            let glyphs: Vec<usize> = text.glyphs(&edit.range).collect();
            let is_new = glyphs.iter().all(|glyph| !self.removed.contains(glyph));
            let glyphs: Vec<usize> = glyphs.into_iter().filter(|glyph| self.removed.insert(*glyph)).collect();
            let label = if is_new { edit.replacement.clone() } else { String::new() };
            if !glyphs.is_empty() {
                self.spans.push(Span { glyphs, label });
            }
        }
    }

    /// Writes the operations without the removed glyphs, and with boxes over where they were.
    pub(super) fn apply(&self, operations: Vec<Operation>, glyphs: &[Glyph]) -> Vec<Operation> {
        let mut touched: BTreeMap<usize, BTreeMap<usize, &Glyph>> = BTreeMap::new();
        for glyph in self.removed.iter().filter_map(|glyph| glyphs.get(*glyph)) {
            touched.entry(glyph.operation).or_default().insert(glyph.place, glyph);
        }
        let mut by_operation: BTreeMap<usize, Vec<&Glyph>> = BTreeMap::new();
        for glyph in glyphs.iter().filter(|glyph| touched.contains_key(&glyph.operation)) {
            by_operation.entry(glyph.operation).or_default().push(glyph);
        }
        // The graphics state at the end of a stream must not move the boxes.
        let mut written = vec![Operation::new("q", Vec::new())];
        let mut depth: usize = 0;
        for (index, operation) in operations.into_iter().enumerate() {
            match operation.operator.as_str() {
                "q" => depth += 1,
                "Q" if depth == 0 => continue,
                "Q" => depth -= 1,
                _ => {}
            }
            match (touched.get(&index), by_operation.get(&index)) {
                (Some(removed), Some(all)) => write_shown(&operation, all, removed, &mut written),
                _ => written.push(operation),
            }
        }
        written.extend((0..=depth).map(|_| Operation::new("Q", Vec::new())));
        for span in &self.spans {
            paint(span, glyphs, &mut written);
        }
        written
    }
}

/// Writes an operation that shows text, with displacements instead of the removed glyphs.
fn write_shown(
    operation: &Operation,
    glyphs: &[&Glyph],
    removed: &BTreeMap<usize, &Glyph>,
    written: &mut Vec<Operation>,
) {
    let next_line = Operation::new("T*", Vec::new());
    let strings = match (operation.operator.as_str(), operation.operands.as_slice()) {
        ("\"", [word, character, string]) => {
            written.push(Operation::new("Tw", vec![word.clone()]));
            written.push(Operation::new("Tc", vec![character.clone()]));
            written.push(next_line);
            vec![string.clone()]
        }
        ("'", operands) => {
            written.push(next_line);
            operands.to_vec()
        }
        ("TJ", [Object::Array(elements)]) => elements.clone(),
        (_, operands) => operands.to_vec(),
    };
    let mut elements = Vec::new();
    let mut glyphs = glyphs.iter().peekable();
    for element in strings {
        let Object::String(string, format) = element else {
            elements.push(element);
            continue;
        };
        let mut left = string.len();
        let mut kept = Vec::new();
        while let Some(glyph) = glyphs.next_if(|glyph| left > 0 && glyph.bytes.len() <= left) {
            left -= glyph.bytes.len();
            if removed.contains_key(&glyph.place) {
                if !kept.is_empty() {
                    elements.push(Object::String(std::mem::take(&mut kept), format));
                }
                elements.push(real(glyph.displacement));
            } else {
                kept.extend_from_slice(&glyph.bytes);
            }
        }
        if !kept.is_empty() {
            elements.push(Object::String(kept, format));
        }
    }
    written.push(Operation::new("TJ", vec![Object::Array(elements)]));
}

/// Paints a black box over each line of a span, and the label in white into the widest.
fn paint(span: &Span, glyphs: &[Glyph], written: &mut Vec<Operation>) {
    let places = span.glyphs.iter().filter_map(|index| Place::of(*index, glyphs.get(*index)?));
    let mut boxes: Vec<Place> = Vec::new();
    for place in places {
        let same = boxes.last_mut().filter(|last| {
            last.angle == place.angle
                && (last.height - place.height).abs() <= 0.35 * last.size.min(place.size)
                && place.start - last.end <= 1.6 * place.size
                && place.start >= last.start
        });
        match same {
            Some(last) => {
                last.end = last.end.max(place.end);
                last.size = last.size.max(place.size);
                last.height = last.height.min(place.height);
            }
            None => boxes.push(place),
        }
    }
    let width = |area: &Place| area.end - area.start;
    let widest = boxes.iter().map(width).fold(0.0, f64::max);
    let mut label = Some(span.label.as_str());
    for area in &boxes {
        let label = if width(area) < widest { None } else { label.take() };
        paint_box(area, label.unwrap_or_default(), written);
    }
}

fn paint_box(area: &Place, label: &str, written: &mut Vec<Operation>) {
    let (sin, cos) = f64::from(area.angle).to_radians().sin_cos();
    let width = area.end - area.start;
    let height = (DESCENT + ASCENT) * area.size;
    let bottom = area.height - DESCENT * area.size;
    // The lower left corner of the box becomes the origin, and the direction of the line the first axis.
    let corner = [area.start * cos - bottom * sin, area.start * sin + bottom * cos];
    let space = [cos, sin, -sin, cos, corner[0], corner[1]];
    written.push(Operation::new("q", Vec::new()));
    written.push(Operation::new("cm", space.map(real).to_vec()));
    written.push(Operation::new("g", vec![real(0.0)]));
    written.push(Operation::new("re", [0.0, 0.0, width, height].map(real).to_vec()));
    written.push(Operation::new("f", Vec::new()));
    let is_printable = label.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let label_width: f64 = label.chars().map(|c| widths::standard("Helvetica", c) / 1000.0).sum();
    if is_printable && label_width > 0.0 && width > 0.0 {
        let size = (0.75 * height).min(0.95 * width / label_width);
        // On the line of the text around, so that both are read as one.
        let (left, up) = (0.02 * width, DESCENT * area.size);
        let font = Object::Name(LABEL_FONT.into());
        let string = Object::String(label.as_bytes().to_vec(), StringFormat::Literal);
        written.push(Operation::new("BT", Vec::new()));
        // What the stream has left in the state of text.
        for (operator, value) in [("Tc", 0.0), ("Tw", 0.0), ("Tz", 100.0), ("Ts", 0.0)] {
            written.push(Operation::new(operator, vec![real(value)]));
        }
        written.push(Operation::new("Tr", vec![Object::Integer(0)]));
        written.push(Operation::new("g", vec![real(1.0)]));
        written.push(Operation::new("Tf", vec![font, real(size)]));
        written.push(Operation::new("Td", vec![real(left), real(up)]));
        written.push(Operation::new("Tj", vec![string]));
        written.push(Operation::new("ET", Vec::new()));
    }
    written.push(Operation::new("Q", Vec::new()));
}

#[allow(clippy::cast_possible_truncation, reason = "files hold numbers of this precision")]
fn real(number: f64) -> Object {
    Object::Real(number as f32)
}
