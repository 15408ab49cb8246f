/// The media types of files that vaults and Detect take, by extension.
const TYPES: &[(&str, &str)] = &[
    ("bmp", "image/bmp"),
    ("class", "application/x-java-applet"),
    ("csv", "text/csv"),
    ("db", "application/vnd.sqlite3"),
    ("dcm", "application/dicom"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("exe", "application/vnd.microsoft.portable-executable"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("md", "text/markdown"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("sqlite", "application/vnd.sqlite3"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/x-wav"),
    ("webp", "image/webp"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

/// Returns the media type of a file by the last extension of its name; `None` for an unknown extension.
pub fn media_type_of(file_name: &str) -> Option<&'static str> {
    let (_, extension) = file_name.rsplit_once('.')?;
    let found = TYPES.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known));
    found.map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_extension_decides_the_media_type() {
        assert_eq!(media_type_of("a.tar.PDF"), Some("application/pdf"));
        for name in ["", "noext", "pdf", "a.", "a.unknown"] {
            assert_eq!(media_type_of(name), None, "{name}");
        }
    }

    #[test]
    fn extensions_are_sorted_and_unique() {
        assert!(TYPES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
