use http::header::{CONTENT_TYPE, HeaderMap};

/// What a content type means for a body, without regard to case and parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Form,
    Multipart,
    Xml,
    Text,
    Other,
}

/// Reads the content type of a message; `None` when it has none.
pub(super) fn format_of(headers: &HeaderMap) -> Option<Format> {
    headers.get(CONTENT_TYPE).map(|value| Format::of(&String::from_utf8_lossy(value.as_bytes())))
}

impl Format {
    fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" | "text/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => Self::Multipart,
            "application/xml" | "text/xml" => Self::Xml,
            other if other.ends_with("+json") => Self::Json,
            other if other.ends_with("+xml") => Self::Xml,
            other if other.starts_with("text/") => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Finds the boundary that a multipart content type names.
pub(super) fn boundary_of(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_parameters_do_not_matter() {
        for (text, format) in [
            ("application/json", Format::Json),
            ("Application/JSON; charset=utf-8", Format::Json),
            ("application/vnd.api+json", Format::Json),
            ("APPLICATION/X-WWW-FORM-URLENCODED ; a=b", Format::Form),
            ("multipart/form-data; boundary=x", Format::Multipart),
            ("text/xml", Format::Xml),
            ("application/soap+xml;charset=utf-8", Format::Xml),
            ("text/html", Format::Text),
            ("text/plain;", Format::Text),
            ("image/png", Format::Other),
            ("", Format::Other),
        ] {
            assert_eq!(Format::of(text), format, "{text}");
        }
    }
}
