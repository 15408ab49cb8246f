//! Finds the messages of errors in Rust source: `#[error("…")]`, constructors of error types, and what they display.

use regex::Regex;

/// An error message and the line on which its string literal starts, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub line: usize,
    pub text: String,
}

/// The messages of `#[error("…")]` attributes.
const ATTRIBUTES: &str = r"#\[error\(";
/// The same, and the messages that constructors of error types and `Display` implementations have.
const ALL: &str = r"#\[error\(|\b\w*Error::\w+\(|\bwrite_str\(|\bwrite!\(";

/// Returns the messages of attributes; `constructed` adds those that code makes.
pub fn messages(source: &str, constructed: bool) -> Result<Vec<Message>, String> {
    let calls = Regex::new(if constructed { ALL } else { ATTRIBUTES }).map_err(|error| error.to_string())?;
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source);
    let mut found: Vec<Message> = Vec::new();
    let mut read_to = 0;
    for call in calls.find_iter(code) {
        // A call inside of the arguments of another one was read with them.
        if call.start() < read_to {
            continue;
        }
        read_to = arguments(code, call.end(), &mut found);
    }
    Ok(found)
}

/// Collects the string literals with a space, up to the closing parenthesis. A literal without one is a name or a field.
fn arguments(code: &str, start: usize, found: &mut Vec<Message>) -> usize {
    let bytes = code.as_bytes();
    let mut depth = 1_usize;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at);
            }
            // A character literal may be a quote or a parenthesis.
            b'\'' if bytes.get(at + 2) == Some(&b'\'') => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\\') && bytes.get(at + 3) == Some(&b'\'') => at += 3,
            b'"' => {
                let end = literal_end(bytes, at + 1);
                let text = unwrapped(&code[at + 1..end]);
                if text.trim().contains(' ') {
                    found.push(Message { line: code[..at].matches('\n').count() + 1, text });
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// Returns the position of the quote that closes a literal, or the end of the file.
fn literal_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Joins the lines of a literal that is continued with a backslash.
fn unwrapped(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str, constructed: bool) -> Vec<(usize, String)> {
        let found = messages(source, constructed).unwrap();
        found.into_iter().map(|message| (message.line, message.text)).collect()
    }

    #[test]
    fn attributes_and_constructors_are_read() {
        let source = concat!(
            "#[error(\"not {0}\")]\n",
            "Error::invalid(\"ids\", format!(\"at most {} of it\", n)) // \"no message here\"\n",
            "TokenError::new(')', \"one \\\n    line\")\nwrite_str(\"plain text\")",
        );
        let expected = [(1, "not {0}"), (2, "at most {} of it"), (3, "one line"), (5, "plain text")];
        assert_eq!(texts(source, true), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn other_strings_and_tests_are_not_read() {
        let source = "call(\"an answer\");\n#[cfg(test)]\nmod tests {\nError::answer(\"an answer\");\n}\n";
        assert_eq!(texts(source, true), []);
        assert_eq!(texts("Error::answer(\"an answer\")", false), []);
    }
}
