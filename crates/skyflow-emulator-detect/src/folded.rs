//! A text as a reader takes it: without invisible characters, with the plain form of look-alikes and escapes.
//!
//! Rules and word lists know one way to write a letter, a digit or a separator. They look at the folded text too, and
//! what they find there is mapped back to the bytes of the original one.

use std::ops::Range;

use crate::escapes::unescape;
use crate::mapped_text::MappedText;
use crate::segmentation::is_word;

/// The zeros of the decimal digits that scripts have; nine more digits follow each.
const ZEROS: [char; 26] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{17e0}', '\u{1810}',
    '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1b50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{abf0}',
];

/// Letters of other scripts that look like a letter of ASCII.
#[rustfmt::skip]
const LOOK_ALIKES: [(char, char); 52] = [
    ('А', 'A'), ('В', 'B'), ('Е', 'E'), ('К', 'K'), ('М', 'M'), ('Н', 'H'), ('О', 'O'), ('Р', 'P'), ('С', 'C'),
    ('Т', 'T'), ('У', 'Y'), ('Х', 'X'), ('Ѕ', 'S'), ('І', 'I'), ('Ј', 'J'), ('Ԛ', 'Q'), ('Ԝ', 'W'), ('а', 'a'),
    ('е', 'e'), ('о', 'o'), ('р', 'p'), ('с', 'c'), ('у', 'y'), ('х', 'x'), ('ѕ', 's'), ('і', 'i'), ('ј', 'j'),
    ('ԁ', 'd'), ('һ', 'h'), ('ԛ', 'q'), ('ԝ', 'w'), ('ӏ', 'l'), ('Α', 'A'), ('Β', 'B'), ('Ε', 'E'), ('Ζ', 'Z'),
    ('Η', 'H'), ('Ι', 'I'), ('Κ', 'K'), ('Μ', 'M'), ('Ν', 'N'), ('Ο', 'O'), ('Ρ', 'P'), ('Τ', 'T'), ('Υ', 'Y'),
    ('Χ', 'X'), ('ο', 'o'), ('ν', 'v'), ('ι', 'i'), ('ρ', 'p'), ('ı', 'i'), ('ɡ', 'g'),
];

/// Folds a text; `None` where nothing changes, as in most texts.
pub(super) fn folded(text: &str) -> Option<MappedText> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t') && !b"%&\\".contains(&byte);
    if text.bytes().all(is_plain) {
        return None;
    }
    let mut folding = Folding::default();
    let mut at = 0;
    while let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        match unescape(rest) {
            Some((unescaped, length)) => {
                folding.is_changed = true;
                folding.add(unescaped, at..at + length);
                at += length;
            }
            None => {
                folding.add(character, at..at + character.len_utf8());
                at += character.len_utf8();
            }
        }
    }
    folding.end_word();
    folding.is_changed.then_some(folding.text)
}

#[derive(Default)]
struct Folding {
    text: MappedText,
    is_changed: bool,
    /// The letters of the current word: whether one is a look-alike depends on the others.
    word: Vec<(char, Range<usize>)>,
}

impl Folding {
    fn add(&mut self, character: char, source: Range<usize>) {
        if character.is_ascii() && !character.is_ascii_control() {
            return self.push(character, source);
        }
        if is_invisible(character) {
            self.is_changed = true;
            return;
        }
        let plain = plain(character);
        self.is_changed |= plain != character;
        self.push(plain, source);
    }

    fn push(&mut self, character: char, source: Range<usize>) {
        /// A longer run of letters is no word that anybody reads.
        const WORD_LIMIT: usize = 256;
        if is_word(character) && self.word.len() < WORD_LIMIT {
            self.word.push((character, source));
        } else {
            self.end_word();
            self.text.push(character, source);
        }
    }

    /// Folds the look-alikes of a word that is otherwise in ASCII: a word of another script keeps its letters.
    fn end_word(&mut self) {
        let latin =
            |letter: char| LOOK_ALIKES.iter().find(|(known, _)| *known == letter).map(|(_, plain)| *plain);
        let is_mixed = self.word.iter().any(|(letter, _)| letter.is_ascii_alphanumeric())
            && self.word.iter().any(|(letter, _)| !letter.is_ascii())
            && self.word.iter().all(|(letter, _)| letter.is_ascii() || latin(*letter).is_some());
        self.is_changed |= is_mixed;
        for (letter, source) in self.word.drain(..) {
            let letter = if is_mixed { latin(letter).unwrap_or(letter) } else { letter };
            self.text.push(letter, source);
        }
    }
}

/// Tells whether a character takes no room: controls, joiners, marks of direction, variation selectors and tags.
fn is_invisible(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the character of ASCII that another one is a form of, or the character itself.
fn plain(character: char) -> char {
    let code = u32::from(character);
    let counted = |first: char, code: u32| char::from_u32(u32::from(first) + code);
    let plain = match character {
        '\n' | '\r' | '\t' => None,
        _ if character.is_whitespace() => Some(' '),
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{2796}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff61}' => Some('.'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{2236}' | '\u{a789}' | '\u{fe55}' => Some(':'),
        '\u{fe50}' => Some(','),
        '\u{fe62}' => Some('+'),
        '\u{fe6b}' => Some('@'),
        '\u{fe33}' | '\u{fe34}' | '\u{fe4d}'..='\u{fe4f}' => Some('_'),
        // Full-width forms, circled letters and digits, the alphabets and digits of mathematics.
        '\u{ff01}'..='\u{ff5e}' => counted('!', code - 0xff01),
        '\u{24b6}'..='\u{24cf}' => counted('A', code - 0x24b6),
        '\u{24d0}'..='\u{24e9}' => counted('a', code - 0x24d0),
        '\u{24ea}' => Some('0'),
        '\u{2460}'..='\u{2468}' => counted('1', code - 0x2460),
        '\u{1d400}'..='\u{1d6a3}' => match (code - 0x1d400) % 52 {
            upper @ 0..26 => counted('A', upper),
            lower => counted('a', lower - 26),
        },
        '\u{1d7ce}'..='\u{1d7ff}' => counted('0', (code - 0x1d7ce) % 10),
        '\u{1fbf0}'..='\u{1fbf9}' => counted('0', code - 0x1fbf0),
        _ if code < u32::from('\u{660}') => None,
        _ => ZEROS.iter().find_map(|zero| {
            let digit = code.checked_sub(u32::from(*zero)).filter(|digit| *digit < 10)?;
            counted('0', digit)
        }),
    };
    plain.unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_texts_are_what_a_reader_sees() {
        for (text, expected) in [
            ("ja\u{ad}ne@example.com", "jane@example.com"),
            ("1\u{200b}23-4\u{2060}5-6789", "123-45-6789"),
            ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "jane@example.com"),
            ("４１１１\u{3000}1111\u{a0}1111\u{202f}1111", "4111 1111 1111 1111"),
            ("١٢٣-४५-𝟔𝟕𝟖𝟗", "123-45-6789"),
            ("𝐉𝐚𝐧𝐞 𝓓𝓸𝓮 ⓐ①", "Jane Doe a1"),
            ("123\u{2013}45\u{2212}6789", "123-45-6789"),
            ("j\u{430}ne@ex\u{430}mple.com", "jane@example.com"),
            ("D\u{415}89", "DE89"),
            ("jane%40example%2ecom", "jane@example.com"),
        ] {
            assert_eq!(
                folded(text).map(|folded| folded.text().to_owned()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn plain_texts_and_other_scripts_are_unchanged() {
        for text in
            ["Jane Doe, 100%", "a\tb\r\nc", "Zoë Müller", "Мария работает", "名前 王小明", "e\u{301}", "🙂"]
        {
            assert!(folded(text).is_none(), "{text}");
        }
    }

    #[test]
    fn spans_of_a_folded_text_are_original_bytes() {
        let text = "é\u{200b} ja\u{ad}n\u{435}%40x\u{200b}";
        let folded = folded(text).unwrap();
        assert_eq!(folded.text(), "é jane@x");
        assert_eq!(&text[folded.span(&(3..9))], "ja\u{ad}n\u{435}%40x");
        assert_eq!(&text[folded.span(&(0..2))], "é");
        assert_eq!(&text[folded.span(&(4..5))], "a");
    }
}
