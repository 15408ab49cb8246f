//! What kind of file some bytes are, and whether a name fits.

use skyflow_types::media_type_of;

const WAV: &str = "audio/wav";

/// The signatures of the types that Skyflow names for `allowed_file_types`: offset, bytes, type.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\xca\xfe\xba\xbe", "application/x-java-applet"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (8, b"WAVE", WAV),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
];

const OFFICE_ZIP: &str = "application/vnd.openxmlformats-officedocument.";
/// The container of the older Office formats.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The harmless file that every virus scanner reports.
const EICAR: &[u8] = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/// Tells the type of a file by its content; the name decides only inside containers that hold several types.
pub(crate) fn of(file_name: &str, content: &[u8]) -> &'static str {
    let by_name = by_extension(file_name);
    let signature = SIGNATURES
        .iter()
        .find(|(offset, bytes, _)| content.get(*offset..).is_some_and(|rest| rest.starts_with(bytes)));
    if let Some((_, _, found)) = signature {
        return found;
    }
    match by_name {
        Some(office) if content.starts_with(b"PK\x03\x04") && office.starts_with(OFFICE_ZIP) => office,
        _ if content.starts_with(b"PK\x03\x04") => "application/zip",
        Some(
            office @ ("application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint"),
        ) if content.starts_with(OLE) => office,
        _ => of_text(content),
    }
}

fn of_text(content: &[u8]) -> &'static str {
    match std::str::from_utf8(content) {
        Err(_) => "application/octet-stream",
        Ok(text) if text.contains('\0') => "application/octet-stream",
        Ok(text) => {
            let start = text.trim_start().to_ascii_lowercase();
            if start.starts_with("<!doctype html") || start.starts_with("<html") {
                "text/html"
            } else if start.starts_with(['{', '['])
                && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
            {
                "application/json"
            } else {
                "text/plain"
            }
        }
    }
}

/// Returns the type of the extension of a name, as Skyflow names it for `allowed_file_types`.
pub(crate) fn by_extension(file_name: &str) -> Option<&'static str> {
    // Clients send `audio/x-wav` for the type that columns call `audio/wav`.
    media_type_of(file_name).map(|found| if found == "audio/x-wav" { WAV } else { found })
}

/// Tells whether a virus scanner would report the content; only the scanners' own test file is known here.
pub(crate) fn is_infected(content: &[u8]) -> bool {
    content.windows(EICAR.len()).take(1024).any(|window| window == EICAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_the_file_type_not_the_name() {
        for (name, content, expected) in [
            ("a.png", &b"%PDF-1.7"[..], "application/pdf"),
            (
                "a.docx",
                b"PK\x03\x04",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            ("a.zip", b"PK\x03\x04", "application/zip"),
            ("a.doc", OLE, "application/msword"),
            ("a", b"\x89PNG\r\n\x1a\n", "image/png"),
            ("a", b"RIFF....WAVE", "audio/wav"),
            ("a.pdf", b"{\"a\": 1}", "application/json"),
            ("a.json", b"{ no json", "text/plain"),
            ("a", b"<HTML>", "text/html"),
            ("a.txt", b"\xff\xfe\x00", "application/octet-stream"),
        ] {
            assert_eq!(of(name, content), expected, "{name}");
        }
    }

    #[test]
    fn sound_files_have_the_type_that_columns_name() {
        assert_eq!(by_extension("a.WAV"), Some("audio/wav"));
        assert_eq!(by_extension("a.wave"), None);
    }

    #[test]
    fn the_scanners_test_file_is_reported() {
        assert!(is_infected(EICAR) && is_infected(&[b"x".as_slice(), EICAR].concat()));
        assert!(!is_infected(b"harmless"));
    }
}
