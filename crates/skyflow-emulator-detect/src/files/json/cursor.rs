use std::ops::Range;

use crate::mapped_text::MappedText;

/// A position in a valid JSON text, from which literals are read.
pub(super) struct Cursor<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
    pub(super) end: usize,
}

impl Cursor<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        if self.at < self.end { self.source.as_bytes().get(self.at).copied() } else { None }
    }

    pub(super) fn number(&mut self) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
            self.at += 1;
        }
        start..self.at
    }

    /// Reads a string literal and steps behind its last quote.
    pub(super) fn string(&mut self) -> MappedText {
        let mut text = MappedText::default();
        self.at += 1;
        loop {
            let start = self.at;
            let rest = self.source.get(start..self.end).unwrap_or_default();
            let mut characters = rest.chars();
            match characters.next() {
                None => return text,
                Some('"') => {
                    self.at += 1;
                    return text;
                }
                Some('\\') => {
                    let (character, length) = unescape(characters.as_str());
                    self.at += 1 + length;
                    text.push(character, start..self.at);
                }
                Some(character) => {
                    self.at += character.len_utf8();
                    text.push(character, start..self.at);
                }
            }
        }
    }
}

/// Reads what follows a backslash; returns the character and the length of what was read.
fn unescape(rest: &str) -> (char, usize) {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    match rest.chars().next() {
        Some('u') => {
            let after = rest.get(1..).unwrap_or_default();
            let first = unit(after).unwrap_or(0xfffd);
            if let Some(character) = char::from_u32(first) {
                return (character, 5);
            }
            let second = after.get(4..).and_then(|after| after.strip_prefix("\\u")).and_then(unit);
            let pair = second.filter(|second| first < 0xdc00 && (0xdc00..0xe000).contains(second));
            match pair
                .and_then(|second| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)))
            {
                Some(character) => (character, 11),
                None => (char::REPLACEMENT_CHARACTER, 5),
            }
        }
        Some('n') => ('\n', 1),
        Some('t') => ('\t', 1),
        Some('r') => ('\r', 1),
        Some('b') => ('\u{8}', 1),
        Some('f') => ('\u{c}', 1),
        Some(other) => (other, other.len_utf8()),
        None => (char::REPLACEMENT_CHARACTER, 0),
    }
}
