/// Guesses a file's media type from its name.
pub(crate) fn media_type_of(file_name: &str) -> &'static str {
    skyflow_types::media_type_of(file_name).unwrap_or("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_type_follows_last_extension_in_any_case() {
        assert_eq!(media_type_of("a.tar.PDF"), "application/pdf");
        for name in ["", "noext", "a.", "a.unknown"] {
            assert_eq!(media_type_of(name), "application/octet-stream", "{name}");
        }
    }
}
