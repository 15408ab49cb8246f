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
            "" | "utf-8" | "utf8" if encoding == TextEncoding::Latin1 => Err(broken()),
            "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Self { source, encoding }),
            "iso-8859-1" | "latin1" | "windows-1252" => {
                Ok(Self { source: text_encoding::decode_latin1(content), encoding: TextEncoding::Latin1 })
            }
            _ => Err(FileProblem::unsupported(
                "the embedded vault reads XML in UTF-8, UTF-16 with a byte order mark and ISO-8859-1 only",
            )),
        }
    }

    /// Writes changed characters as the document was written.
    pub(crate) fn write(&self, changed: &str) -> Vec<u8> {
        if self.encoding != TextEncoding::Latin1 {
            return text_encoding::encode(changed, self.encoding);
        }
        // Only replacements can hold such characters, and those stand where references are allowed.
        let mut latin = String::with_capacity(changed.len());
        for character in changed.chars() {
            match u8::try_from(character) {
                Ok(_) => latin.push(character),
                Err(_) => latin.push_str(&format!("&#{};", u32::from(character))),
            }
        }
        text_encoding::encode(&latin, self.encoding)
    }
}

fn declared_encoding(source: &str) -> &str {
    let Some(declaration) = source.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next()) else {
        return "";
    };
    let value = declaration.split_once("encoding").map_or("", |(_, rest)| rest);
    value.split(['"', '\'']).nth(1).unwrap_or_default()
}
