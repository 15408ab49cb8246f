/// One line of prose and where it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Prose {
    /// The file, relative to the root of the repository.
    pub file: String,
    /// The line, counted from 1.
    pub number: usize,
    /// The prose without its comment marker.
    pub text: String,
}

/// Returns the lines of a Markdown file outside of code blocks.
pub fn prose_of_markdown(file: &str, text: &str) -> Vec<Prose> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !line.trim().is_empty() {
            lines.push(Prose { file: file.to_owned(), number: index + 1, text: line.to_owned() });
        }
    }
    lines
}

/// Returns the comments of a Rust file, outside of code blocks.
pub fn prose_of_rust(file: &str, text: &str) -> Vec<Prose> {
    let mut lines = Vec::new();
    let mut in_code = false;
    let mut state = State::Code;
    for (index, line) in text.lines().enumerate() {
        let (comment, next) = comment_of(line, state);
        state = next;
        let prose = match comment {
            Some(comment) if comment.trim_start().starts_with("```") => {
                in_code = !in_code;
                None
            }
            Some(_) if in_code => None,
            Some(comment) => Some(comment),
            None => {
                in_code = false;
                None
            }
        };
        if let Some(text) = prose.filter(|text| !text.trim().is_empty()) {
            lines.push(Prose { file: file.to_owned(), number: index + 1, text: text.trim().to_owned() });
        }
    }
    lines
}

/// What the end of a line is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    String,
    RawString(usize),
    BlockComment,
}

/// Finds the comment of one line, and what the line ends inside of.
fn comment_of(line: &str, mut state: State) -> (Option<&str>, State) {
    if state == State::BlockComment {
        return match line.split_once("*/") {
            Some((comment, _)) => (Some(comment), State::Code),
            None => (Some(line), State::BlockComment),
        };
    }
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &line.as_bytes()[at..];
        match state {
            State::Code => {
                if rest.starts_with(b"//") {
                    let marker = rest.iter().take_while(|byte| matches!(byte, b'/' | b'!')).count();
                    return (line.get(at + marker..), State::Code);
                }
                if rest.starts_with(b"/*") {
                    let comment = line.get(at + 2..).unwrap_or_default();
                    return match comment.split_once("*/") {
                        Some((comment, _)) => (Some(comment), State::Code),
                        None => (Some(comment), State::BlockComment),
                    };
                }
                match raw_string_start(rest) {
                    Some((length, hashes)) => {
                        state = State::RawString(hashes);
                        at += length;
                        continue;
                    }
                    None if rest[0] == b'"' => state = State::String,
                    // A quote as a character literal does not open a string.
                    None if rest.starts_with(b"'\"'") || rest.starts_with(b"'\\\"'") => {
                        at += if rest[1] == b'\\' { 4 } else { 3 };
                        continue;
                    }
                    None => {}
                }
                at += 1;
            }
            State::String => {
                match rest[0] {
                    b'\\' => at += 1,
                    b'"' => state = State::Code,
                    _ => {}
                }
                at += 1;
            }
            State::RawString(hashes) => {
                let closes =
                    rest[0] == b'"' && rest[1..].iter().take_while(|b| **b == b'#').count() >= hashes;
                if closes {
                    state = State::Code;
                    at += hashes;
                }
                at += 1;
            }
            State::BlockComment => return (None, state),
        }
    }
    (None, state)
}

/// The length of a raw string's opening and its number of `#`.
fn raw_string_start(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = if rest.starts_with(b"br") { 2 } else { usize::from(rest.starts_with(b"r")) };
    if prefix == 0 {
        return None;
    }
    let hashes = rest.get(prefix..)?.iter().take_while(|byte| **byte == b'#').count();
    (rest.get(prefix + hashes) == Some(&b'"')).then_some((prefix + hashes + 1, hashes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        prose_of_rust("a.rs", source).into_iter().map(|prose| prose.text).collect()
    }

    #[test]
    fn comments_of_every_kind_are_prose() {
        let source = "//! Front.\nlet a = 1; // why\n/// Doc.\n/* block\nmore */ let b = 2;\n";
        assert_eq!(texts(source), ["Front.", "why", "Doc.", "block", "more"]);
    }

    #[test]
    fn strings_and_code_blocks_are_not_prose() {
        let source = concat!(
            "let url = \"http://a\"; let c = '\"'; // one\n",
            "let raw = r#\"// no \" //\"#;\n",
            "let long = \"first\n// still a string\n\";\n",
            "/// ```\n/// // code\n/// ```\n/// two\n",
        );
        assert_eq!(texts(source), ["one", "two"]);
    }

    #[test]
    fn code_blocks_of_markdown_are_not_prose() {
        let lines = prose_of_markdown("a.md", "# Title\n```rust\ncode\n```\n\nText\n");
        let texts: Vec<_> = lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(texts, [(1, "# Title"), (6, "Text")]);
    }
}
