//! The codes of fields in Word, such as `HYPERLINK "mailto:…"`: their arguments are looked at, their switches are not.

use std::ops::Range;

use super::names::Names;
use crate::files::xml::escape;
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::mapped_text::{MappedText, Splices};
use crate::rewrite::Edit;

/// Switches whose argument says how a result is shown.
const FORMATS: [&str; 3] = ["\\*", "\\@", "\\#"];

/// Shows the arguments of codes and makes the edits.
pub(super) fn rewrite(
    codes: &MappedText,
    splices: &mut Splices,
    names: &mut Names,
    rewriter: &mut Rewriter<'_>,
) -> Result<(), FileProblem> {
    let mut edits = Vec::new();
    for (range, is_quoted) in arguments(codes.text()) {
        let argument = codes.text().get(range.clone()).unwrap_or_default();
        for edit in rewriter.edits_aside(argument, "")? {
            let value = argument.get(edit.range.clone()).unwrap_or_default();
            let replacement = match is_quoted {
                true => edit.replacement.replace('"', "'"),
                false => names.name(value, &edit.replacement),
            };
            let edited = range.start + edit.range.start..range.start + edit.range.end;
            edits.push(Edit { range: edited, replacement });
        }
    }
    splices.edit(codes, &edits, escape);
    Ok(())
}

/// Returns the words of codes that are no switches, and whether they are quoted.
fn arguments(codes: &str) -> Vec<(Range<usize>, bool)> {
    let mut arguments = Vec::new();
    let mut at = 0;
    let mut is_format = false;
    while let Some(skipped) = codes.get(at..).and_then(|rest| rest.find(|c: char| !c.is_whitespace())) {
        at += skipped;
        let rest = codes.get(at..).unwrap_or_default();
        let (range, is_quoted) = match rest.strip_prefix('"') {
            Some(inside) => (at + 1..at + 1 + inside.find('"').unwrap_or(inside.len()), true),
            None => {
                (at..at + rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len()), false)
            }
        };
        at = range.end + usize::from(is_quoted);
        let word = codes.get(range.clone()).unwrap_or_default();
        if !is_format && (is_quoted || !word.starts_with('\\')) {
            arguments.push((range, is_quoted));
        }
        is_format = !is_quoted && FORMATS.contains(&word);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_and_formats_are_not_looked_at() {
        let found = |codes: &'static str| -> Vec<&str> {
            arguments(codes).into_iter().map(|(range, _)| &codes[range]).collect()
        };
        assert_eq!(found(" SEQ Table \\* ARABIC \\h "), ["SEQ", "Table"]);
        assert_eq!(found("DATE \\@ \"d MMMM\" \\* MERGEFORMAT"), ["DATE"]);
        assert_eq!(found("HYPERLINK\"mailto:a b\" \\o \"é tip"), ["HYPERLINK", "mailto:a b", "é tip"]);
        assert_eq!(found("  "), [""; 0]);
    }
}
