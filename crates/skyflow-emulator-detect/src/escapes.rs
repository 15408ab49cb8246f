//! Characters that a text writes as escapes of another format: `%40`, `&#64;`, `\u0040`.

/// Reads the escape that a text begins with; returns the character and the length of the escape.
pub(super) fn unescape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().first()? {
        b'%' => percent(text),
        b'&' => reference(text),
        b'\\' => literal(text),
        _ => None,
    }
}

/// Reads a character in percent-encoded UTF-8.
fn percent(text: &str) -> Option<(char, usize)> {
    let byte = |index: usize| {
        let escape = text.get(index * 3..index * 3 + 3)?;
        escape.strip_prefix('%').and_then(hexadecimal).and_then(|byte| u8::try_from(byte).ok())
    };
    let first = byte(0)?;
    let length = match first {
        0x20..0x7f => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let bytes: Vec<u8> = (0..length).map_while(byte).collect();
    Some((std::str::from_utf8(&bytes).ok()?.chars().next()?, length * 3))
}

/// Reads a character reference of HTML.
fn reference(text: &str) -> Option<(char, usize)> {
    /// The names of characters that divide values or are part of them.
    const NAMED: [(&str, char); 12] = [
        ("amp", '&'),
        ("apos", '\''),
        ("commat", '@'),
        ("gt", '>'),
        ("hyphen", '-'),
        ("lowbar", '_'),
        ("lt", '<'),
        ("nbsp", '\u{a0}'),
        ("period", '.'),
        ("quot", '"'),
        ("shy", '\u{ad}'),
        ("ZeroWidthSpace", '\u{200b}'),
    ];
    const LENGTH_LIMIT: usize = 16;
    let after = text.get(1..)?;
    let length = after.bytes().take(LENGTH_LIMIT).position(|byte| byte == b';')?;
    let name = after.get(..length)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => hexadecimal(digits)?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character, length + 2))
}

/// Reads a character as programs write it in their strings.
fn literal(text: &str) -> Option<(char, usize)> {
    let after = text.get(1..)?;
    let (digits, length) = match after.as_bytes().first()? {
        b'u' => (after.get(1..5)?, 6),
        b'x' => (after.get(1..3)?, 4),
        _ => return None,
    };
    Some((char::from_u32(hexadecimal(digits)?)?, length))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_other_texts_are_not() {
        for (text, expected) in [
            ("%40x", Some(('@', 3))),
            ("%C3%BCx", Some(('ü', 6))),
            ("%e2%80%8b", Some(('\u{200b}', 9))),
            ("&#64;", Some(('@', 5))),
            ("&#x2e;", Some(('.', 6))),
            ("&nbsp;", Some(('\u{a0}', 6))),
            ("\\u0040", Some(('@', 6))),
            ("\\x40", Some(('@', 4))),
            ("%4", None),
            ("%+4", None),
            ("%C3", None),
            ("%C3%zz", None),
            ("%00", None),
            ("&unknown;", None),
            ("&#xd800;", None),
            ("\\uD800", None),
            ("\\n", None),
            ("%é", None),
            ("&é;", None),
            ("", None),
        ] {
            assert_eq!(unescape(text), expected, "{text}");
        }
    }
}
