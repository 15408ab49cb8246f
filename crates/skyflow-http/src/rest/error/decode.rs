use std::fmt;

use serde_json::error::Category;

/// Reports where and why a response could not be read; it never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    kind: DecodeErrorKind,
    path: String,
    line: usize,
    column: usize,
    /// The missing field, or the encoding.
    name: Option<Box<str>>,
}

/// Names the reason why a response could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The body is empty.
    Empty,
    /// The body is not JSON.
    Syntax,
    /// The JSON is cut off.
    Eof,
    /// The JSON does not have the expected shape.
    Data,
    /// The text is not UTF-8.
    Utf8,
    /// The JSON is nested more deeply than 127 levels.
    Depth,
    /// A string has an unpaired surrogate, which no Rust string can hold.
    Surrogate,
    /// The body has a content encoding that is not supported, or is not what its content encoding says.
    Encoding,
}

impl DecodeError {
    /// Describes why `text` cannot be read. The error names the place and no value.
    pub fn new(error: &serde_json::Error, text: &[u8]) -> Self {
        let kind = match error.classify() {
            _ if text.trim_ascii().is_empty() => DecodeErrorKind::Empty,
            Category::Data => DecodeErrorKind::Data,
            Category::Syntax if says(error, "recursion limit exceeded") => DecodeErrorKind::Depth,
            Category::Syntax if is_surrogate(error, text) => DecodeErrorKind::Surrogate,
            Category::Eof => DecodeErrorKind::Eof,
            Category::Syntax | Category::Io => DecodeErrorKind::Syntax,
        };
        let (line, column) = (error.line(), error.column());
        // In text that is cut off or malformed, a key may be a displaced value.
        let has_path = matches!(kind, DecodeErrorKind::Data | DecodeErrorKind::Surrogate);
        let path = if has_path { render(&levels(text, line, column)) } else { String::new() };
        Self { kind, path, line, column, name: missing_field(error) }
    }

    /// The body of a response with a content encoding.
    pub(crate) fn encoded(encoding: String) -> Self {
        let name = Some(encoding.into());
        Self { kind: DecodeErrorKind::Encoding, path: String::new(), line: 0, column: 0, name }
    }

    /// Tells whether one value is the reason, in text that is JSON.
    pub(crate) fn is_of_a_value(&self) -> bool {
        matches!(self.kind, DecodeErrorKind::Data | DecodeErrorKind::Surrogate)
    }

    pub(crate) fn not_utf8(text: &[u8], error: std::str::Utf8Error) -> Self {
        let read = text.get(..error.valid_up_to()).unwrap_or_default();
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = read.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self { kind: DecodeErrorKind::Utf8, path: String::new(), line, column, name: None }
    }

    /// Returns the required field that is missing, when that is the reason.
    pub fn missing_field(&self) -> Option<&str> {
        self.name.as_deref().filter(|_| self.kind == DecodeErrorKind::Data)
    }

    /// Returns the reason.
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// Returns the place of a wrong shape, such as `records[3].skyflow_id`; empty for the whole text.
    ///
    /// A key that is not a plain name is shown as `?`, because it may be data.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in bytes, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, path, line, column, name } = self;
        match kind {
            DecodeErrorKind::Empty => f.write_str("expected JSON, got an empty body"),
            DecodeErrorKind::Syntax => write!(f, "invalid JSON at line {line} column {column}"),
            DecodeErrorKind::Eof => write!(f, "JSON is cut off at line {line} column {column}"),
            DecodeErrorKind::Utf8 => write!(f, "invalid UTF-8 at line {line} column {column}"),
            DecodeErrorKind::Depth => {
                write!(f, "JSON is nested too deeply (more than 127 levels) at line {line} column {column}")
            }
            DecodeErrorKind::Encoding => {
                write!(f, "unsupported content-encoding {}", name.as_deref().unwrap_or("?"))
            }
            DecodeErrorKind::Surrogate if path.is_empty() => {
                write!(f, "text with an unpaired surrogate at line {line} column {column}")
            }
            DecodeErrorKind::Surrogate => {
                write!(f, "text with an unpaired surrogate at `{path}`, line {line} column {column}")
            }
            DecodeErrorKind::Data if path.is_empty() => {
                write!(f, "JSON of an unexpected shape at line {line} column {column}")
            }
            DecodeErrorKind::Data => {
                write!(f, "JSON of an unexpected shape at `{path}`, line {line} column {column}")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

fn says(error: &serde_json::Error, message: &str) -> bool {
    error.to_string().starts_with(message)
}

/// Tells whether a string was refused although it is JSON: an escape of it has no place in Unicode.
fn is_surrogate(error: &serde_json::Error, text: &[u8]) -> bool {
    let refused = says(error, "lone leading surrogate in hex escape")
        || says(error, "unexpected end of hex escape")
        || says(error, "invalid unicode code point");
    refused && serde_json::from_slice::<&serde_json::value::RawValue>(text).is_ok()
}

/// Takes the name of a missing field out of serde's message: it comes from the type, while other messages quote data.
fn missing_field(error: &serde_json::Error) -> Option<Box<str>> {
    let message = error.to_string();
    let (name, _) = message.strip_prefix("missing field `")?.split_once('`')?;
    let plain =
        name.len() <= MAX_KEY && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    plain.then(|| name.into())
}

/// The longest key that is shown.
const MAX_KEY: usize = 64;

/// An object with the current key, or a list with the current index; `value` is where the current value starts.
enum Level<'a> {
    Object { key: Option<&'a [u8]>, expects_key: bool, value: Option<usize> },
    List { index: usize, value: usize },
}

/// Returns where the values start that the error is within, outermost first.
pub(crate) fn places(text: &[u8], error: &serde_json::Error) -> Vec<usize> {
    let levels = levels(text, error.line(), error.column());
    let start = |level: &Level<'_>| match level {
        Level::Object { value, .. } => *value,
        Level::List { value, .. } => Some(*value),
    };
    levels.iter().filter_map(start).collect()
}

/// Follows the text up to where serde stopped.
///
/// serde_json says line and column only. The text was read up to there, so a scan that knows strings and brackets is
/// enough, and a successful read pays nothing for it.
fn levels(text: &[u8], line: usize, column: usize) -> Vec<Level<'_>> {
    let start_of_line = match line {
        0 | 1 => 0,
        _ => text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(0, |(at, _)| at + 1),
    };
    let read = text.get(..start_of_line.saturating_add(column)).unwrap_or(text);
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut rest = read;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let next = read.len() - rest.len();
        match byte {
            b'"' => {
                let (content, after) = string(rest);
                rest = after;
                if let Some(Level::Object { key, expects_key: expects_key @ true, .. }) = levels.last_mut() {
                    *key = Some(content);
                    *expects_key = false;
                }
            }
            b'{' => levels.push(Level::Object { key: None, expects_key: true, value: None }),
            b'[' => levels.push(Level::List { index: 0, value: next }),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Object { key, expects_key, value }) => {
                    (*key, *expects_key, *value) = (None, true, None);
                }
                Some(Level::List { index, value }) => (*index, *value) = (*index + 1, next),
                None => {}
            },
            b':' => {
                if let Some(Level::Object { value, .. }) = levels.last_mut() {
                    *value = Some(next);
                }
            }
            _ => {}
        }
    }
    levels
}

/// Splits the content of a string, and what follows it, behind its opening quote.
fn string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((content, rest)) => (content, rest.get(1..).unwrap_or_default()),
        None => (text, &[]),
    }
}

fn render(levels: &[Level<'_>]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object { key: Some(key), .. } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(plain_name(key).unwrap_or("?"));
            }
            Level::Object { key: None, .. } => {}
            Level::List { index, .. } => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// Returns a key that is a name; `None` for one that may be data.
pub(crate) fn plain_name(key: &[u8]) -> Option<&str> {
    let starts_well = key.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let is_plain =
        starts_well && key.len() <= MAX_KEY && key.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if is_plain { std::str::from_utf8(key).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Page {
        records: Vec<Row>,
        count: Option<u64>,
        scores: Option<BTreeMap<String, f64>>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Row {
        id: String,
        age: Option<u8>,
    }

    fn error_of(text: &str) -> DecodeError {
        DecodeError::new(&serde_json::from_str::<Page>(text).unwrap_err(), text.as_bytes())
    }

    #[test]
    fn a_wrong_shape_is_named_by_its_path() {
        for (text, path) in [
            (r#"{"records":[{"id":"a"},{"id":7}]}"#, "records[1].id"),
            (r#"{"records":[{"id":"a, \"b\" }]","age":"x"}]}"#, "records[0].age"),
            (r#"{"records":[{"id":"a"},{"age":1}]}"#, "records[1]"),
            (r#"{"records":[],"count":{"a":[1]}}"#, "count"),
            (r#"{"records":[],"count":-1}"#, "count"),
            (r#"{"records":[],"scores":{"name":0.1,"ssn":"4111"}}"#, "scores.ssn"),
            (r#"{"records":[],"scores":{"4111 1111":"x"}}"#, "scores.?"),
            (r#"{"count":1}"#, ""),
            (r#"[1,2]"#, "[0]"),
            ("{\n \"records\": [\n  {\"id\":\"a\"},\n  {\"id\": true}\n ]\n}", "records[1].id"),
        ] {
            let error = error_of(text);
            assert_eq!(error.kind(), DecodeErrorKind::Data, "{text}");
            assert_eq!(error.path(), path, "{text}");
        }
    }

    #[test]
    fn empty_invalid_cut_and_misshapen_json_differ() {
        for (text, kind) in [
            ("", DecodeErrorKind::Empty),
            (" \r\n", DecodeErrorKind::Empty),
            ("<html>", DecodeErrorKind::Syntax),
            (r#"{"records":[}"#, DecodeErrorKind::Syntax),
            (r#"{"records":["#, DecodeErrorKind::Eof),
            ("null", DecodeErrorKind::Data),
        ] {
            assert_eq!(error_of(text).kind(), kind, "{text:?}");
        }
    }

    #[test]
    fn depth_and_surrogates_have_their_own_kind() {
        let deep = format!("{{\"records\":{}", "[".repeat(200));
        let error =
            DecodeError::new(&serde_json::from_str::<serde_json::Value>(&deep).unwrap_err(), deep.as_bytes());
        assert_eq!(error.kind(), DecodeErrorKind::Depth);
        assert!(error.to_string().starts_with("JSON is nested too deeply"), "{error}");
        for id in [r"\ud800", r"a\udc00b", r"\ud800\ud800", r"\ud800x"] {
            let text = format!("{{\"records\":[{{\"id\":\"a\"}},{{\"id\":\"{id}\"}}]}}");
            let error = error_of(&text);
            assert_eq!((error.kind(), error.path()), (DecodeErrorKind::Surrogate, "records[1].id"), "{text}");
            assert!(
                error.to_string().starts_with("text with an unpaired surrogate at `records[1].id`"),
                "{error}"
            );
        }
        for broken in [r#"{"records":[{"id":"\uzzzz"}]}"#, r#"{"records":[{"id":"\ud800"}"#] {
            assert_ne!(error_of(broken).kind(), DecodeErrorKind::Surrogate, "{broken}");
        }
    }

    #[test]
    fn no_form_of_the_error_repeats_a_value() {
        for text in [
            r#"{"records":[{"id":"a","age":"canary"}]}"#,
            r#"{"records":"canary"}"#,
            r#"{"records":[],"count":"canary"}"#,
            r#"{"canary":"canary""#,
            r#"{"records":[{"id":canary}]}"#,
            "canary",
            r#""canary""#,
        ] {
            let error = error_of(text);
            assert!(!format!("{error} {error:?} {error:#?}").contains("canary"), "{text}");
        }
    }
}
