use crate::Error;

/// The endpoint that takes a format by the published description, in capitals too. The official SDKs send `dcm`, `gif`
/// and `jsonl` to the endpoint for any format, where the options for images are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Text,
    Audio,
    Pdf,
    Image,
    Presentation,
    Spreadsheet,
    Document,
    StructuredText,
    /// The endpoint for files of any format.
    Any,
}

impl FileKind {
    pub(super) fn of(format: &str) -> Self {
        match format {
            "txt" => Self::Text,
            "mp3" | "wav" => Self::Audio,
            "pdf" => Self::Pdf,
            "jpg" | "jpeg" | "png" | "bmp" | "tif" | "tiff" | "dcm" | "gif" => Self::Image,
            "ppt" | "pptx" => Self::Presentation,
            "csv" | "xls" | "xlsx" => Self::Spreadsheet,
            "doc" | "docx" => Self::Document,
            "json" | "xml" | "jsonl" => Self::StructuredText,
            _ => Self::Any,
        }
    }
}

/// Tells whether files of a format can have vault tokens.
pub(super) fn has_vault_tokens(format: &str) -> bool {
    ["csv", "json", "jsonl", "txt", "xml"].contains(&format)
}

/// Returns the format of a file in lowercase: the given one, else the extension of its name.
pub(super) fn format_of(file_name: &str, given: Option<&str>) -> Result<String, Error> {
    let (field, format) = match given {
        Some(format) => ("data_format", Some(format)),
        None => ("file_name", extension_of(file_name)),
    };
    match format {
        Some(format) if !format.is_empty() && format.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok(format.to_ascii_lowercase())
        }
        Some(_) => Err(Error::invalid(field, "is not a file format")),
        None => Err(Error::invalid(field, "has no extension: specify data_format")),
    }
}

/// Returns the extension that a file has by its name, else its format.
pub(super) fn own_extension<'a>(file_name: &'a str, format: &'a str) -> &'a str {
    extension_of(file_name).filter(|extension| !extension.is_empty()).unwrap_or(format)
}

/// What follows the last dot of the last path component.
fn extension_of(file_name: &str) -> Option<&str> {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').map(|(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_format_selects_its_endpoint() {
        for (name, kind) in [
            ("a.txt", FileKind::Text),
            ("a.TXT", FileKind::Text),
            ("a.mp3", FileKind::Audio),
            ("a.wav", FileKind::Audio),
            ("a.b.PDF", FileKind::Pdf),
            ("a.JpG", FileKind::Image),
            ("a.tiff", FileKind::Image),
            ("a.ppt", FileKind::Presentation),
            ("a.csv", FileKind::Spreadsheet),
            ("a.docx", FileKind::Document),
            ("a.xml", FileKind::StructuredText),
            ("a.dcm", FileKind::Image),
            ("a.GIF", FileKind::Image),
            ("a.jsonl", FileKind::StructuredText),
            ("a.zip", FileKind::Any),
        ] {
            assert_eq!(FileKind::of(&format_of(name, None).unwrap()), kind, "{name}");
        }
    }

    #[test]
    fn a_path_never_becomes_a_format() {
        for name in ["dir.XYZ/files/noext", "noext", "", "a.", "a.b c", "a.é"] {
            assert_eq!(format_of(name, None).unwrap_err().field(), Some("file_name"), "{name}");
        }
        assert_eq!(format_of("noext", Some("PDF")).unwrap(), "pdf");
        assert_eq!(format_of("a.txt", Some("")).unwrap_err().field(), Some("data_format"));
    }
}
