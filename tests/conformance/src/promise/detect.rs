//! What a call of Detect asks for.

use crate::trace::Call;

/// Tells whether values may be stored in the vault.
pub fn asks_for_vault_tokens(call: &Call) -> bool {
    let format = call.args.get("token_format");
    format.get("default").as_str() == Some("VAULT_TOKEN") || !format.get("vault_token").elements().is_empty()
}

/// The name of the file without its directories.
pub fn file_name(call: &Call) -> &str {
    let (form, name) =
        call.args.get("file").as_str().and_then(|file| file.split_once(':')).unwrap_or_default();
    if form == "nameless" { "" } else { name.rsplit(['/', '\\']).next().unwrap_or_default() }
}

/// Returns the extension of the file name in lowercase; empty when it is no format.
pub fn extension(call: &Call) -> String {
    let extension = file_name(call).rsplit_once('.').map_or("", |(_, extension)| extension);
    let plain = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { extension.to_ascii_lowercase() } else { String::new() }
}

/// Tells whether the published description has an endpoint for a format that the official SDK sends to the one for any.
pub fn goes_by_the_description(call: &Call) -> bool {
    ["dcm", "gif", "jsonl"].contains(&extension(call).as_str())
}

/// Tells whether the official SDK drops transformations for files of this format.
pub fn loses_transformations(call: &Call) -> bool {
    const FORMATS: [&str; 14] = [
        "bmp", "csv", "doc", "docx", "jpeg", "jpg", "pdf", "png", "ppt", "pptx", "tif", "tiff", "xls", "xlsx",
    ];
    FORMATS.contains(&extension(call).as_str())
}
