use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Encoding, Object, Stream};

use super::matrix::number;
use super::widths;

/// What the tables of one font may unfold to.
const UNFOLDED_LIMIT: usize = 4 << 20;

/// A font as far as text is concerned: what its codes say and how wide they are.
pub(super) struct Font {
    /// How many bytes a code has.
    code_length: usize,
    texts: Texts,
    widths: BTreeMap<u32, f64>,
    default_width: Option<f64>,
    /// Which standard font the widths come from that are not given.
    name: String,
    /// The unit of the widths.
    unit: f64,
}

enum Texts {
    /// By the table of the file; what it lacks is looked up in the encoding.
    Mapped {
        table: Box<dyn Fn(u32) -> Option<String>>,
        encoding: Option<BTreeMap<u32, String>>,
    },
    Encoded(BTreeMap<u32, String>),
    /// Signs such as bullets and arrows, which are no values.
    Signs,
    /// What the codes say is not to be known.
    Unknown,
}

/// A code of a string that is shown.
pub(super) struct Code {
    pub(super) bytes: Vec<u8>,
    /// What it says; nothing where that is not known.
    pub(super) text: Option<String>,
    /// The width in the space of text of size 1.
    pub(super) width: f64,
    pub(super) is_word_space: bool,
}

impl Font {
    /// Reads a font; what its table unfolds to is taken from what is left for all.
    pub(super) fn read(document: &Document, font: &Dictionary, tables_left: &mut usize) -> Self {
        let name = name_of(document, font, b"BaseFont").unwrap_or_default();
        let is_composite = name_of(document, font, b"Subtype").as_deref() == Some("Type0");
        let table = to_unicode(document, font, tables_left);
        let (widths, default_width) = match is_composite {
            true => composite_widths(document, font),
            false => simple_widths(document, font),
        };
        let texts = match (table, is_composite) {
            (table, true) if is_identity(document, font) => match table {
                Some(table) => Texts::Mapped { table, encoding: None },
                None => Texts::Unknown,
            },
            (_, true) => Texts::Unknown,
            (Some(table), false) => Texts::Mapped { table, encoding: encoding(document, font, &name) },
            (None, false) if name.contains("Dingbats") || name.ends_with("Symbol") => Texts::Signs,
            (None, false) => encoding(document, font, &name).map_or(Texts::Unknown, Texts::Encoded),
        };
        let matrix = font.get_deref(b"FontMatrix", document).and_then(Object::as_array);
        let unit = matrix.ok().and_then(|matrix| matrix.first()).and_then(number).unwrap_or(0.001);
        Self { code_length: if is_composite { 2 } else { 1 }, texts, widths, default_width, name, unit }
    }

    /// Tells whether it can be known at all what the codes say.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.texts, Texts::Unknown)
    }

    /// Splits a string into its codes.
    pub(super) fn codes(&self, string: &[u8]) -> impl Iterator<Item = Code> {
        string.chunks(self.code_length).map(|bytes| {
            let code = bytes.iter().fold(0, |code, byte| (code << 8) | u32::from(*byte));
            let text = self.text(code);
            let width = self.widths.get(&code).copied().or(self.default_width);
            let width = width.unwrap_or_else(|| {
                widths::standard(
                    &self.name,
                    text.as_ref().and_then(|text| text.chars().next()).unwrap_or('n'),
                )
            });
            Code { bytes: bytes.to_vec(), text, width: width * self.unit, is_word_space: bytes == b" " }
        })
    }

    fn text(&self, code: u32) -> Option<String> {
        match &self.texts {
            Texts::Mapped { table, encoding } => {
                table(code).or_else(|| encoding.as_ref().and_then(|encoding| encoding.get(&code).cloned()))
            }
            Texts::Encoded(encoding) => encoding.get(&code).cloned(),
            Texts::Signs => Some("\u{2022}".to_owned()),
            Texts::Unknown => None,
        }
    }
}

fn name_of(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    let name = dictionary.get_deref(key, document).and_then(Object::as_name).ok()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn is_identity(document: &Document, font: &Dictionary) -> bool {
    name_of(document, font, b"Encoding").as_deref() == Some("Identity-H")
}

/// Asks the library for an encoding as if a font had nothing but that.
fn with_encoding<T>(
    document: &Document,
    key: &str,
    value: Object,
    read: impl FnOnce(Encoding<'_>) -> T,
) -> Option<T> {
    let mut font = Dictionary::new();
    font.set("Type", Object::Name(b"Font".to_vec()));
    font.set(key, value);
    let encoding = font.get_font_encoding_with_limit(document, UNFOLDED_LIMIT).ok()?;
    Some(read(encoding))
}

type Table = Box<dyn Fn(u32) -> Option<String>>;

/// Reads the table that says what the codes mean, which goes before any encoding.
fn to_unicode(document: &Document, font: &Dictionary, left: &mut usize) -> Option<Table> {
    let stream = font.get_deref(b"ToUnicode", document).and_then(Object::as_stream).ok()?;
    let Ok(content) = stream.get_plain_content_with_limit(UNFOLDED_LIMIT.min(*left)) else {
        *left = 0;
        return None;
    };
    *left = left.saturating_sub(content.len());
    let plain = Stream::new(Dictionary::new(), content);
    with_encoding(document, "ToUnicode", plain.into(), |encoding| match encoding {
        Encoding::UnicodeMapEncoding(table) => {
            let table: Table = Box::new(move |code| {
                let units = (1..=2).rev().find_map(|length| table.get(code, length))?;
                let text = String::from_utf16(&units).ok()?;
                (!text.is_empty() && !text.contains(['\0', '\u{fffd}'])).then_some(text)
            });
            Some(table)
        }
        _ => None,
    })?
}

/// Reads what the codes of a simple font mean; nothing where the font itself says so in a private way.
fn encoding(document: &Document, font: &Dictionary, name: &str) -> Option<BTreeMap<u32, String>> {
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict).ok();
    let flags = descriptor.and_then(|d| d.get_deref(b"Flags", document).and_then(Object::as_i64).ok());
    let is_embedded = descriptor
        .is_some_and(|d| [&b"FontFile"[..], b"FontFile2", b"FontFile3"].iter().any(|key| d.has(key)));
    let is_symbolic = flags.is_some_and(|flags| flags & 4 != 0);
    let written = font.get_deref(b"Encoding", document).ok();
    let base = match written {
        Some(Object::Name(base)) => Some(base.clone()),
        Some(Object::Dictionary(encoding)) => {
            encoding.get_deref(b"BaseEncoding", document).and_then(Object::as_name).ok().map(<[u8]>::to_vec)
        }
        _ => None,
    };
    let differences = match written {
        Some(Object::Dictionary(encoding)) => {
            encoding.get_deref(b"Differences", document).and_then(Object::as_array).ok()
        }
        _ => None,
    };
    let is_type3 = name.is_empty();
    let mut texts = match base {
        Some(base) => base_encoding(document, &base)?,
        // An embedded font with private signs, and one that is drawn, have only what they say themselves.
        None if (is_embedded && is_symbolic) || is_type3 => BTreeMap::new(),
        None => base_encoding(document, b"StandardEncoding")?,
    };
    let mut code: u32 = 0;
    for entry in differences.into_iter().flatten() {
        match entry {
            Object::Integer(next) => code = u32::try_from(*next).unwrap_or(0),
            Object::Name(glyph) => {
                match glyph_text(document, glyph) {
                    Some(text) => texts.insert(code, text),
                    None => texts.remove(&code),
                };
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    (!texts.is_empty()).then_some(texts)
}

fn base_encoding(document: &Document, name: &[u8]) -> Option<BTreeMap<u32, String>> {
    with_encoding(document, "Encoding", Object::Name(name.to_vec()), |encoding| {
        let text = |code: u8| encoding.bytes_to_string(&[code]).ok().filter(|text| !text.is_empty());
        (0..=255).filter_map(|code| Some((u32::from(code), text(code)?))).collect()
    })
}

/// Returns what a glyph of this name says.
fn glyph_text(document: &Document, name: &[u8]) -> Option<String> {
    let mut encoding = Dictionary::new();
    encoding.set("Differences", vec![Object::Integer(0), Object::Name(name.to_vec())]);
    let known =
        with_encoding(document, "Encoding", Object::Dictionary(encoding), |encoding| match encoding {
            Encoding::Differences(differences) => {
                let unit = differences.map.get(&0)?.utf16_code_unit();
                String::from_utf16(&[unit]).ok()
            }
            _ => None,
        });
    known.flatten().or_else(|| {
        let name = std::str::from_utf8(name).ok()?;
        let digits = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'))?;
        char::from_u32(u32::from_str_radix(digits.get(..4)?, 16).ok()?).map(String::from)
    })
}

fn simple_widths(document: &Document, font: &Dictionary) -> (BTreeMap<u32, f64>, Option<f64>) {
    let first = font.get_deref(b"FirstChar", document).and_then(Object::as_i64).unwrap_or(0);
    let first = u32::try_from(first).unwrap_or(0);
    let Ok(widths) = font.get_deref(b"Widths", document).and_then(Object::as_array) else {
        return (BTreeMap::new(), None);
    };
    let width = |object: &Object| document.dereference(object).ok().and_then(|(_, object)| number(object));
    let widths = (first..).zip(widths).filter_map(|(code, object)| Some((code, width(object)?))).collect();
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict);
    let missing = descriptor.and_then(|d| d.get_deref(b"MissingWidth", document)).ok().and_then(number);
    (widths, Some(missing.unwrap_or(0.0)))
}

fn composite_widths(document: &Document, font: &Dictionary) -> (BTreeMap<u32, f64>, Option<f64>) {
    let descendants = font.get_deref(b"DescendantFonts", document).and_then(Object::as_array);
    let first = descendants.ok().and_then(|fonts| fonts.first());
    let descendant =
        first.and_then(|font| document.dereference(font).ok()).and_then(|(_, font)| font.as_dict().ok());
    let Some(descendant) = descendant else { return (BTreeMap::new(), Some(1000.0)) };
    let default = descendant.get_deref(b"DW", document).ok().and_then(number).unwrap_or(1000.0);
    let mut widths = BTreeMap::new();
    let entries = descendant.get_deref(b"W", document).and_then(Object::as_array);
    let mut entries =
        entries.into_iter().flatten().filter_map(|entry| Some(document.dereference(entry).ok()?.1));
    while let Some(first) = entries.next() {
        let code = |object: &Object| object.as_i64().ok().and_then(|code| u32::try_from(code).ok());
        let (Some(first), Some(next)) = (code(first), entries.next()) else { break };
        if let Ok(list) = next.as_array() {
            widths.extend((first..).zip(list.iter().filter_map(number)));
        } else if let (Some(last), Some(width)) = (code(next), entries.next().and_then(number)) {
            // Codes have two bytes, however far a range claims to go.
            widths.extend((first..=last.min(0xffff)).map(|code| (code, width)));
        }
    }
    (widths, Some(default))
}
