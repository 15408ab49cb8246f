use std::ops::Range;

use crate::files::FileProblem;
use crate::mapped_text::MappedText;

/// Adds the characters of a piece of text or of an attribute value, with their references resolved.
pub(crate) fn decode(source: &str, range: &Range<usize>, into: &mut MappedText) -> Result<(), FileProblem> {
    let piece = source.get(range.clone()).unwrap_or_default();
    let mut at = 0;
    while let Some(character) = piece.get(at..).and_then(|rest| rest.chars().next()) {
        let start = range.start + at;
        if character != '&' {
            at += character.len_utf8();
            into.push(character, start..range.start + at);
            continue;
        }
        let after = piece.get(at + 1..).unwrap_or_default();
        // No reference of a character is longer.
        let end = after.bytes().take(12).position(|byte| byte == b';');
        let name = end.and_then(|end| after.get(..end)).unwrap_or_default();
        let Some(referred) = referred(name) else {
            return Err(FileProblem::broken("the file refers to an XML entity that it does not declare"));
        };
        at += name.len() + 2;
        into.push(referred, start..range.start + at);
    }
    Ok(())
}

fn referred(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}

/// Writes characters for the text of an element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Writes characters for the value of an attribute, between quotes of either kind.
pub(crate) fn escape_attribute(text: &str) -> String {
    let escaped = escape(text).replace('"', "&quot;").replace('\'', "&apos;");
    escaped.replace('\n', "&#10;").replace('\r', "&#13;").replace('\t', "&#9;")
}
