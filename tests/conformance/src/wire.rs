//! Requests taken apart: paths, queries, forms.

use percent_encoding::percent_decode_str;

/// Splits a path at its slashes and decodes each segment.
pub fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches('/').split('/').map(decoded).collect()
}

/// Returns the id of the run that a path of Detect asks for; `None` for other paths.
pub fn run_of(path: &str) -> Option<String> {
    match segments(path).as_slice() {
        [version, detect, runs, id @ ..] if [version, detect, runs] == ["v1", "detect", "runs"] => {
            Some(id.join("/"))
        }
        _ => None,
    }
}

/// Reads a query as pairs, sorted: their order means nothing. A space may be written as `+` or as `%20`.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
    };
    let mut pairs: Vec<_> = query.split('&').filter(|text| !text.is_empty()).map(pair).collect();
    pairs.sort();
    pairs
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// One part of a `multipart/form-data` body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content: Vec<u8>,
}

/// Takes a form apart; `None` when it is none.
pub fn form(content_type: &str, body: &[u8]) -> Option<Vec<Part>> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let mut rest = body.strip_prefix(format!("--{boundary}").as_bytes())?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        parts.push(part(rest.get(..end)?)?);
        rest = rest.get(end + delimiter.len()..)?;
    }
}

fn part(text: &[u8]) -> Option<Part> {
    let end = find(text, b"\r\n\r\n")?;
    let heading = std::str::from_utf8(text.get(..end)?).ok()?;
    let mut part = Part {
        name: String::new(),
        file_name: None,
        content_type: None,
        content: text.get(end + 4..)?.to_vec(),
    };
    for line in heading.split("\r\n") {
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                let value = value.strip_prefix("form-data; name=\"")?;
                let (name, rest) = value.split_once('"')?;
                part.name = name.to_owned();
                part.file_name = rest
                    .strip_prefix("; filename=\"")
                    .and_then(|name| name.strip_suffix('"'))
                    .map(ToOwned::to_owned);
            }
            "content-type" => part.content_type = Some(value.to_owned()),
            _ => return None,
        }
    }
    Some(part)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_multisets_of_decoded_pairs() {
        assert_eq!(pairs("b=%2B+x&a=1&a=%20"), pairs("a=+&a=1&b=%2B%20x"));
        assert_ne!(pairs("a=1&a=1"), pairs("a=1"));
        assert_ne!(pairs("a="), pairs(""));
    }

    #[test]
    fn a_form_is_taken_apart_byte_by_byte() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nv\r\n\
            --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\
            \r\n\r\n--x\r\n\r\n--b--\r\n";
        let parts = form("multipart/form-data; boundary=b", body).unwrap();
        assert_eq!(parts[0].content, b"v");
        assert_eq!(parts[1].file_name.as_deref(), Some("a.txt"));
        assert_eq!(parts[1].content, b"\r\n--x\r\n");
        assert_eq!(form("multipart/form-data; boundary=b", b"--b\r\n"), None);
    }
}
