//! Bodies of type `multipart/form-data`.

/// One part of a form.
#[derive(Debug, PartialEq)]
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content: &'a [u8],
}

impl Part<'_> {
    /// The content as text, without what surrounds it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.content).trim().to_owned()
    }
}

/// Splits a form into its parts; `None` when the body is not one.
pub(crate) fn parse<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes()).or_else(|| {
        let start = find(body, format!("\r\n{delimiter}").as_bytes())?;
        body.get(start + 2 + delimiter.len()..)
    })?;
    let end_of_part = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let after_line = rest.strip_prefix(b"\r\n")?;
        let end = find(after_line, end_of_part.as_bytes())?;
        parts.push(part(after_line.get(..end)?)?);
        rest = after_line.get(end + end_of_part.len()..)?;
    }
    Some(parts)
}

fn part(section: &[u8]) -> Option<Part<'_>> {
    // A part without headers starts with the empty line that ends them.
    let (head, content) = match section.strip_prefix(b"\r\n") {
        Some(content) => (&b""[..], content),
        None => {
            let end = find(section, b"\r\n\r\n")?;
            (section.get(..end)?, section.get(end + 4..)?)
        }
    };
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (kind, parameters) = disposition.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    Some(Part { name: parameter(parameters, "name")?, file_name: parameter(parameters, "filename"), content })
}

/// Reads `name=value` or `name="value"` from a list separated by semicolons.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        let (name, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted)?,
            None => match after.split_once(';') {
                Some((value, next)) => (value.trim().to_owned(), next),
                None => (after.trim().to_owned(), ""),
            },
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

/// Reads up to the closing quote; clients escape a quote as `\"` or `%22`.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value.replace("%22", "\""), text.get(index + 1..)?)),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    None
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut start = 0;
    loop {
        let offset = haystack.get(start..)?.iter().position(|byte| *byte == first)?;
        start += offset;
        if haystack.get(start..)?.starts_with(needle) {
            return Some(start);
        }
        start += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"b1\"";

    #[test]
    fn parts_keep_their_bytes_names_and_file_names() {
        let body = b"--b1\r\nContent-Disposition: form-data; name=\"tableName\"\r\n\r\ndocs\r\n--b1\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\"%22;.txt\"\r\ncontent-type: text/plain\r\n\r\n\
            \r\n--b\r\n\x00\xff\r\n--b1--\r\n";
        let parts = parse(TYPE, body).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].text().as_str()), ("tableName", "docs"));
        assert_eq!(parts[1].file_name.as_deref(), Some("a \"b\"\";.txt"));
        assert_eq!(parts[1].content, b"\r\n--b\r\n\x00\xff");
    }

    #[test]
    fn preamble_empty_form_and_parts_are_accepted() {
        assert_eq!(parse(TYPE, b"hello\r\n--b1--").unwrap(), []);
        let body = b"--b1\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--b1--";
        assert_eq!(parse(TYPE, body).unwrap()[0].content, b"");
    }

    #[test]
    fn anything_else_is_no_form() {
        for (content_type, body) in [
            ("application/json", &b"--b1--"[..]),
            ("multipart/form-data", b"--b1--"),
            ("multipart/form-data; charset=x", b"--b1--"),
            (TYPE, b""),
            (TYPE, b"--b2--"),
            (TYPE, b"--b1\r\nContent-Disposition: form-data; name=x\r\n\r\nno end"),
            (TYPE, b"--b1\r\n\r\nno name\r\n--b1--"),
            (TYPE, b"--b1"),
        ] {
            assert!(parse(content_type, body).is_none(), "{content_type}");
        }
    }
}
