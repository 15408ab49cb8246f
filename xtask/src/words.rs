//! Checks the language of comments, documentation and error messages: `cargo xtask words`.
//!
//! Counts words that a native reader stumbles over in this field, and compares them with the limits of [`LIMITS`].

mod messages;
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;

use self::messages::messages;
use self::source::{Prose, prose_of_markdown, prose_of_rust};
use crate::tracked::files;

/// Options of `cargo xtask words`.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Prints each place where a counted word occurs.
    #[arg(long)]
    list: bool,
    /// Only counts files whose path contains this text.
    #[arg(long)]
    path: Option<String>,
}

/// A group of words, and how often it may occur in 1,000 lines of prose.
struct Limit {
    name: &'static str,
    pattern: &'static str,
    per_thousand: f64,
}

/// The words that are counted. Each pattern ignores case unless it says otherwise.
const LIMITS: &[Limit] = &[
    Limit { name: "answer", pattern: r"(?i)\banswer(s|ed|ing)?\b", per_thousand: 2.0 },
    Limit { name: "stand", pattern: r"(?i)\b(stands?|stood|standing)\b", per_thousand: 2.0 },
    Limit { name: "nobody", pattern: r"(?i)\b(nobody|everybody|whoever)\b", per_thousand: 1.0 },
    Limit { name: "mend", pattern: r"(?i)\b(mend(s|ed|ing)?|twins?|leaf|leaves)\b", per_thousand: 1.0 },
    Limit {
        name: "what is",
        // A relative clause at the start of a sentence; a question is none.
        pattern: r"(^([-*|] )?|[.!?] )What (is|was|are|were) [^?.]*(\.|$)",
        per_thousand: 1.0,
    },
    Limit {
        name: "private terms",
        pattern: r"(?i)\b(once more|small letters|anew|house as built|in the place of)\b",
        per_thousand: 1.0,
    },
];

/// The word that must occur more often than `answer`.
const RESPONSE: &str = r"(?i)\bresponses?\b";

/// Places that are not counted: part of a path, part of the line, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[];

/// Checks the whole repository against the limits.
pub fn run(args: &Args) -> Result<(), String> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is not below the workspace root")?;
    let mut prose = Vec::new();
    for file in files(root)? {
        let name = file.to_string_lossy().into_owned();
        if is_excluded(&name) || args.path.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(root.join(&file)).map_err(|error| format!("{name}: {error}"))?;
        if name.ends_with(".md") {
            prose.extend(prose_of_markdown(&name, &text));
            continue;
        }
        prose.extend(prose_of_rust(&name, &text));
        for message in messages(&text, has_client_errors(&name))? {
            prose.push(Prose { file: name.clone(), number: message.line, text: message.text });
        }
    }
    let counts = Counts::of(&prose, args.list)?;
    counts.check()
}

/// Generated code takes its documentation from an API document, and recorded calls are not prose of this project.
fn is_excluded(name: &str) -> bool {
    !(name.ends_with(".rs") || name.ends_with(".md"))
        || name.contains("/generated/")
        || name.starts_with("tests/conformance/traces")
        // The table and the tests of this check quote the words.
        || name.starts_with("xtask/src/words")
}

/// The errors of the embedded vault are those of the server that it stands in for.
fn has_client_errors(name: &str) -> bool {
    let is_of_server =
        ["crates/skyflow-emulator", "crates/scaivault-emulator"].iter().any(|it| name.starts_with(it));
    name.starts_with("crates/") && name.contains("/src/") && !is_of_server
}

struct Counts {
    lines: usize,
    responses: usize,
    found: BTreeMap<&'static str, usize>,
}

impl Counts {
    fn of(prose: &[Prose], list: bool) -> Result<Self, String> {
        let compiled = |pattern: &str| Regex::new(pattern).map_err(|error| error.to_string());
        let response = compiled(RESPONSE)?;
        let limits: Vec<_> = LIMITS
            .iter()
            .map(|limit| Ok((limit.name, compiled(limit.pattern)?)))
            .collect::<Result<_, String>>()?;
        let mut counts = Self { lines: prose.len(), responses: 0, found: BTreeMap::new() };
        for line in prose {
            counts.responses += response.find_iter(&line.text).count();
            if ALLOWED.iter().any(|(path, part, _)| line.file.contains(path) && line.text.contains(part)) {
                continue;
            }
            for (name, pattern) in &limits {
                let here = pattern.find_iter(&line.text).count();
                if here > 0 && list {
                    println!("{}:{}: {name}: {}", line.file, line.number, line.text.trim());
                }
                *counts.found.entry(name).or_default() += here;
            }
        }
        Ok(counts)
    }

    fn check(&self) -> Result<(), String> {
        let thousands = (self.lines as f64 / 1000.0).max(1.0);
        println!("  {} lines of comments, documentation and error messages", self.lines);
        println!("  {:<14} {:>5} {:>9} {:>6}", "word", "found", "per 1,000", "limit");
        let mut over = Vec::new();
        for limit in LIMITS {
            let found = self.found.get(limit.name).copied().unwrap_or_default();
            let rate = found as f64 / thousands;
            println!("  {:<14} {found:>5} {rate:>9.2} {:>6.1}", limit.name, limit.per_thousand);
            if rate > limit.per_thousand {
                over.push(limit.name);
            }
        }
        println!("  {:<14} {:>5} {:>9.2}", "response", self.responses, self.responses as f64 / thousands);
        if self.found.get("answer").copied().unwrap_or_default() >= self.responses.max(1) {
            over.push("answer is more frequent than response");
        }
        if over.is_empty() { Ok(()) } else { Err(format!("over the limit: {}", over.join(", "))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        Counts::of(&prose_of_markdown("a.md", text), false).unwrap()
    }

    #[test]
    fn words_over_the_limit_are_reported() {
        let error = counts("the answer is read\nnobody waits for everybody\n").check().unwrap_err();
        assert!(error.contains("nobody"), "{error}");
        assert!(error.contains("answer is more frequent"), "{error}");
    }

    #[test]
    fn the_terms_of_the_field_pass() {
        counts("the response is read\nall callers wait\nWhat is a vault?\n").check().unwrap();
    }

    #[test]
    fn a_subject_that_is_a_clause_is_counted() {
        let found = counts("What is not set is not sent.\nSent: all. What was read is kept\n").found;
        assert_eq!(found["what is"], 2);
        assert_eq!(counts("Read: What is kept. (What is sent)\nWhat is a token?\n").found["what is"], 0);
    }

    #[test]
    fn the_allow_list_is_short_and_has_reasons() {
        assert!(ALLOWED.len() <= 20);
        assert!(
            ALLOWED
                .iter()
                .all(|(path, part, reason)| { !path.is_empty() && !part.is_empty() && reason.len() > 10 })
        );
    }
}
