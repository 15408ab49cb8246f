/// How the characters of a text file are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextEncoding {
    Utf8 { mark: bool },
    Utf16 { big_endian: bool },
    Latin1,
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_LITTLE_MARK: &[u8] = b"\xff\xfe";
const UTF16_BIG_MARK: &[u8] = b"\xfe\xff";

/// Reads a text by its byte order mark; without one as UTF-8 and, where it is not, as Latin-1, which loses nothing.
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
        Err(_) => Some((decode_latin1(content), TextEncoding::Latin1)),
    }
}

pub(super) fn decode_latin1(content: &[u8]) -> String {
    content.iter().map(|byte| char::from(*byte)).collect()
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
/// A Latin-1 text that has got characters of other scripts becomes UTF-8: there is no other way to write them.
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
        TextEncoding::Latin1 => {
            let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
            bytes.unwrap_or_else(|_| text.as_bytes().to_vec())
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
            b"latin \xfc \x80",
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
    fn latin_1_becomes_utf_8_when_it_must() {
        assert_eq!(encode("\u{fc}", TextEncoding::Latin1), b"\xfc");
        assert_eq!(encode("\u{fc}\u{20ac}", TextEncoding::Latin1), "\u{fc}\u{20ac}".as_bytes());
    }
}
