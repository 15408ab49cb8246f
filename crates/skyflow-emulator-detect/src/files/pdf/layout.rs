use super::glyphs::Glyph;

/// A space between glyphs that is wider than this part of the size divides words.
const WORD_GAP: f64 = 0.15;
/// One that is wider than this divides columns.
const COLUMN_GAP: f64 = 1.6;
/// How far the lines of a paragraph may be apart, in sizes.
const LINE_DISTANCE: f64 = 1.9;
/// Glyphs that are smaller cannot be seen, whatever the space of a stream is shown in.
const SMALLEST: f64 = 1e-6;
/// How far from the origin glyphs can be, in sizes, before their places are too coarse to be ordered.
const FARTHEST: f64 = 1e9;

/// A text in which each character knows the glyph that shows it, if one does.
#[derive(Default)]
pub(super) struct Text {
    pub(super) text: String,
    /// Where each character starts, and its glyph.
    characters: Vec<(usize, Option<usize>)>,
}

impl Text {
    fn push(&mut self, text: &str, glyph: Option<usize>) {
        for character in text.chars() {
            self.characters.push((self.text.len(), glyph));
            self.text.push(character);
        }
    }

    /// Returns the glyphs behind a part of the text.
    pub(super) fn glyphs(&self, range: &std::ops::Range<usize>) -> impl Iterator<Item = usize> {
        let from = self.characters.partition_point(|(start, _)| *start < range.start);
        let end = range.end;
        let within = self.characters.iter().skip(from).take_while(move |(start, _)| *start < end);
        within.filter_map(|(_, glyph)| *glyph)
    }
}

/// Where a glyph is, seen in the direction in which its line runs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) glyph: usize,
    /// The direction of the line in whole degrees.
    pub(super) angle: i32,
    /// Along the line, from and to.
    pub(super) start: f64,
    pub(super) end: f64,
    /// Where the next glyph would be.
    next: f64,
    /// Across the line, upwards.
    pub(super) height: f64,
    pub(super) size: f64,
}

impl Place {
    /// Returns nothing for a glyph without a position or a size.
    pub(super) fn of(index: usize, glyph: &Glyph) -> Option<Self> {
        let (x, y) = glyph.space.apply(0.0, 0.0);
        let (end_x, end_y) = glyph.space.apply(1.0, 0.0);
        let (up_x, up_y) = glyph.space.apply(0.0, 1.0);
        let length = (end_x - x).hypot(end_y - y);
        let size = (up_x - x).hypot(up_y - y);
        let smallest = length.min(size);
        let farthest = [x, y, length, size].into_iter().map(f64::abs).fold(0.0, f64::max);
        // A position that is not a number, has no size, or is too far away to tell letters apart has no order.
        let is_legible = smallest >= SMALLEST && farthest <= FARTHEST * smallest;
        if !(is_legible && [x, y, length, size].into_iter().all(f64::is_finite)) {
            return None;
        }
        let angle = (end_y - y).atan2(end_x - x).to_degrees().round();
        let (sin, cos) = angle.to_radians().sin_cos();
        let start = x * cos + y * sin;
        // The angle is between -180 and 180.
        #[allow(clippy::cast_possible_truncation, reason = "a rounded angle fits")]
        let angle = if angle <= -180.0 { 180 } else { angle as i32 };
        let height = y * cos - x * sin;
        let end = start + glyph.advance * length;
        let next = end + glyph.spacing * length;
        Some(Self { glyph: index, angle, start, end, next, height, size })
    }
}

/// A part of a line without a gap as wide as between columns.
struct Fragment {
    places: Vec<Place>,
    line: usize,
}

impl Fragment {
    fn first(&self) -> Option<&Place> {
        self.places.first()
    }

    fn extent(&self) -> (f64, f64) {
        let start = self.places.first().map_or(0.0, |place| place.start);
        (start, self.places.iter().map(|place| place.end).fold(start, f64::max))
    }
}

/// The texts of a stream.
pub(super) struct Texts {
    /// The lines with gaps as wide as between columns, as they read over their whole width: a value of a form is
    /// beside its name.
    pub(super) rows: Text,
    /// Everything, paragraph by paragraph: a value may be broken over the lines of a column.
    pub(super) paragraphs: Text,
}

/// Puts the glyphs of a stream into texts.
pub(super) fn texts(glyphs: &[Glyph]) -> Texts {
    let fragments = fragments(glyphs);
    let mut rows = Text::default();
    for row in fragments.chunk_by(|a, b| a.line == b.line).filter(|row| row.len() > 1) {
        for fragment in row {
            push_words(&mut rows, fragment, glyphs);
            rows.push("\t", None);
        }
        rows.push("\n", None);
    }
    let mut text = Text::default();
    for paragraph in paragraphs(&fragments) {
        for (index, fragment) in paragraph.into_iter().filter_map(|index| fragments.get(index)).enumerate() {
            if index > 0 {
                text.push(" ", None);
            }
            push_words(&mut text, fragment, glyphs);
        }
        text.push("\n\n", None);
    }
    Texts { rows, paragraphs: text }
}

fn fragments(glyphs: &[Glyph]) -> Vec<Fragment> {
    let mut places: Vec<Place> =
        glyphs.iter().enumerate().filter_map(|(index, g)| Place::of(index, g)).collect();
    places.sort_by(|a, b| a.angle.cmp(&b.angle).then(b.height.total_cmp(&a.height)));
    let mut lines: Vec<Vec<Place>> = Vec::new();
    for place in places {
        let same = lines.last_mut().filter(|line| {
            line.last().is_some_and(|last: &Place| {
                last.angle == place.angle
                    && (last.height - place.height).abs() <= 0.35 * last.size.min(place.size)
            })
        });
        match same {
            Some(line) => line.push(place),
            None => lines.push(vec![place]),
        }
    }
    let mut fragments: Vec<Fragment> = Vec::new();
    for (line, mut places) in lines.into_iter().enumerate() {
        // The order in which glyphs are shown decides where they overlap.
        places.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.glyph.cmp(&b.glyph)));
        let mut end = f64::NEG_INFINITY;
        for place in places {
            let is_next = fragments.last().is_some_and(|fragment| fragment.line == line);
            match fragments.last_mut() {
                Some(fragment) if is_next && place.start - end <= COLUMN_GAP * place.size => {
                    fragment.places.push(place);
                }
                _ => fragments.push(Fragment { places: vec![place], line }),
            }
            end = if is_next { end.max(place.next) } else { place.next };
        }
    }
    fragments
}

fn push_words(text: &mut Text, fragment: &Fragment, glyphs: &[Glyph]) {
    let gap = word_gap(fragment);
    let mut next: Option<f64> = None;
    for place in &fragment.places {
        let Some(glyph) = glyphs.get(place.glyph) else { continue };
        let shown = glyph.text.as_deref().unwrap_or("\u{fffd}");
        let is_spaced = text.text.ends_with(char::is_whitespace) || shown.starts_with(char::is_whitespace);
        if !is_spaced && next.is_some_and(|next| place.start - next > gap * place.size) {
            text.push(" ", None);
        }
        text.push(shown, Some(place.glyph));
        next = Some(next.map_or(place.next, |next| next.max(place.next)));
    }
}

/// Returns how wide a space between words is at least: letters may be set apart as well.
fn word_gap(fragment: &Fragment) -> f64 {
    let mut gaps: Vec<f64> = fragment
        .places
        .windows(2)
        .filter_map(|pair| match pair {
            [left, right] if right.size > 0.0 => Some((right.start - left.next) / right.size),
            _ => None,
        })
        .collect();
    gaps.sort_by(f64::total_cmp);
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0.0);
    if gaps.len() < 5 { WORD_GAP } else { WORD_GAP.max(1.5 * median) }
}

/// How many paragraphs can go on beside each other: no page has so many columns, and each is looked at for each fragment.
const COLUMNS_LIMIT: usize = 256;

/// Puts each fragment under the one right above it; returns the paragraphs in the order of their first lines.
fn paragraphs(fragments: &[Fragment]) -> Vec<Vec<usize>> {
    let mut paragraphs: Vec<Vec<usize>> = Vec::new();
    // Those that can still go on: what is far above no longer can.
    let mut open: Vec<usize> = Vec::new();
    for (index, fragment) in fragments.iter().enumerate() {
        let Some(first) = fragment.first() else { continue };
        let (start, end) = fragment.extent();
        let last_of = |paragraph: &usize| {
            let last = paragraphs.get(*paragraph)?.last()?;
            fragments.get(*last)
        };
        open.retain(|paragraph| {
            last_of(paragraph).and_then(Fragment::first).is_some_and(|last| {
                last.angle == first.angle && last.height - first.height <= LINE_DISTANCE * last.size
            })
        });
        let above = open.iter().position(|paragraph| {
            last_of(paragraph).is_some_and(|last| {
                let (last_start, last_end) = last.extent();
                last.line < fragment.line && last_start < end && start < last_end
            })
        });
        match above.and_then(|above| open.get(above)).and_then(|paragraph| paragraphs.get_mut(*paragraph)) {
            Some(paragraph) => paragraph.push(index),
            None => {
                if open.len() >= COLUMNS_LIMIT {
                    open.remove(0);
                }
                open.push(paragraphs.len());
                paragraphs.push(vec![index]);
            }
        }
    }
    paragraphs
}
