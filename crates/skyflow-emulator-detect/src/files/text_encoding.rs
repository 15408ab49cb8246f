/// How the characters of a text file are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextEncoding {
    Utf8 {
        mark: bool,
    },
    Utf16 {
        big_endian: bool,
    },
    Windows1252,
    /// The bytes of Windows-1252 that are the same character in ISO-8859-1; only XML can say that it is this.
    Latin1,
    /// The bytes of Windows-1252 that are ASCII; only XML can say that it is this.
    Ascii,
}

impl TextEncoding {
    /// Tells whether the encoding has bytes for a character.
    pub(super) fn writes(self, character: char) -> bool {
        match self {
            Self::Utf8 { .. } | Self::Utf16 { .. } => true,
            Self::Windows1252 => windows_1252_byte(character).is_some(),
            Self::Latin1 => u8::try_from(character).is_ok() && windows_1252_byte(character).is_some(),
            Self::Ascii => character.is_ascii(),
        }
    }
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_LITTLE_MARK: &[u8] = b"\xff\xfe";
const UTF16_BIG_MARK: &[u8] = b"\xfe\xff";

/// The characters of the bytes 0x80 to 0x9f in Windows-1252.
///
/// The five bytes that it does not define are the control characters of the same number, so that no byte is lost.
const WINDOWS_1252_HIGH: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];
const WINDOWS_1252_HIGH_START: u8 = 0x80;

/// Reads a text by its byte order mark; without one as UTF-8 and, where it is not, as Windows-1252.
///
/// Windows-1252 is what such texts are written in even where they say ISO-8859-1, and it loses nothing.
///
/// Returns `None` for UTF-16 that is cut or has lone surrogates: written back, it would be another text. Returns it also
/// for a text with U+0000, which is UTF-16 that does not say so: nothing would be found in it.
pub(super) fn decode(content: &[u8]) -> Option<(String, TextEncoding)> {
    decoded(content).filter(|(text, _)| !text.contains('\0'))
}

fn decoded(content: &[u8]) -> Option<(String, TextEncoding)> {
    if let Some(rest) = content.strip_prefix(UTF8_MARK) {
        let text = std::str::from_utf8(rest).ok()?;
        return Some((text.to_owned(), TextEncoding::Utf8 { mark: true }));
    }
    for (mark, big_endian) in [(UTF16_LITTLE_MARK, false), (UTF16_BIG_MARK, true)] {
        if let Some(rest) = content.strip_prefix(mark) {
            return Some((decode_utf16(rest, big_endian)?, TextEncoding::Utf16 { big_endian }));
        }
    }
    match std::str::from_utf8(content) {
        Ok(text) => Some((text.to_owned(), TextEncoding::Utf8 { mark: false })),
        Err(_) => Some((decode_windows_1252(content), TextEncoding::Windows1252)),
    }
}

pub(super) fn decode_windows_1252(content: &[u8]) -> String {
    let character = |byte: &u8| {
        let high = byte.checked_sub(WINDOWS_1252_HIGH_START);
        let high = high.and_then(|place| WINDOWS_1252_HIGH.get(usize::from(place)));
        high.copied().unwrap_or(char::from(*byte))
    };
    content.iter().map(character).collect()
}

fn windows_1252_byte(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(byte @ (0..WINDOWS_1252_HIGH_START | 0xa0..)) => Some(byte),
        _ => {
            let place = WINDOWS_1252_HIGH.iter().position(|high| *high == character)?;
            u8::try_from(place).ok()?.checked_add(WINDOWS_1252_HIGH_START)
        }
    }
}

fn decode_utf16(content: &[u8], big_endian: bool) -> Option<String> {
    let (units, []) = content.as_chunks::<2>() else { return None };
    let units = units.iter().map(|unit| match big_endian {
        true => u16::from_be_bytes(*unit),
        false => u16::from_le_bytes(*unit),
    });
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

/// Writes a text as it was read.
///
/// A Windows-1252 text that has got characters of other scripts becomes UTF-8: there is no other way to write them.
pub(super) fn encode(text: &str, encoding: TextEncoding) -> Vec<u8> {
    match encoding {
        TextEncoding::Utf8 { mark: false } => text.as_bytes().to_vec(),
        TextEncoding::Utf8 { mark: true } => [UTF8_MARK, text.as_bytes()].concat(),
        TextEncoding::Utf16 { big_endian: true } => {
            let units = text.encode_utf16().flat_map(u16::to_be_bytes);
            UTF16_BIG_MARK.iter().copied().chain(units).collect()
        }
        TextEncoding::Utf16 { big_endian: false } => {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            UTF16_LITTLE_MARK.iter().copied().chain(units).collect()
        }
        TextEncoding::Windows1252 | TextEncoding::Latin1 | TextEncoding::Ascii => {
            let bytes: Option<Vec<u8>> = text.chars().map(windows_1252_byte).collect();
            bytes.unwrap_or_else(|| text.as_bytes().to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_it_was_read() {
        for content in [
            &b"plain \xc3\xbc\r\n"[..],
            b"\xef\xbb\xbfmark",
            b"\xff\xfeA\0\x3d\xd8\x00\xde",
            b"\xfe\xff\0A\xd8\x3d\xde\x00",
            b"western \xfc \x80",
            b"",
        ] {
            let (text, encoding) = decode(content).unwrap();
            assert_eq!(encode(&text, encoding), content, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_written_back_is_not_read() {
        assert!(decode(b"\xff\xfeA").is_none());
        assert!(decode(b"\xff\xfe\x3d\xd8").is_none());
        assert!(decode(b"\xef\xbb\xbf\xff").is_none());
    }

    #[test]
    fn windows_1252_bytes_round_trip() {
        let content: Vec<u8> = (1..=0xff).collect();
        let (text, encoding) = decode(&content).unwrap();
        assert_eq!(encoding, TextEncoding::Windows1252);
        assert_eq!(encode(&text, encoding), content);
        assert!(text.chars().all(|character| encoding.writes(character)));
    }

    #[test]
    fn windows_1252_quotes_and_letters_are_read() {
        let (text, _) = decode(b"\x80 O\x92Neill \x8a\x9f\x81\xa0\xfc").unwrap();
        assert_eq!(text, "\u{20ac} O\u{2019}Neill \u{160}\u{178}\u{81}\u{a0}\u{fc}");
    }

    #[test]
    fn windows_1252_becomes_utf_8_when_it_must() {
        assert_eq!(encode("\u{fc}\u{20ac}", TextEncoding::Windows1252), b"\xfc\x80");
        assert_eq!(encode("\u{fc}\u{141}", TextEncoding::Windows1252), "\u{fc}\u{141}".as_bytes());
        // Written as a byte it would be read as another character.
        assert_eq!(encode("\u{fc}\u{92}", TextEncoding::Windows1252), "\u{fc}\u{92}".as_bytes());
    }
}
