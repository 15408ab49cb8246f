//! Media types by the extension of a file name, as this SDK has them.

/// Extensions for which every machine and this SDK agree.
const AGREED: &[&str] = &[
    "bmp", "csv", "doc", "docx", "gif", "html", "jpeg", "jpg", "json", "mp3", "mp4", "pdf", "png", "ppt",
    "pptx", "tif", "tiff", "txt", "wav", "xls", "xlsx", "zip",
];

/// Returns the media type of a file name.
pub fn of(file_name: &str) -> &'static str {
    match extension(file_name).as_str() {
        "bmp" => "image/bmp",
        "csv" => "text/csv",
        "dcm" => "application/dicom",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "gif" => "image/gif",
        "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "jsonl" => "application/jsonl",
        "md" => "text/markdown",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain",
        "wav" => "audio/x-wav",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xml" => "text/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

fn extension(file_name: &str) -> String {
    file_name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase()
}

/// Tells whether every machine and this SDK agree about the type.
pub fn agreed(file_name: &str) -> bool {
    AGREED.contains(&extension(file_name).as_str())
}
