use std::ops::Range;

use super::{Token, tokens};
use crate::files::FileProblem;
use crate::files::text_encoding::{self, TextEncoding};

/// The characters of an XML document and how they were written.
pub(crate) struct Document {
    pub(crate) source: String,
    encoding: TextEncoding,
}

impl Document {
    /// Reads a document by its byte order mark or by the encoding that it declares.
    pub(crate) fn read(content: &[u8]) -> Result<Self, FileProblem> {
        let broken = || FileProblem::broken("the XML is not written in the encoding it declares");
        let (source, encoding) = text_encoding::decode(content).ok_or_else(broken)?;
        if matches!(encoding, TextEncoding::Utf16 { .. } | TextEncoding::Utf8 { mark: true }) {
            return Ok(Self { source, encoding });
        }
        match declared_encoding(&source).to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" if encoding == TextEncoding::Windows1252 => Err(broken()),
            "us-ascii" | "ascii" if source.is_ascii() => Ok(Self { source, encoding: TextEncoding::Ascii }),
            "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Self { source, encoding }),
            declared @ ("iso-8859-1" | "latin1" | "windows-1252" | "cp1252") => {
                // Bytes that ISO-8859-1 has no letters for say that it is Windows-1252, as browsers take it.
                let is_latin =
                    !declared.ends_with("1252") && !content.iter().any(|byte| (0x80..0xa0).contains(byte));
                let encoding = if is_latin { TextEncoding::Latin1 } else { TextEncoding::Windows1252 };
                Ok(Self { source: text_encoding::decode_windows_1252(content), encoding })
            }
            _ => Err(FileProblem::unsupported(
                "the embedded vault reads XML in UTF-8, UTF-16 with a byte order mark, ISO-8859-1 and Windows-1252 only",
            )),
        }
    }

    /// Writes changed characters as the document was written.
    ///
    /// Only replacements hold characters that its encoding does not have. Those become references in texts and in values
    /// of attributes. Elsewhere a reference is literal text, so that the whole document becomes UTF-8, and says so.
    pub(crate) fn write(&self, changed: &str) -> Vec<u8> {
        if changed.chars().all(|character| self.encoding.writes(character)) {
            return text_encoding::encode(changed, self.encoding);
        }
        match with_references(changed, self.encoding) {
            Some(written) => text_encoding::encode(&written, self.encoding),
            None => declared_as_utf8(changed).into_bytes(),
        }
    }
}

/// Writes what an encoding does not have as references; `None` where that does not do.
fn with_references(source: &str, encoding: TextEncoding) -> Option<String> {
    let mut written = String::with_capacity(source.len());
    let mut at = 0;
    let plain = |range: Range<usize>| {
        source.get(range).filter(|piece| piece.chars().all(|character| encoding.writes(character)))
    };
    for token in tokens(source).ok()? {
        let ranges = match token {
            Token::Text(range) => vec![range],
            Token::Start { attributes, .. } => {
                attributes.into_iter().map(|attribute| attribute.value).collect()
            }
            _ => continue,
        };
        for range in ranges {
            written.push_str(plain(at..range.start)?);
            for character in source.get(range.clone())?.chars() {
                match encoding.writes(character) {
                    true => written.push(character),
                    false => written.push_str(&format!("&#{};", u32::from(character))),
                }
            }
            at = range.end;
        }
    }
    written.push_str(plain(at..source.len())?);
    Some(written)
}

fn declared_as_utf8(source: &str) -> String {
    let mut declared = source.to_owned();
    if let Some(range) = declaration(source) {
        declared.replace_range(range, "UTF-8");
    }
    declared
}

fn declared_encoding(source: &str) -> &str {
    declaration(source).and_then(|range| source.get(range)).unwrap_or_default()
}

/// Finds the name of the encoding that a document declares.
fn declaration(source: &str) -> Option<Range<usize>> {
    const START: &str = "<?xml";
    const NAME: &str = "encoding";
    let (declaration, _) = source.strip_prefix(START)?.split_once("?>")?;
    // An instruction whose name only begins so is none.
    declaration.strip_prefix(char::is_whitespace)?;
    let name = declaration.find(NAME)? + NAME.len();
    let open = name + declaration.get(name..)?.find(['"', '\''])? + 1;
    let length = declaration.get(open..)?.find(['"', '\''])?;
    let start = START.len() + open;
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &[u8], to: &str) -> String {
        let document = Document::read(content).unwrap();
        let changed = document.source.replace('#', to);
        String::from_utf8_lossy(&document.write(&changed)).into_owned()
    }

    #[test]
    fn unencodable_characters_become_references() {
        for encoding in ["ISO-8859-1", "us-ascii", "windows-1252"] {
            let start = format!("<?xml version='1.0' encoding='{encoding}' standalone=\"yes\"?>");
            let source = format!("{start}<!-- x --><a b='1' c='#'>#<b/><![CDATA[x]]>#</a>");
            assert_eq!(
                written(source.as_bytes(), "\u{141}"),
                format!("{start}<!-- x --><a b='1' c='&#321;'>&#321;<b/><![CDATA[x]]>&#321;</a>")
            );
        }
    }

    #[test]
    fn unencodable_characters_turn_document_to_utf_8() {
        for place in ["<a><![CDATA[#]]></a>", "<!--#--><a/>", "<?go #?><a/>", "<a/><!--#-->"] {
            for encoding in ["ISO-8859-1", "us-ascii", "windows-1252"] {
                let source = format!("<?xml version='1.0' encoding='{encoding}'?>{place}");
                let expected =
                    format!("<?xml version='1.0' encoding='UTF-8'?>{}", place.replace('#', "\u{141}ukasz"));
                assert_eq!(written(source.as_bytes(), "\u{141}ukasz"), expected);
            }
        }
    }

    #[test]
    fn an_apostrophe_has_bytes_in_windows_1252_alone() {
        let source = |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?><a>#</a>");
        assert!(written(source("ISO-8859-1").as_bytes(), "\u{2019}").ends_with("<a>&#8217;</a>"));
        let document = Document::read(source("windows-1252").as_bytes()).unwrap();
        assert!(document.write(&document.source.replace('#', "\u{2019}")).ends_with(b"<a>\x92</a>"));
    }

    #[test]
    fn only_a_declaration_declares() {
        assert_eq!(declared_encoding("<?xml version='1.0' encoding = 'x'?><a/>"), "x");
        assert_eq!(declared_encoding("<?xml version='1.0'?><a encoding='x'/>"), "");
        assert_eq!(declared_encoding("<?xml-stylesheet encoding='x'?><a/>"), "");
    }
}
