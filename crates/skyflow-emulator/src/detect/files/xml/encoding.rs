use crate::detect::files::FileProblem;
use crate::detect::files::text_encoding::{self, TextEncoding};

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
    pub(crate) fn write(&self, changed: &str) -> Vec<u8> {
        // Only replacements can hold characters that the encoding does not have.
        let mut written = String::with_capacity(changed.len());
        for character in changed.chars() {
            match self.encoding.writes(character) {
                true => written.push(character),
                false => written.push_str(&format!("&#{};", u32::from(character))),
            }
        }
        text_encoding::encode(&written, self.encoding)
    }
}

fn declared_encoding(source: &str) -> &str {
    let Some(declaration) = source.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()) else {
        return "";
    };
    let value = declaration.split_once("encoding").map_or("", |(_, rest)| rest);
    value.split(['"', '\'']).nth(1).unwrap_or_default()
}
